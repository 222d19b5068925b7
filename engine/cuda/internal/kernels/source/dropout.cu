// Dropout masks, drawn from a counter: engine/dropout.go has the same functions.

struct Dropout {
    const void *X;
    void *Y;
    const void *Step;
    unsigned long long Layer;
    long long Width, First;
    int N, HW, C;
    float Rate;
    int Train, Inverted;
};

__device__ inline uint64 mix64(uint64 z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

enum : uint64 { golden = 0x9e3779b97f4a7c15ull };

__device__ inline uint64 dropout_key(const StepParams &step, uint64 layer)
{
    return mix64((mix64(mix64(step.Seed + golden) ^ step.Number) + golden) ^ layer);
}

template <typename T, int V>
__device__ inline void dropout(const Dropout &p)
{
    const int hw = (int)thread_row(), n = blockIdx.z, c = thread_channel<V>();
    if (hw >= p.HW || c >= p.C)
        return;
    const int64 i = ((int64)n * p.HW + hw) * p.C + c;
    float x[V];
    load_own<T>(x, (const T *)p.X + i);

    const float keep = 1 - p.Rate;
    if (p.Train) {
        const StepParams step = *(const StepParams *)p.Step;
        const uint64 key = dropout_key(step, p.Layer);
        const uint64 threshold = (uint64)(p.Rate * 4294967296.0f); // exact: a power of two
        const uint64 unit = (step.Image + n) * p.Width + p.First + hw;
#pragma unroll
        for (int j = 0; j < V; j++) {
            const uint64 index = unit + (uint64)(c + j) * p.HW;
            if (mix64(key + (index + 1) * golden) >> 32 < threshold)
                x[j] = 0;
            else if (p.Inverted)
                x[j] *= 1 / keep;
        }
    } else if (!p.Inverted) {
#pragma unroll
        for (int j = 0; j < V; j++)
            x[j] *= keep;
    }
    store<T>((T *)p.Y + i, x);
}

KERNELS(dropout, Dropout)
