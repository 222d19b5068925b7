// From bytes to the net's input. A thread computes the same elements of several images,
// so it reads the mean image and computes its indices once.

#include "fold.cu"

struct Input {
    const void *Pixels, *Colour, *Mean;
    void *Y;
    int N, H, W;
    float Scale;
};

struct InputFolded {
    const void *Pixels, *Colour, *Mean;
    void *Y;
    int N, H, W;
    float Scale;
    int Stride, Pad, FoldedH, FoldedW;
};

enum { images_per_thread = 8 };

// colours holds an image's three colour offsets, rotated by the thread's first channel
// c, so that the thread's element j has the offset colours[j % 3].
__device__ inline void load_colours(float (&colours)[3], const void *from, int64 n, int c)
{
#pragma unroll
    for (int j = 0; j < 3; j++)
        colours[j] = __ldg((const float *)from + n * 3 + (c + j) % 3);
}

template <typename T, int V>
__device__ inline void input(const Input &p)
{
    const int64 row = (int64)p.H * p.W * 3, i = thread_item() * V;
    if (i >= row)
        return;
    const int c = (int)(i % 3);
    float mean[V];
    load<float>(mean, (const float *)p.Mean + i);

    const int first = blockIdx.y * images_per_thread, last = min(first + images_per_thread, p.N);
    for (int n = first; n < last; n++) {
        const Pack<unsigned char, V> pixels = fetch<unsigned char, V>((const unsigned char *)p.Pixels + n * row + i);
        float colours[3], y[V];
        load_colours(colours, p.Colour, n, c);
#pragma unroll
        for (int j = 0; j < V; j++)
            y[j] = (pixels.at[j] + colours[j % 3] - mean[j]) * p.Scale;
        store<T>((T *)p.Y + n * row + i, y);
    }
}

KERNELS(input, Input)

template <typename T, int V>
__device__ inline void input_folded(const InputFolded &p)
{
    const int channels = p.Stride * p.Stride * 3, vectors = channels / V;
    const int64 row = (int64)p.FoldedH * p.FoldedW * channels, item = thread_item();
    if (item * V >= row)
        return;
    const int pixel = (int)(item / vectors), k = (int)(item % vectors) * V;
    Source source[V];
    float mean[V];
#pragma unroll
    for (int j = 0; j < V; j++) {
        source[j] = folded_source(pixel / p.FoldedW, pixel % p.FoldedW, k + j, p.Stride, p.Pad, p.H, p.W, 3);
        mean[j] = source[j].inside ? __ldg((const float *)p.Mean + source[j].offset) : 0;
    }

    const int first = blockIdx.y * images_per_thread, last = min(first + images_per_thread, p.N);
    for (int n = first; n < last; n++) {
        const unsigned char *image = (const unsigned char *)p.Pixels + (int64)n * p.H * p.W * 3;
        float colours[3], y[V];
        load_colours(colours, p.Colour, n, k % 3);
#pragma unroll
        for (int j = 0; j < V; j++)
            y[j] = source[j].inside ? (__ldg(image + source[j].offset) + colours[j % 3] - mean[j]) * p.Scale : 0;
        store<T>((T *)p.Y + n * row + item * V, y);
    }
}

KERNELS(input_folded, InputFolded)
