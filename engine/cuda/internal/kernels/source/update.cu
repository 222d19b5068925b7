// Kernels on parameters. accumulate adds up the gradients of parts of a batch. update
// applies the paper's rule to all parameters in one launch: the table gives each block
// a chunk of 16384 elements of one tensor.

#include "activate.cu"

struct SetStep {
    void *Step;
    StepParams Params;
};

struct Accumulate {
    const void *G;
    void *Sum;
    long long Count;
    int First;
};

struct Parameter {
    void *W, *V;
    const void *G;
    void *Copy;
    long long Count;
    float Decay, Rate;
};

struct Chunk {
    long long First;
    int Parameter, pad;
};

struct Update {
    const void *Table, *Step, *Halt, *chunks;
};

KERNEL(set_step, SetStep, 1) { *(StepParams *)p.Step = p.Params; }

KERNEL(accumulate, Accumulate, 256)
{
    flat<4>(p.Count, [&](int64 i, auto width) {
        const int V = decltype(width)::value;
        float g[V], sum[V];
        load<float>(g, (const float *)p.G + i);
        if (!p.First) {
            load_own<float>(sum, (const float *)p.Sum + i);
#pragma unroll
            for (int j = 0; j < V; j++)
                g[j] += sum[j];
        }
        store<float>((float *)p.Sum + i, g);
    });
}

template <int V>
__device__ inline void update_vector(const Parameter &p, int64 i, float momentum, float decay, float rate)
{
    float w[V], v[V], g[V];
    load_own<float>(w, global((const float *)p.W) + i);
    load_own<float>(v, global((const float *)p.V) + i);
    load<float>(g, (const float *)p.G + i);
#pragma unroll
    for (int j = 0; j < V; j++) {
        v[j] = momentum * v[j] - decay * w[j] - rate * g[j];
        w[j] += v[j];
    }
    store<float>(global((float *)p.V) + i, v);
    store<float>(global((float *)p.W) + i, w);
    if (p.Copy)
        store<bf16>(global((bf16 *)p.Copy) + i, w);
}

KERNEL(update, Update, 256)
{
    const int halt = p.Halt ? *(const int *)p.Halt : 0;
    const Chunk chunk = ((const Chunk *)p.chunks)[blockIdx.x];
    const Parameter parameter = ((const Parameter *)p.Table)[chunk.Parameter];
    const StepParams step = *(const StepParams *)p.Step;
    if (halt != 0)
        return;
    const float rate = step.LearningRate * parameter.Rate, decay = parameter.Decay * rate;

    const int64 last = min(chunk.First + 16384, parameter.Count), whole = last & ~3ll;
    for (int64 i = chunk.First + threadIdx.x * 4; i < whole; i += blockDim.x * 4)
        update_vector<4>(parameter, i, step.Momentum, decay, rate);
    if (whole + threadIdx.x < last)
        update_vector<1>(parameter, whole + threadIdx.x, step.Momentum, decay, rate);
}
