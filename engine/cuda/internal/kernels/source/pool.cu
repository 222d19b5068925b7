// Maximum pooling, forward and backward.

#pragma once

struct MaxPoolForward {
    const void *X;
    void *Y, *At;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
};

struct MaxPoolBackward {
    const void *At, *DY;
    void *DX;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
};

// Maximum holds the largest value so far of each of V channels, and its position.
template <int V>
struct Maximum {
    typedef float Vector[V];
    float best[V];
    int where[V];

    // start begins below every number. If all pixels are −∞, the first one of the window
    // wins.
    __device__ void start(int first)
    {
#pragma unroll
        for (int j = 0; j < V; j++) {
            best[j] = __int_as_float(0xff800000);
            where[j] = first;
        }
    }

    // take compares the next pixel, in order of positions. The larger wins; NaN wins over
    // every number.
    __device__ void take(const float (&x)[V], int position)
    {
#pragma unroll
        for (int j = 0; j < V; j++)
            if (!(x[j] <= best[j]) && best[j] == best[j]) {
                best[j] = x[j];
                where[j] = position;
            }
    }

    template <typename T>
    __device__ void store_to(T *y, unsigned char *at) const
    {
        store<T>(y, best);
        if (at) {
            Pack<unsigned char, V> pack;
#pragma unroll
            for (int j = 0; j < V; j++)
                pack.at[j] = (unsigned char)where[j];
            put<unsigned char, V>(at, pack);
        }
    }
};

// scan passes the pixels in the window of output (oy, ox) that lie in the image to
// Best; read(x, iy, ix) reads one. Windows of 3 are unrolled, so that all reads are in
// flight at once.
template <typename Best, typename Read>
__device__ inline Best scan(const Window &w, int oy, int ox, int height, int width, Read read)
{
    const int y0 = oy * w.Stride - w.Pad, x0 = ox * w.Stride - w.Pad;
    Best m;
    m.start(max(0, -y0) * w.Size + max(0, -x0));
    if (w.Size == 3) {
#pragma unroll
        for (int k = 0; k < 9; k++) {
            const int y = y0 + k / 3, x = x0 + k % 3;
            if (0 <= y && y < height && 0 <= x && x < width) {
                typename Best::Vector v;
                read(v, y, x);
                m.take(v, k);
            }
        }
        return m;
    }
    for (int y = max(0, y0); y < min(height, y0 + w.Size); y++)
#pragma unroll 1
        for (int x = max(0, x0); x < min(width, x0 + w.Size); x++) {
            typename Best::Vector v;
            read(v, y, x);
            m.take(v, (y - y0) * w.Size + x - x0);
        }
    return m;
}

template <typename T, int V>
__device__ inline void max_pool_forward(const MaxPoolForward &p)
{
    const int pixel = (int)thread_row(), c = thread_channel<V>();
    if (pixel >= p.OutH * p.OutW || c >= p.C)
        return;
    const T *image = (const T *)p.X + (int64)blockIdx.z * p.H * p.W * p.C + c;
    const auto m = scan<Maximum<V>>(p.Window, pixel / p.OutW, pixel % p.OutW, p.H, p.W,
        [&](float (&v)[V], int y, int x) { load<T>(v, image + ((int64)y * p.W + x) * p.C); });
    const int64 i = ((int64)blockIdx.z * p.OutH * p.OutW + pixel) * p.C + c;
    m.store_to((T *)p.Y + i, p.At ? (unsigned char *)p.At + i : 0);
}

KERNELS(max_pool_forward, MaxPoolForward)

// unpooled sums dy over the outputs whose maximum is pixel (y, x), in order of the
// outputs, for V channels from c on.
template <typename T, int V>
__device__ inline void unpooled(float (&sum)[V], const T *dy, const unsigned char *at, const Window &w,
                                int y, int x, int outH, int outW, int channels)
{
#pragma unroll
    for (int j = 0; j < V; j++)
        sum[j] = 0;
    const int y1 = y + w.Pad, x1 = x + w.Pad;
    const int top = max(0, (y1 - w.Size + w.Stride) / w.Stride), bottom = min(outH - 1, y1 / w.Stride);
    const int left = max(0, (x1 - w.Size + w.Stride) / w.Stride), right = min(outW - 1, x1 / w.Stride);
    for (int oy = top; oy <= bottom; oy++)
        for (int ox = left; ox <= right; ox++) {
            const int64 i = ((int64)oy * outW + ox) * channels;
            const Pack<unsigned char, V> where = fetch<unsigned char, V>(at + i);
            const int here = (y1 - oy * w.Stride) * w.Size + x1 - ox * w.Stride;
            float v[V];
            load<T>(v, dy + i);
#pragma unroll
            for (int j = 0; j < V; j++)
                sum[j] += where.at[j] == here ? v[j] : 0;
        }
}

// gathering_column returns the i-th column of a row in the order in which threads take
// them: first the even ones, then the odd ones. At stride 2 these lie in different
// numbers of windows, and a warp is as slow as its slowest thread.
__device__ inline int gathering_column(int i, int width)
{
    const int even = (width + 1) / 2;
    return i < even ? 2 * i : 2 * (i - even) + 1;
}

template <typename T, int V>
__device__ inline void max_pool_backward(const MaxPoolBackward &p)
{
    const int pixel = (int)thread_row(), c = thread_channel<V>();
    if (pixel >= p.H * p.W || c >= p.C)
        return;
    const int y = pixel / p.W, x = gathering_column(pixel % p.W, p.W);
    const int64 image = (int64)blockIdx.z * p.OutH * p.OutW * p.C + c;
    float dx[V];
    unpooled<T, V>(dx, (const T *)p.DY + image, (const unsigned char *)p.At + image, p.Window, y, x, p.OutH, p.OutW, p.C);
    store<T>((T *)p.DX + (((int64)blockIdx.z * p.H + y) * p.W + x) * p.C + c, dx);
}

KERNELS(max_pool_backward, MaxPoolBackward)
