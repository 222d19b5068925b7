// Conversions between the host's order of a tensor and the device's, and other copies.

#include "activate.cu"

struct Transpose {
    const void *X;
    void *Y;
    int N, Rows, Columns;
};

struct Cast {
    const void *X;
    void *Y;
    long long Count;
};

struct Fill {
    void *Y;
    long long Count;
    float Value;
};

struct Spin {
    long long Nanoseconds;
};

__device__ inline float copied(float x) { return x; }
__device__ inline float copied(bf16 x) { return widen(x); }
__device__ inline unsigned char copied(unsigned char x) { return x; }

template <typename To>
__device__ inline To converted(float x)
{
    return narrow<To>(x);
}

template <typename To>
__device__ inline To converted(unsigned char x)
{
    return x;
}

// Y[n,c,r] = X[n,r,c]. A block transposes squares of 32×32 in shared memory. Rows
// there are one element longer, so that the elements of a column lie in different banks.
template <typename From, typename To>
__device__ inline void transpose(const Transpose &p)
{
    const int tile = 32, across = (p.Columns + tile - 1) / tile;
    const int r0 = blockIdx.x / across * tile, c0 = blockIdx.x % across * tile;
    const int x = threadIdx.x;
    From *square = shared_memory<From>();
    for (int n = blockIdx.y; n < p.N; n += gridDim.y) {
        const From *from = (const From *)p.X + (int64)n * p.Rows * p.Columns;
        To *to = (To *)p.Y + (int64)n * p.Rows * p.Columns;
        for (int y = threadIdx.y; y < tile; y += blockDim.y)
            if (r0 + y < p.Rows && c0 + x < p.Columns)
                square[y * (tile + 1) + x] = from[(int64)(r0 + y) * p.Columns + c0 + x];
        __syncthreads();
        for (int y = threadIdx.y; y < tile; y += blockDim.y)
            if (c0 + y < p.Columns && r0 + x < p.Rows)
                to[(int64)(c0 + y) * p.Rows + r0 + x] = converted<To>(copied(square[x * (tile + 1) + y]));
        __syncthreads();
    }
}

KERNEL(transpose_u8, Transpose, 256) { transpose<unsigned char, unsigned char>(p); }
KERNEL(transpose_f32_f32, Transpose, 256) { transpose<float, float>(p); }
KERNEL(transpose_f32_bf16, Transpose, 256) { transpose<float, bf16>(p); }
KERNEL(transpose_bf16_f32, Transpose, 256) { transpose<bf16, float>(p); }

// A thread converts 8 elements, 16 or 32 bytes of either type. From float32 to float32
// all bits stay the same, so int32 values may be copied too.
template <typename From, typename To>
__device__ inline void cast(const Cast &p)
{
    const int64 i = thread_item() * 8;
    const From *from = (const From *)p.X + i;
    To *to = (To *)p.Y + i;
    if (i + 8 > p.Count) {
#pragma unroll 1
        for (int64 j = i; j < p.Count; j++)
            ((To *)p.Y)[j] = narrow<To>(widen(((const From *)p.X)[j]));
        return;
    }
    const int in = 16 / sizeof(From), out = 16 / sizeof(To);
    float element[8];
    Pack<To, out> rounded;
#pragma unroll
    for (int j = 0; j < 8; j += in) {
        const Pack<From, in> pack = fetch<From, in>(from + j);
#pragma unroll
        for (int k = 0; k < in; k++)
            element[j + k] = widen(pack.at[k]);
    }
#pragma unroll
    for (int j = 0; j < 8; j += out) {
#pragma unroll
        for (int k = 0; k < out; k++)
            rounded.at[k] = narrow<To>(element[j + k]);
        put<To, out>(to + j, rounded);
    }
}

KERNEL(cast_f32_f32, Cast, 256) { cast<float, float>(p); }
KERNEL(cast_f32_bf16, Cast, 256) { cast<float, bf16>(p); }
KERNEL(cast_bf16_f32, Cast, 256) { cast<bf16, float>(p); }

template <typename T, int V>
__device__ inline void fill(const Fill &p)
{
    flat<V>(p.Count, [&](int64 i, auto width) {
        float y[decltype(width)::value];
        for (float &v : y)
            v = p.Value;
        store<T>((T *)p.Y + i, y);
    });
}

KERNEL(fill_f32, Fill, 256) { fill<float, 4>(p); }
KERNEL(fill_bf16, Fill, 256) { fill<bf16, 8>(p); }

KERNEL(spin, Spin, 1)
{
    const int64 start = nanoseconds();
    while (nanoseconds() - start < p.Nanoseconds)
        ;
}
