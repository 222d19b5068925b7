// CUDA's names for a CPU compiler, so that the kernels' sources compile for the
// host, where machine.cpp runs their blocks and threads.
#pragma once
#define HOST_SHIM

#include <cmath>
#include <cstdint>
#include <cstring>

#define __device__
#define __noinline__ __attribute__((noinline))

struct uint2 {
    unsigned x, y;
} __attribute__((aligned(8)));
struct uint4 {
    unsigned x, y, z, w;
} __attribute__((aligned(16)));
struct float4 {
    float x, y, z, w;
} __attribute__((aligned(16)));

inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

namespace host {

struct Index {
    unsigned x, y, z;
};

// Here is where the running thread stands. One operating system thread runs one
// launch at a time.
struct Here {
    Index thread, block, block_size, grid;
    void *shared;
};
extern thread_local Here here;

// barrier holds a thread until its whole block stands at the same line.
void barrier(int line);

// shuffle gives the bits of the lane whose number differs by mask.
uint32_t shuffle_xor(unsigned members, uint32_t bits, int mask, int line);

// fail ends the launch with an error; it doesn't return.
[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

long long nanoseconds();

typedef void Entry(const void *params);

// Registered makes a kernel known by its name.
struct Registered {
    Registered(const char *name, unsigned params, unsigned threads, Entry *);
};

} // namespace host

#define threadIdx host::here.thread
#define blockIdx host::here.block
#define blockDim host::here.block_size
#define gridDim host::here.grid

#define __syncthreads() host::barrier(__LINE__)
#define __shfl_xor_sync(members, value, mask) host_shuffle(members, value, mask, __LINE__)

#define KERNEL(name, Params, threads)                                                     \
    static void name##_body(const Params &p);                                             \
    static const host::Registered name##_registered(                                      \
        #name, sizeof(Params), threads, [](const void *p) { name##_body(*(const Params *)p); }); \
    static void name##_body(const Params &p)

template <typename T>
inline T *shared_memory()
{
    return (T *)host::here.shared;
}

template <typename T>
inline T *aligned(T *p, int bytes)
{
    if ((uintptr_t)p % (bytes < 16 ? bytes : 16) != 0)
        host::fail("an access of %d bytes at %p is not aligned", bytes, (const void *)p);
    return p;
}

template <typename T>
inline T *global(T *p)
{
    return p;
}

template <typename T>
inline T host_shuffle(unsigned members, T value, int mask, int line)
{
    static_assert(sizeof(T) == 4, "shuffles move 4 bytes");
    uint32_t bits;
    memcpy(&bits, &value, 4);
    bits = host::shuffle_xor(members, bits, mask, line);
    memcpy(&value, &bits, 4);
    return value;
}

template <typename T>
inline T __ldg(const T *p)
{
    return *p;
}

template <typename T>
inline T min(T a, T b)
{
    return b < a ? b : a;
}

template <typename T>
inline T max(T a, T b)
{
    return a < b ? b : a;
}

inline float __uint_as_float(unsigned bits)
{
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

inline float __int_as_float(int bits) { return __uint_as_float((unsigned)bits); }

inline unsigned __float_as_uint(float x)
{
    unsigned bits;
    memcpy(&bits, &x, 4);
    return bits;
}

inline float rsqrtf(float x) { return 1 / sqrtf(x); }
inline float square_root(float x) { return sqrtf(x); }
inline float reciprocal_root(float x) { return rsqrtf(x); }
inline long long nanoseconds() { return host::nanoseconds(); }

inline int atomicMax(int *at, int value)
{
    int old = __atomic_load_n(at, __ATOMIC_RELAXED);
    while (old < value && !__atomic_compare_exchange_n(at, &old, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return old;
}
