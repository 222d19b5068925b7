// Local response normalisation within a map, with the formula of lrn.cu. The
// neighbourhood is a square of pixels, clipped at the image's edges.

#include "lrn.cu"

struct LRNWithinForward {
    const void *X;
    void *Y;
    int N, H, W, C;
    struct Response Response;
};

struct LRNWithinBackward {
    const void *X, *DY;
    void *DX, *Pull;
    int N, H, W, C;
    struct Response Response;
};

// squares sums term(position), V channels, over the square around (y, x): from `below`
// pixels before to `above` pixels behind.
template <int V, typename Term>
__device__ inline void squares(float (&sum)[V], int y, int x, int h, int w, int below, int above, Term term)
{
#pragma unroll
    for (int j = 0; j < V; j++)
        sum[j] = 0;
    for (int iy = max(0, y - below); iy <= min(h - 1, y + above); iy++)
#pragma unroll 1
        for (int ix = max(0, x - below); ix <= min(w - 1, x + above); ix++) {
            float v[V];
            term(v, (int64)iy * w + ix);
#pragma unroll
            for (int j = 0; j < V; j++)
                sum[j] += v[j];
        }
}

// within_normaliser computes d of V channels of pixel (y, x).
template <typename T, int V>
__device__ inline void within_normaliser(float (&d)[V], const T *image, int c, int channels, int y, int x, int h, int w, const Response &r)
{
    squares<V>(d, y, x, h, w, r.Size / 2, (r.Size - 1) / 2, [&](float (&v)[V], int64 at) {
        load<T>(v, image + at * channels + c);
#pragma unroll
        for (int j = 0; j < V; j++)
            v[j] *= v[j];
    });
#pragma unroll
    for (int j = 0; j < V; j++)
        d[j] = r.K + r.Alpha * d[j];
}

template <typename T, int V>
__device__ inline void lrn_within_forward(const LRNWithinForward &p)
{
    const int pixel = (int)thread_row(), c = thread_channel<V>();
    if (pixel >= p.H * p.W || c >= p.C)
        return;
    const int64 image = (int64)blockIdx.z * p.H * p.W * p.C, i = image + (int64)pixel * p.C + c;
    float d[V], x[V];
    within_normaliser<T, V>(d, (const T *)p.X + image, c, p.C, pixel / p.W, pixel % p.W, p.H, p.W, p.Response);
    load<T>(x, (const T *)p.X + i);
#pragma unroll
    for (int j = 0; j < V; j++)
        x[j] *= power(d[j], p.Response.Beta);
    store<T>((T *)p.Y + i, x);
}

KERNELS(lrn_within_forward, LRNWithinForward)

// The gradient's first kernel writes pulls.
template <typename T, int V>
__device__ inline void lrn_within_pull(const LRNWithinBackward &p)
{
    const int pixel = (int)thread_row(), c = thread_channel<V>();
    if (pixel >= p.H * p.W || c >= p.C)
        return;
    const int64 image = (int64)blockIdx.z * p.H * p.W * p.C, i = image + (int64)pixel * p.C + c;
    float d[V], x[V], dy[V];
    within_normaliser<T, V>(d, (const T *)p.X + image, c, p.C, pixel / p.W, pixel % p.W, p.H, p.W, p.Response);
    load<T>(x, (const T *)p.X + i);
    load<T>(dy, (const T *)p.DY + i);
#pragma unroll
    for (int j = 0; j < V; j++)
        dy[j] *= x[j] * power(d[j], p.Response.Beta) / d[j];
    store<float>((float *)p.Pull + i, dy);
}

KERNELS(lrn_within_pull, LRNWithinBackward)

// The second kernel sums them. DX may be DY: a thread touches only its own elements of
// both.
template <typename T, int V>
__device__ inline void lrn_within_gather(const LRNWithinBackward &p)
{
    const int pixel = (int)thread_row(), c = thread_channel<V>();
    if (pixel >= p.H * p.W || c >= p.C)
        return;
    const int64 image = (int64)blockIdx.z * p.H * p.W * p.C, i = image + (int64)pixel * p.C + c;
    const int y = pixel / p.W, x = pixel % p.W;
    float d[V], sum[V], own[V], dy[V];
    within_normaliser<T, V>(d, (const T *)p.X + image, c, p.C, y, x, p.H, p.W, p.Response);
    squares<V>(sum, y, x, p.H, p.W, (p.Response.Size - 1) / 2, p.Response.Size / 2, [&](float (&v)[V], int64 at) {
        load<float>(v, (const float *)p.Pull + image + at * p.C + c);
    });
    load<T>(own, (const T *)p.X + i);
    load_own<T>(dy, (const T *)p.DY + i);
    const float factor = 2 * p.Response.Beta * p.Response.Alpha;
#pragma unroll
    for (int j = 0; j < V; j++)
        dy[j] = dy[j] * power(d[j], p.Response.Beta) - factor * own[j] * sum[j];
    store<T>((T *)p.DX + i, dy);
}

KERNELS(lrn_within_gather, LRNWithinBackward)
