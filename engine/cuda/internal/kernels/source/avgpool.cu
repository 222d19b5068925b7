// Average pooling, forward and backward.

struct AvgPoolForward {
    const void *X;
    void *Y;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
};

struct AvgPoolBackward {
    const void *DY;
    void *DX;
    int N, H, W, C, OutH, OutW;
    struct Window Window;
};

// Span is the part of a window that lies inside an axis of n pixels.
struct Span {
    int first, end;

    __device__ Span(const Window &w, int at, int n)
        : first(max(0, at * w.Stride - w.Pad)), end(min(n, at * w.Stride - w.Pad + w.Size))
    {
    }

    __device__ int count() const { return end - first; }
};

template <typename T, int V>
__device__ inline void avg_pool_forward(const AvgPoolForward &p)
{
    const int pixel = (int)thread_row(), c = thread_channel<V>();
    if (pixel >= p.OutH * p.OutW || c >= p.C)
        return;
    const T *image = (const T *)p.X + (int64)blockIdx.z * p.H * p.W * p.C + c;
    const Span rows(p.Window, pixel / p.OutW, p.H), columns(p.Window, pixel % p.OutW, p.W);
    float sum[V] = {};
    for (int y = rows.first; y < rows.end; y++)
        for (int x = columns.first; x < columns.end; x++) {
            float v[V];
            load<T>(v, image + ((int64)y * p.W + x) * p.C);
#pragma unroll
            for (int j = 0; j < V; j++)
                sum[j] += v[j];
        }
    const float share = 1.0f / (float)(rows.count() * columns.count());
#pragma unroll
    for (int j = 0; j < V; j++)
        sum[j] *= share;
    store<T>((T *)p.Y + ((int64)blockIdx.z * p.OutH * p.OutW + pixel) * p.C + c, sum);
}

KERNELS(avg_pool_forward, AvgPoolForward)

template <typename T, int V>
__device__ inline void avg_pool_backward(const AvgPoolBackward &p)
{
    const int pixel = (int)thread_row(), c = thread_channel<V>();
    if (pixel >= p.H * p.W || c >= p.C)
        return;
    const int y = pixel / p.W, x = pixel % p.W;
    const T *dy = (const T *)p.DY + (int64)blockIdx.z * p.OutH * p.OutW * p.C + c;
    // The windows that contain the pixel.
    const Window &w = p.Window;
    const int y1 = y + w.Pad, x1 = x + w.Pad;
    const int top = max(0, (y1 - w.Size + w.Stride) / w.Stride), bottom = min(p.OutH - 1, y1 / w.Stride);
    const int left = max(0, (x1 - w.Size + w.Stride) / w.Stride), right = min(p.OutW - 1, x1 / w.Stride);
    float sum[V] = {};
    for (int oy = top; oy <= bottom; oy++) {
        const int rows = Span(w, oy, p.H).count();
        for (int ox = left; ox <= right; ox++) {
            const float share = 1.0f / (float)(rows * Span(w, ox, p.W).count());
            float v[V];
            load<T>(v, dy + ((int64)oy * p.OutW + ox) * p.C);
#pragma unroll
            for (int j = 0; j < V; j++)
                sum[j] += share * v[j];
        }
    }
    store<T>((T *)p.DX + (((int64)blockIdx.z * p.H + y) * p.W + x) * p.C + c, sum);
}

KERNELS(avg_pool_backward, AvgPoolBackward)
