// Space to depth: a strided convolution as a dense one (fold.go).

#pragma once

struct FoldInput {
    const void *X;
    void *Y;
    int N, H, W, C, Stride, Pad, FoldedH, FoldedW;
};

struct FoldWeights {
    const void *W;
    void *Folded;
    int O, Size, C, Stride;
};

struct UnfoldWeights {
    const void *Folded;
    void *W;
    int O, Size, C, Stride;
};

// Source tells where an element of a folded image comes from.
struct Source {
    int64 offset; // in the image (H, W, C)
    bool inside;
};

// folded_source finds element k of folded pixel (y, x).
__device__ inline Source folded_source(int y, int x, int k, int stride, int pad, int h, int w, int channels)
{
    const int dy = k / (stride * channels), along = k % (stride * channels);
    const int dx = along / channels, c = along % channels;
    const int iy = y * stride + dy - pad, ix = x * stride + dx - pad;
    return {((int64)iy * w + ix) * channels + c, 0 <= iy && iy < h && 0 <= ix && ix < w};
}

// A thread writes one vector of a folded pixel; images are blockIdx.y.
template <typename T, int V>
__device__ inline void fold_input(const FoldInput &p)
{
    const int channels = p.Stride * p.Stride * p.C, vectors = channels / V;
    const int64 item = thread_item();
    if (item >= (int64)p.FoldedH * p.FoldedW * vectors)
        return;
    const int pixel = (int)(item / vectors), k = (int)(item % vectors) * V;
    const int y = pixel / p.FoldedW, x = pixel % p.FoldedW;
    const T *image = (const T *)p.X + (int64)blockIdx.y * p.H * p.W * p.C;
    Pack<T, V> out;
#pragma unroll
    for (int j = 0; j < V; j++) {
        const Source s = folded_source(y, x, k + j, p.Stride, p.Pad, p.H, p.W, p.C);
        out.at[j] = s.inside ? image[s.offset] : narrow<T>(0);
    }
    put<T, V>((T *)p.Y + ((int64)blockIdx.y * p.FoldedH * p.FoldedW + pixel) * channels + k, out);
}

KERNELS(fold_input, FoldInput)

// A thread writes one folded weight.
template <typename From, typename T>
__device__ inline void fold_weights(const FoldWeights &p)
{
    const int side = (p.Size + p.Stride - 1) / p.Stride, channels = p.Stride * p.Stride * p.C;
    const int64 item = thread_item();
    if (item >= (int64)p.O * side * side * channels)
        return;
    const int k = (int)(item % channels);
    const int64 tap = item / channels; // (o·side + y)·side + x
    const int x = (int)(tap % side), y = (int)(tap / side % side);
    const int64 o = tap / side / side;
    const Source s = folded_source(y, x, k, p.Stride, 0, p.Size, p.Size, p.C);
    const From *w = (const From *)p.W + o * p.Size * p.Size * p.C;
    ((T *)p.Folded)[item] = narrow<T>(s.inside ? widen(w[s.offset]) : 0);
}

KERNEL(fold_weights_f32_f32, FoldWeights, 256) { fold_weights<float, float>(p); }
KERNEL(fold_weights_f32_bf16, FoldWeights, 256) { fold_weights<float, bf16>(p); }
KERNEL(fold_weights_bf16_bf16, FoldWeights, 256) { fold_weights<bf16, bf16>(p); }

// A thread writes one weight's gradient.
template <typename From>
__device__ inline void unfold_weights(const UnfoldWeights &p)
{
    const int side = (p.Size + p.Stride - 1) / p.Stride, channels = p.Stride * p.Stride * p.C;
    const int64 item = thread_item();
    if (item >= (int64)p.O * p.Size * p.Size * p.C)
        return;
    const int c = (int)(item % p.C);
    const int64 tap = item / p.C; // (o·Size + ky)·Size + kx
    const int kx = (int)(tap % p.Size), ky = (int)(tap / p.Size % p.Size);
    const int64 o = tap / p.Size / p.Size;
    const int k = (ky % p.Stride * p.Stride + kx % p.Stride) * p.C + c;
    const int64 from = ((o * side + ky / p.Stride) * side + kx / p.Stride) * channels + k;
    ((float *)p.W)[item] = widen(((const From *)p.Folded)[from]);
}

KERNEL(unfold_weights_f32, UnfoldWeights, 256) { unfold_weights<float>(p); }
KERNEL(unfold_weights_bf16, UnfoldWeights, 256) { unfold_weights<bf16>(p); }
