// Locally connected layers. Each position and group is a matrix product of its own, in
// float32. A block of 256 threads computes one square tile of a product.

struct Local {
    void *X, *Weights, *Bias, *Y;
    int N, H, W, OutH, OutW, Groups, In, Out;
    struct Window Window;
};

constexpr int local_side = 16;

// tile_product is out(m, n) = Σ a(m, k)·b(n, k) for the block's tile, blockIdx.y down
// and blockIdx.z across. Threads read neighbouring k together.
template <typename A, typename B, typename Out>
__device__ inline void tile_product(int rows, int columns, int depth, A a, B b, Out out)
{
    const int i = (int)threadIdx.x / local_side, j = (int)threadIdx.x % local_side;
    float *as = shared_memory<float>(), *bs = as + local_side * (local_side + 1);
    const int m = (int)blockIdx.y * local_side, n = (int)blockIdx.z * local_side;
    float sum = 0;
    for (int k0 = 0; k0 < depth; k0 += local_side) {
        const int k = k0 + j;
        as[i * (local_side + 1) + j] = m + i < rows && k < depth ? a(m + i, k) : 0;
        bs[i * (local_side + 1) + j] = n + i < columns && k < depth ? b(n + i, k) : 0;
        __syncthreads();
        for (int t = 0; t < min(local_side, depth - k0); t++)
            sum += as[i * (local_side + 1) + t] * bs[j * (local_side + 1) + t];
        __syncthreads();
    }
    if (m + i < rows && n + j < columns)
        out(m + i, n + j, sum);
}

// Site holds the position and the group of a block, and finds its elements in the
// tensors. Weights are (maps·OutH·OutW, Size, Size, In); In and Out are the maps of a
// group.
struct Site {
    const Local &p;
    int group, y, x, area, positions, depth;

    __device__ Site(const Local &p)
        : p(p), area(p.Window.Size * p.Window.Size), positions(p.OutH * p.OutW), depth(area * p.In)
    {
        const int position = (int)blockIdx.x / p.Groups;
        group = (int)blockIdx.x % p.Groups, y = position / p.OutW, x = position % p.OutW;
    }

    // input returns the index in X of element k of image n's patch, −1 outside the
    // image.
    __device__ int64 input(int n, int k) const
    {
        const int tap = k / p.In, iy = y * p.Window.Stride - p.Window.Pad + tap / p.Window.Size;
        const int ix = x * p.Window.Stride - p.Window.Pad + tap % p.Window.Size;
        if (iy < 0 || iy >= p.H || ix < 0 || ix >= p.W)
            return -1;
        return (((int64)n * p.H + iy) * p.W + ix) * p.Groups * p.In + group * p.In + k % p.In;
    }

    // row returns the row of the weights of map o of the group; output returns the index
    // in Y of that map's value of image n.
    __device__ int64 row(int o) const { return (int64)(group * p.Out + o) * positions + y * p.OutW + x; }
    __device__ int64 output(int n, int o) const
    {
        return ((int64)n * positions + y * p.OutW + x) * p.Groups * p.Out + group * p.Out + o;
    }
};

template <typename T>
__device__ inline void local_forward(const Local &p)
{
    const Site s(p);
    const T *x = (const T *)p.X, *w = (const T *)p.Weights;
    const float *bias = (const float *)p.Bias;
    tile_product(
        p.N, p.Out, s.depth,
        [&](int n, int k) { const int64 i = s.input(n, k); return i < 0 ? 0.0f : widen(x[i]); },
        [&](int o, int k) { return widen(w[s.row(o) * s.depth + k]); },
        [&](int n, int o, float v) { ((T *)p.Y)[s.output(n, o)] = narrow<T>(v + bias[s.row(o)]); });
}

KERNEL(local_forward_f32, Local, 256) { local_forward<float>(p); }
KERNEL(local_forward_bf16, Local, 256) { local_forward<bf16>(p); }

// The gradient of the weights, and of the biases.
template <typename T>
__device__ inline void local_weights(const Local &p)
{
    const Site s(p);
    const T *x = (const T *)p.X, *dy = (const T *)p.Y;
    if (blockIdx.z == 0) {
        const int o = (int)blockIdx.y * local_side + (int)threadIdx.x;
        if (threadIdx.x < local_side && o < p.Out) {
            float sum = 0;
            for (int n = 0; n < p.N; n++)
                sum += widen(dy[s.output(n, o)]);
            ((float *)p.Bias)[s.row(o)] = sum;
        }
    }
    tile_product(
        p.Out, s.depth, p.N,
        [&](int o, int n) { return widen(dy[s.output(n, o)]); },
        [&](int k, int n) { const int64 i = s.input(n, k); return i < 0 ? 0.0f : widen(x[i]); },
        [&](int o, int k, float v) { ((float *)p.Weights)[s.row(o) * s.depth + k] = v; });
}

KERNEL(local_weights_f32, Local, 256) { local_weights<float>(p); }
KERNEL(local_weights_bf16, Local, 256) { local_weights<bf16>(p); }

// The gradient of the input. A block's position is a pixel; it sums over the maps of
// every window that the pixel lies in.
template <typename T>
__device__ inline void local_data(const Local &p)
{
    const int pixel = (int)blockIdx.x / p.Groups, group = (int)blockIdx.x % p.Groups;
    const Window &v = p.Window;
    const int y1 = pixel / p.W + v.Pad, x1 = pixel % p.W + v.Pad;
    const int top = max(0, (y1 - v.Size + v.Stride) / v.Stride), bottom = min(p.OutH - 1, y1 / v.Stride);
    const int left = max(0, (x1 - v.Size + v.Stride) / v.Stride), right = min(p.OutW - 1, x1 / v.Stride);
    const int across = max(0, right - left + 1), windows = across * max(0, bottom - top + 1);
    const int positions = p.OutH * p.OutW, area = v.Size * v.Size;
    const T *w = (const T *)p.Weights, *dy = (const T *)p.Y;
    tile_product(
        p.N, p.In, windows * p.Out,
        [&](int n, int k) {
            const int oy = top + k / p.Out / across, ox = left + k / p.Out % across;
            return widen(dy[((int64)n * positions + oy * p.OutW + ox) * p.Groups * p.Out + group * p.Out + k % p.Out]);
        },
        [&](int i, int k) {
            const int oy = top + k / p.Out / across, ox = left + k / p.Out % across;
            const int64 row = (int64)(group * p.Out + k % p.Out) * positions + oy * p.OutW + ox;
            const int tap = (y1 - oy * v.Stride) * v.Size + x1 - ox * v.Stride;
            return widen(w[(row * area + tap) * p.In + i]);
        },
        [&](int n, int i, float sum) {
            ((T *)p.X)[((int64)n * p.H * p.W + pixel) * p.Groups * p.In + group * p.In + i] = narrow<T>(sum);
        });
}

KERNEL(local_data_f32, Local, 256) { local_data<float>(p); }
KERNEL(local_data_bf16, Local, 256) { local_data<bf16>(p); }
