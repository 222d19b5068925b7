// Normalisation and pooling as one kernel, forward and backward, for the paper's
// constants. The tensor between them is as large as the largest of the net and
// is neither written nor read.
//
// Forward, a block normalises the pixels under a tile of outputs into shared
// memory, rounded as they would have been stored, and pools them from there. A
// pixel is normalised once for each tile that it lies under, 1.13 times on the
// average for AlexNet's; normalising it for each of the windows that it lies in,
// without shared memory, would be 2.25 times, and the powers, not memory, would
// then bound the kernel. Neighbouring maps outside the block's slab of channels
// come from the cache.
//
// Backward, each thread gathers the pooled gradient of its vector and hands the
// pulls of its outer channels to its neighbours through shared memory.

template <typename T, int V>
__device__ inline void lrn_pool_forward(const LRNPoolForward &p)
{
    const int v = threadIdx.x % p.slab, lane = threadIdx.x / p.slab, lanes = blockDim.x / p.slab;
    const int c = (blockIdx.x * p.slab + v) * V;
    const bool active = lane < lanes && c < p.C;
    const int across = (p.OutW + p.tileW - 1) / p.tileW;
    const int oy0 = blockIdx.y / across * p.tileH, ox0 = blockIdx.y % across * p.tileW;
    const int outH = min(p.tileH, p.OutH - oy0), outW = min(p.tileW, p.OutW - ox0);

    // The pixels under the tile, those outside the image left out.
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
                store<T>(under + i * p.slab * V, value);
            }
        }
    __syncthreads();

    if (active)
        for (int i = lane; i < outH * outW; i += lanes) {
            const int oy = oy0 + i / outW, ox = ox0 + i % outW;
            const Maximum<V> m = scan<V>(w, oy, ox, p.H, p.W, [&](float(&value)[V], int y, int x) {
                load_own<T>(value, under + ((y - y0) * width + x - x0) * p.slab * V);
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
    const int64 row = (int64)blockIdx.z * p.H * p.W + pixel;
    Nearby<V> x = {};
    float dx[V] = {};
    if (active) {
        x = nearby<T, V>((const T *)p.X + row * p.C, c, p.Response.Maps);
        const int64 image = (int64)blockIdx.z * p.OutH * p.OutW * p.C + c;
        unpooled<T, V>(dx, (const T *)p.DY + image, (const unsigned char *)p.At + image, p.Window,
                       pixel / p.W, pixel % p.W, p.OutH, p.OutW, p.C);
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
