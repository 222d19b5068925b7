// Local response normalisation across maps:
//
//     y = x·d^−β,  d = K + α·Σ x² over the neighbouring maps of the group
//
// and its gradient,
//
//     dx_i = dy_i·d_i^−β − 2αβ·x_i·Σ pull_j,  pull_j = dy_j·x_j·d_j^(−β−1)
//
// over the j whose neighbourhood has i.
//
// The paper's constants, five maps and β = ¾, have kernels in which a thread
// holds V channels of a pixel and two to either side. In the forward kernel it
// reads those from its neighbours' vectors (from the cache: neighbours stand side
// by side); in the backward kernel it takes their pulls from shared memory, so
// that no power is computed twice. One block has whole pixels, and writes when
// all of it has read, so DX may be DY.

#pragma once

struct LRNForward {
    const void *X;
    void *Y;
    int Rows, C;
    struct Response Response;
};

struct LRNBackward {
    const void *X, *DY;
    void *DX;
    int Rows, C;
    struct Response Response;
};

// quarter is d^−¾ from r = d^−½: 0 for ∞, ∞ for 0. r is never subnormal.
__device__ inline float quarter(float r) { return r * square_root(r); }

// power returns d^−β. The library's power is long and rarely needed, so it isn't inlined.
__device__ __noinline__ float library_power(float d, float exponent) { return powf(d, exponent); }

__device__ inline float power(float d, float beta) { return beta == 0.75f ? quarter(rsqrtf(d)) : library_power(d, -beta); }

// inverse returns 1/d. For β = ¾ it rounds as the kernels for the paper's constants do.
__device__ inline float inverse(float d, float beta) { return beta == 0.75f ? rsqrtf(d) * rsqrtf(d) : 1 / d; }

// Nearby holds V channels from c on and two more on either side; outside the group they
// are 0.
template <int V>
struct Nearby {
    float at[V + 4];

    // normaliser is d of channel i of the V.
    __device__ float normaliser(int i, const Response &r) const
    {
        float s = 0;
#pragma unroll
        for (int j = 0; j < 5; j++)
            s += at[i + j] * at[i + j];
        return r.K + r.Alpha * s;
    }
};

// nearby reads pixel[c−2 … c+V+1].
template <typename T, int V>
__device__ inline Nearby<V> nearby(const T *pixel, int c, int maps)
{
    Nearby<V> near;
    const int before = c % maps, after = maps - before - V; // channels of the group
    if constexpr (V == 1) {
#pragma unroll
        for (int j = 0; j < 5; j++)
            near.at[j] = -before <= j - 2 && j - 2 <= after ? widen(pixel[c + j - 2]) : 0;
    } else { // groups are whole vectors
        float own[V], edge[2];
        load<T>(own, pixel + c);
#pragma unroll
        for (int j = 0; j < V; j++)
            near.at[j + 2] = own[j];
        edge[0] = edge[1] = 0;
        if (before > 0)
            load<T>(edge, pixel + c - 2);
        near.at[0] = edge[0], near.at[1] = edge[1];
        edge[0] = edge[1] = 0;
        if (after > 0)
            load<T>(edge, pixel + c + V);
        near.at[V + 2] = edge[0], near.at[V + 3] = edge[1];
    }
    return near;
}

// normalised returns y of the V channels. Adding zero turns −0 into +0, so that all
// comparisons see equal zeros.
template <int V>
__device__ inline void normalised(float (&y)[V], const Nearby<V> &x, const Response &r)
{
#pragma unroll
    for (int i = 0; i < V; i++)
        y[i] = x.at[i + 2] * quarter(reciprocal_root(x.normaliser(i, r))) + 0.0f;
}

// normaliser of channel c of a pixel, for any constants.
template <typename T>
__device__ inline float normaliser(const T *pixel, int c, const Response &r)
{
    const int first = c / r.Maps * r.Maps;
    const int low = max(first, c - r.Size / 2), high = min(first + r.Maps - 1, c + (r.Size - 1) / 2);
    float s = 0;
#pragma unroll 1
    for (int k = low; k <= high; k++)
        s += widen(pixel[k]) * widen(pixel[k]);
    return r.K + r.Alpha * s;
}

template <typename T, int V>
__device__ inline void lrn_forward(const LRNForward &p)
{
    const int64 row = thread_row();
    const int c = thread_channel<V>();
    if (row >= p.Rows || c >= p.C)
        return;
    const T *pixel = (const T *)p.X + row * p.C;
    float y[V];
    if constexpr (V == 1)
        y[0] = widen(pixel[c]) * power(normaliser(pixel, c, p.Response), p.Response.Beta) + 0.0f;
    else
        normalised<V>(y, nearby<T, V>(pixel, c, p.Response.Maps), p.Response);
    store<T>((T *)p.Y + row * p.C + c, y);
}

