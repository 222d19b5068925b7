// What every kernel uses: how a kernel is declared, element types, vectors of
// 16 bytes, and where a thread stands.
//
// The sources compile as C++17 with NVRTC; package host puts its shim of the
// same names before them (HOST_SHIM) to compile them for the CPU.
#pragma once

#include "params.h"

typedef long long int64;
typedef unsigned long long uint64;

#ifndef HOST_SHIM
// KERNEL opens the definition of a kernel that takes one struct p and blocks of
// at most the given number of threads.
#define KERNEL(name, Params, threads) \
    extern "C" __global__ void __launch_bounds__(threads) name(const __grid_constant__ Params p)

// shared_memory is the block's dynamic shared memory, aligned to 16 bytes.
template <typename T>
__device__ inline T *shared_memory()
{
    extern __shared__ uint4 block_memory[];
    return (T *)block_memory;
}

// aligned is p; the shim checks that it is a multiple of bytes, 16 at most.
template <typename T>
__device__ inline T *aligned(T *p, int)
{
    return p;
}

// global is p, known to point to global memory: the compiler sees it of kernels'
// parameters, not of pointers that come from memory.
template <typename T>
__device__ inline T *global(T *p)
{
    __builtin_assume(__isGlobal(p));
    return p;
}

// square_root is within two units in the last place; x isn't subnormal.
__device__ inline float square_root(float x)
{
    float y;
    asm("sqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

// reciprocal_root is 1/√x within two units in the last place; x isn't subnormal.
__device__ inline float reciprocal_root(float x)
{
    float y;
    asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

__device__ inline int64 nanoseconds()
{
    int64 t;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(t));
    return t;
}
#endif

// KERNELS defines the four kernels of a template <typename T, int V>: both
// working types, 16 bytes at a time and one element at a time.
#define KERNELS(name, Params)                                      \
    KERNEL(name##_f32, Params, 256) { name<float, 4>(p); }         \
    KERNEL(name##_f32_any, Params, 256) { name<float, 1>(p); }     \
    KERNEL(name##_bf16, Params, 256) { name<bf16, 8>(p); }         \
    KERNEL(name##_bf16_any, Params, 256) { name<bf16, 1>(p); }

// bf16 is the upper half of a float32.
struct bf16 {
    unsigned short bits;
};

__device__ inline float widen(float x) { return x; }
__device__ inline float widen(bf16 x) { return __uint_as_float((unsigned)x.bits << 16); }

// narrow rounds to the nearest, ties to even.
template <typename T>
__device__ inline T narrow(float x);

template <>
__device__ inline float narrow<float>(float x)
{
    return x;
}

template <>
__device__ inline bf16 narrow<bf16>(float x)
{
    bf16 y;
#ifdef HOST_SHIM
    const unsigned bits = __float_as_uint(x);
    y.bits = x != x ? 0x7fff : (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
#else
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
#endif
    return y;
}

// narrow_pair rounds two, the first to the lower half.
__device__ inline unsigned narrow_pair(float low, float high)
{
#ifdef HOST_SHIM
    return (unsigned)narrow<bf16>(high).bits << 16 | narrow<bf16>(low).bits;
#else
    unsigned pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
#endif
}

// Raw<B> is a type of B bytes that is read and written at once, or in two halves.
struct Two {
    uint4 half[2];
};

template <int B> struct Raw;
template <> struct Raw<32> { typedef Two type; };
template <> struct Raw<16> { typedef uint4 type; };
template <> struct Raw<8> { typedef uint2 type; };
template <> struct Raw<4> { typedef unsigned type; };
template <> struct Raw<2> { typedef unsigned short type; };
template <> struct Raw<1> { typedef unsigned char type; };

// read_only reads memory that nothing writes while the kernel runs.
template <typename R>
__device__ inline R read_only(const R *from)
{
    return __ldg(from);
}

__device__ inline Two read_only(const Two *from) { return {{__ldg(&from->half[0]), __ldg(&from->half[1])}}; }

// Pack is V elements that are read and written together.
template <typename T, int V>
union Pack {
    typename Raw<sizeof(T) * V>::type raw;
    T at[V];
};

// fetch reads V elements that nothing writes while the kernel runs; fetch_own
// reads elements that this kernel may overwrite.
template <typename T, int V>
__device__ inline Pack<T, V> fetch(const T *from)
{
    Pack<T, V> pack;
    pack.raw = read_only((const typename Raw<sizeof(T) * V>::type *)aligned(from, sizeof(pack)));
    return pack;
}

template <typename T, int V>
__device__ inline Pack<T, V> fetch_own(const T *from)
{
    Pack<T, V> pack;
    pack.raw = *(const typename Raw<sizeof(T) * V>::type *)aligned(from, sizeof(pack));
    return pack;
}

// load is fetch as floats, load_own fetch_own.
template <typename T, int V>
__device__ inline void load(float (&to)[V], const T *from)
{
    const Pack<T, V> pack = fetch<T, V>(from);
#pragma unroll
    for (int i = 0; i < V; i++)
        to[i] = widen(pack.at[i]);
}

template <typename T, int V>
__device__ inline void load_own(float (&to)[V], const T *from)
{
    const Pack<T, V> pack = fetch_own<T, V>(from);
#pragma unroll
    for (int i = 0; i < V; i++)
        to[i] = widen(pack.at[i]);
}

// rounded is V floats as they are stored.
template <typename T, int V>
__device__ inline Pack<T, V> rounded(const float (&from)[V])
{
    Pack<T, V> pack;
#pragma unroll
    for (int i = 0; i < V; i++)
        pack.at[i] = narrow<T>(from[i]);
    return pack;
}

template <int V>
__device__ inline Pack<bf16, V> rounded_pairs(const float (&from)[V])
{
    Pack<unsigned, V / 2> pairs;
#pragma unroll
    for (int i = 0; i < V / 2; i++)
        pairs.at[i] = narrow_pair(from[2 * i], from[2 * i + 1]);
    Pack<bf16, V> pack;
    pack.raw = pairs.raw;
    return pack;
}

template <>
__device__ inline Pack<bf16, 4> rounded<bf16, 4>(const float (&from)[4])
{
    return rounded_pairs(from);
}

template <>
__device__ inline Pack<bf16, 8> rounded<bf16, 8>(const float (&from)[8])
{
    return rounded_pairs(from);
}

// put writes a pack; store rounds and writes.
template <typename T, int V>
__device__ inline void put(T *to, const Pack<T, V> &pack)
{
    *(typename Raw<sizeof(T) * V>::type *)aligned(to, sizeof(pack)) = pack.raw;
}

template <typename T, int V>
__device__ inline void store(T *to, const float (&from)[V])
{
    put<T, V>(to, rounded<T, V>(from));
}

// The geometries of package kernels. thread_channel is the first of a thread's
// V channels, thread_row its row (of an image, where images are blockIdx.z).
template <int V>
__device__ inline int thread_channel()
{
    return (int)(blockIdx.y * blockDim.x + threadIdx.x) * V;
}

__device__ inline int64 thread_row() { return (int64)blockIdx.x * blockDim.y + threadIdx.y; }

// thread_item is the thread's number in a flat grid.
__device__ inline int64 thread_item() { return (int64)blockIdx.x * blockDim.x + threadIdx.x; }
