// Normalisation and pooling as one kernel, forward and backward, for the paper's
// constants. The tensor between them is as large as the largest of the net and
// is neither written nor read.
//
// Forward, a block normalises the pixels under a tile of outputs into shared
// memory, rounded as they would have been stored, and pools them there. A
// pixel is normalised once for each tile that it lies under: 1.09 times on average
// behind conv1 of AlexNet, 1.08 behind conv2. Without shared memory it would be
// normalised for each window that it lies in, 2.25 times, and the powers, not memory,
// would bound the kernel. Neighbouring maps outside the block's slab of channels come
// from the cache.
//
// In bfloat16 the comparisons would take most of the instructions, so shared
// memory holds integers of the same order as the values; with the position below
// it in one word, a maximum is one instruction.
//
// Backward, each thread gathers the pooled gradient of its vector and hands the
// pulls of its outer channels to its neighbours through shared memory.

#include "lrn.cu"
#include "pool.cu"

struct LRNPoolForward {
    const void *X;
    void *Y, *At;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
    struct Response Response;
    int tileH, tileW, slab;
};

struct PoolLRNBackward {
    const void *X, *At, *DY;
    void *DX;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
    struct Response Response;
    int ReLU;
};

// Pooled is Maximum on values in shared memory.
template <typename T, int V>
struct Pooled : Maximum<V> {
    static __device__ Pack<T, V> shared(const float (&y)[V]) { return rounded<T, V>(y); }
    static __device__ void read(float (&v)[V], const T *from) { load_own<T>(v, from); }
};

// ordered maps two bfloat16 values to two integers of the same order. NaN, which narrow
// makes positive, comes last.
__device__ inline unsigned ordered(unsigned pair) { return pair ^ ((pair >> 15 & 0x00010001) * 0xffff | 0x80008000); }

template <int V>
struct Pooled<bf16, V> {
    typedef Pack<bf16, V> Vector;
    unsigned best[V]; // an ordered value and the complement of its position

    static __device__ Vector shared(const float (&y)[V])
    {
        Vector pack = rounded<bf16, V>(y);
        if constexpr (V == 1) {
            pack.raw = (unsigned short)ordered(pack.raw);
        } else {
            Pack<unsigned, V / 2> pairs;
            pairs.raw = pack.raw;
#pragma unroll
            for (int i = 0; i < V / 2; i++)
                pairs.at[i] = ordered(pairs.at[i]);
            pack.raw = pairs.raw;
        }
        return pack;
    }

    static __device__ void read(Vector &v, const bf16 *from) { v = fetch_own<bf16, V>(from); }

    __device__ void start(int)
    {
#pragma unroll
        for (int j = 0; j < V; j++)
            best[j] = 0; // below every value
    }

    __device__ void take(const Vector &v, int position)
    {
#pragma unroll
        for (int j = 0; j < V; j++)
            best[j] = max(best[j], (unsigned)v.at[j].bits << 16 | (0xffff - position));
    }

    __device__ void store_to(bf16 *y, unsigned char *at) const
    {
        Vector value;
        Pack<unsigned char, V> where;
#pragma unroll
        for (int j = 0; j < V; j++) {
            const unsigned v = best[j] >> 16;
            value.at[j].bits = (unsigned short)(v & 0x8000 ? v ^ 0x8000 : ~v);
            where.at[j] = (unsigned char)~best[j];
        }
        put<bf16, V>(y, value);
        if (at)
            put<unsigned char, V>(at, where);
    }
};

template <typename T, int V>
__device__ inline void lrn_pool_forward(const LRNPoolForward &p)
{
    const int v = threadIdx.x % p.slab, lane = threadIdx.x / p.slab, lanes = blockDim.x / p.slab;
    const int c = (blockIdx.x * p.slab + v) * V;
    const bool active = lane < lanes && c < p.C;
    const int across = (p.OutW + p.tileW - 1) / p.tileW;
    const int oy0 = blockIdx.y / across * p.tileH, ox0 = blockIdx.y % across * p.tileW;
    const int outH = min(p.tileH, p.OutH - oy0), outW = min(p.tileW, p.OutW - ox0);

    // The pixels under the tile, without those outside the image.
    const Window w = p.Window;
    const int y0 = oy0 * w.Stride - w.Pad, x0 = ox0 * w.Stride - w.Pad;
    const int height = (outH - 1) * w.Stride + w.Size, width = (outW - 1) * w.Stride + w.Size;
    const T *image = (const T *)p.X + (int64)blockIdx.z * p.H * p.W * p.C;
    T *under = shared_memory<T>() + v * V; // [y][x][slab·V]
    if (active)
        for (int i = lane; i < height * width; i += lanes) {
            const int y = y0 + i / width, x = x0 + i % width;
            if (0 <= y && y < p.H && 0 <= x && x < p.W) {
                float value[V];
                normalised<V>(value, nearby<T, V>(image + ((int64)y * p.W + x) * p.C, c, p.Response.Maps), p.Response);
                put<T, V>(under + i * p.slab * V, Pooled<T, V>::shared(value));
            }
        }
    __syncthreads();

    if (active)
        for (int i = lane; i < outH * outW; i += lanes) {
            const int oy = oy0 + i / outW, ox = ox0 + i % outW;
            const auto m = scan<Pooled<T, V>>(w, oy, ox, p.H, p.W, [&](auto &value, int y, int x) {
                Pooled<T, V>::read(value, under + ((y - y0) * width + x - x0) * p.slab * V);
            });
            const int64 out = (((int64)blockIdx.z * p.OutH + oy) * p.OutW + ox) * p.C + c;
            m.store_to((T *)p.Y + out, p.At ? (unsigned char *)p.At + out : 0);
        }
}

KERNELS(lrn_pool_forward, LRNPoolForward)

template <typename T, int V>
__device__ inline void pool_lrn_backward(const PoolLRNBackward &p)
{
    const int pixel = (int)thread_row(), c = threadIdx.x * V;
    const bool active = pixel < p.H * p.W;
    const int column = gathering_column(pixel % p.W, p.W);
    const int64 row = ((int64)blockIdx.z * p.H + pixel / p.W) * p.W + column;
    Nearby<V> x = {};
    float dx[V] = {};
    if (active) {
        x = nearby<T, V>((const T *)p.X + row * p.C, c, p.Response.Maps);
        const int64 image = (int64)blockIdx.z * p.OutH * p.OutW * p.C + c;
        unpooled<T, V>(dx, (const T *)p.DY + image, (const unsigned char *)p.At + image, p.Window,
                       pixel / p.W, column, p.OutH, p.OutW, p.C);
#pragma unroll
        for (int j = 0; j < V; j++)
            dx[j] = widen(narrow<T>(dx[j])); // as if it had been stored
    }
    gradient<V>(dx, x, c, p.Response, active);
    if (!active)
        return;
    if (p.ReLU)
#pragma unroll
        for (int j = 0; j < V; j++)
            dx[j] = x.at[j + 2] > 0 ? dx[j] : 0;
    store<T>((T *)p.DX + row * p.C + c, dx);
}

KERNELS(pool_lrn_backward, PoolLRNBackward)
