// Exchange between towers: concat puts their maps side by side, sum_slices adds slices.

struct Concat {
    const void *X;
    void *Y;
    int Rows, C, YChannels, First;
};

struct SumSlices {
    const void *Parts[8];
    void *Y;
    int Count, Rows, C, PartChannels, First;
};

template <typename T, int V>
__device__ inline void concat(const Concat &p)
{
    const int64 row = thread_row();
    const int c = thread_channel<V>();
    if (row >= p.Rows || c >= p.C)
        return;
    put<T, V>((T *)p.Y + row * p.YChannels + p.First + c, fetch<T, V>((const T *)p.X + row * p.C + c));
}

KERNELS(concat, Concat)

template <typename T, int V>
__device__ inline void sum_slices(const SumSlices &p)
{
    const int64 row = thread_row();
    const int c = thread_channel<V>();
    if (row >= p.Rows || c >= p.C)
        return;
    const int64 from = row * p.PartChannels + p.First + c;
    float sum[V];
    load<T>(sum, (const T *)p.Parts[0] + from);
#pragma unroll
    for (int part = 1; part < 8; part++) {
        if (part >= p.Count)
            break;
        float x[V];
        load<T>(x, (const T *)p.Parts[part] + from);
#pragma unroll
        for (int j = 0; j < V; j++)
            sum[j] += x[j];
    }
    store<T>((T *)p.Y + row * p.C + c, sum);
}

KERNELS(sum_slices, SumSlices)