KERNELS(lrn_forward, LRNForward)

// gradient turns dy of the V channels from c on into dx, for the paper's constants. All
// threads of the block call it; those that aren't active only reach the barrier. A row
// of a block's threads is one pixel, in order.
template <int V>
__device__ inline void gradient(float (&dy)[V], const Nearby<V> &x, int c, const Response &r, bool active)
{
    float pull[V + 4] = {}; // like Nearby
    if (active) {
#pragma unroll
        for (int i = 0; i < V; i++) {
            const float root = reciprocal_root(x.normaliser(i, r)), t = quarter(root);
            pull[i + 2] = dy[i] * x.at[i + 2] * t * (root * root);
            dy[i] *= t;
        }
    }
    // Neighbours need the outer two pulls on either side.
    const int place = threadIdx.y * blockDim.x + threadIdx.x;
    const int before = c % r.Maps, after = r.Maps - before - V;
    if constexpr (V == 1) {
        float *pulls = shared_memory<float>();
        pulls[place] = pull[2];
        __syncthreads();
#pragma unroll
        for (int j = -2; j <= 2; j++)
            if (active && j != 0 && -before <= j && j <= after)
                pull[2 + j] = pulls[place + j];
    } else {
        float4 *edges = shared_memory<float4>();
        edges[place] = make_float4(pull[2], pull[3], pull[V], pull[V + 1]);
        __syncthreads();
        if (active && before > 0) {
            const float4 left = edges[place - 1];
            pull[0] = left.z, pull[1] = left.w;
        }
        if (active && after > 0) {
            const float4 right = edges[place + 1];
            pull[V + 2] = right.x, pull[V + 3] = right.y;
        }
    }
    const float factor = 2 * r.Beta * r.Alpha;
#pragma unroll
    for (int i = 0; i < V; i++) {
        float sum = 0;
#pragma unroll
        for (int j = 0; j < 5; j++)
            sum += pull[i + j];
        dy[i] -= factor * x.at[i + 2] * sum;
    }
}

template <typename T, int V>
__device__ inline void lrn_backward(const LRNBackward &p)
{
    const int64 row = thread_row();
    const int c = threadIdx.x * V;
    const bool active = row < p.Rows;
    const int64 i = row * p.C + c;
    Nearby<V> x = {};
    float dy[V] = {};
    if (active) {
        x = nearby<T, V>((const T *)p.X + row * p.C, c, p.Response.Maps);
        load_own<T>(dy, (const T *)p.DY + i);
    }
    gradient<V>(dy, x, c, p.Response, active);
    if (active)
        store<T>((T *)p.DX + i, dy);
}

// The kernel for any constants computes a pixel in three steps, with three floats for
// each channel in shared memory.
template <typename T>
__device__ inline void lrn_backward_any(const LRNBackward &p)
{
    const int64 row = thread_row();
    const Response &r = p.Response;
    const bool active = row < p.Rows;
    const T *pixel = (const T *)p.X + row * p.C, *dy = (const T *)p.DY + row * p.C;
    float *own = shared_memory<float>() + threadIdx.y * 2 * p.C, *pull = own + p.C;
    if (active)
        for (int c = threadIdx.x; c < p.C; c += blockDim.x) {
            const float d = normaliser(pixel, c, r), t = power(d, r.Beta), g = widen(dy[c]);
            own[c] = g * t;
            pull[c] = g * widen(pixel[c]) * t * inverse(d, r.Beta);
        }
    __syncthreads();
    if (!active)
        return;
    const float factor = 2 * r.Beta * r.Alpha;
    for (int c = threadIdx.x; c < p.C; c += blockDim.x) {
        const int first = c / r.Maps * r.Maps;
        const int low = max(first, c - (r.Size - 1) / 2), high = min(first + r.Maps - 1, c + r.Size / 2);
        float sum = 0;
#pragma unroll 1
        for (int k = low; k <= high; k++)
            sum += pull[k];
        ((T *)p.DX)[row * p.C + c] = narrow<T>(own[c] - factor * widen(pixel[c]) * sum);
    }
}

KERNEL(lrn_backward_f32, LRNBackward, 256) { lrn_backward<float, 4>(p); }
KERNEL(lrn_backward_f32_any, LRNBackward, 256) { lrn_backward_any<float>(p); }
KERNEL(lrn_backward_bf16, LRNBackward, 256) { lrn_backward<bf16, 8>(p); }
KERNEL(lrn_backward_bf16_any, LRNBackward, 256) { lrn_backward_any<bf16>(p); }
