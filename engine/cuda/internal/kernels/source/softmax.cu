// Softmax, cross-entropy and rank. One block computes one row.

struct SoftmaxLoss {
    const void *X, *Labels;
    void *Probs, *Loss, *Rank, *DX, *Halt;
    int N, K;
    float Scale, Smoothing;
};

// block_reduce combines one value of every thread, in an order that doesn't depend on
// timing, and returns the result to all threads. shared holds one value for each warp.
template <typename T, typename Op>
__device__ inline T block_reduce(T v, T *shared, Op op)
{
#pragma unroll
    for (int lane = 16; lane > 0; lane /= 2)
        v = op(v, __shfl_xor_sync(0xffffffff, v, lane));
    __syncthreads(); // the last result has been read
    if (threadIdx.x % 32 == 0)
        shared[threadIdx.x / 32] = v;
    __syncthreads();
    v = shared[0];
    for (int warp = 1; warp < (int)blockDim.x / 32; warp++)
        v = op(v, shared[warp]);
    return v;
}

template <typename T>
__device__ inline void softmax_loss(const SoftmaxLoss &p)
{
    const int n = blockIdx.x, label = ((const int *)p.Labels)[n];
    const T *x = (const T *)p.X + (int64)n * p.K;
    float *probs = (float *)p.Probs + (int64)n * p.K;
    float *shared = shared_memory<float>();
    const auto sum = [](auto a, auto b) { return a + b; };

    float top = __int_as_float(0xff800000);
    const auto larger = [](float a, float b) { return a > b || a != a ? a : b; }; // NaN if either is
#pragma unroll 1
    for (int k = threadIdx.x; k < p.K; k += blockDim.x)
        top = larger(top, widen(x[k]));
    top = block_reduce(top, shared, larger);

    float total = 0, logits = 0;
#pragma unroll 1
    for (int k = threadIdx.x; k < p.K; k += blockDim.x) {
        const float e = expf(widen(x[k]) - top);
        probs[k] = e;
        total += e;
        logits += widen(x[k]) - top;
    }
    total = block_reduce(total, shared, sum);

    const bool valid = 0 <= label && label < p.K;
    const float target = valid ? widen(x[label]) : 0, even = p.Smoothing / p.K;
    int beaten = 0;
#pragma unroll 1
    for (int k = threadIdx.x; k < p.K; k += blockDim.x) {
        const float v = widen(x[k]), probability = probs[k] / total;
        probs[k] = probability;
        beaten += v > target || (v == target && k < label);
        if (p.DX) {
            const float wanted = (k == label ? 1 - p.Smoothing : 0) + even;
            ((T *)p.DX)[(int64)n * p.K + k] = narrow<T>(valid ? (probability - wanted) * p.Scale : 0);
        }
    }
    beaten = block_reduce(beaten, (int *)shared, sum);
    if (p.Smoothing != 0)
        logits = block_reduce(logits, shared, sum);

    if (threadIdx.x != 0)
        return;
    float loss = 0;
    int rank = 0, halt = 0;
    if (valid) {
        loss = top - target + logf(total);
        if (p.Smoothing != 0) // (1 − s)·loss + s·(the mean loss over all classes)
            loss = (1 - p.Smoothing) * loss + p.Smoothing * (logf(total) - logits / p.K);
        rank = target != target ? p.K : beaten;
        halt = loss - loss != 0 ? 1 : 0; // ∞ − ∞ and NaN − NaN are NaN
    } else if (label != -1) {
        loss = __int_as_float(0x7fffffff);
        rank = p.K;
        halt = 2;
    }
    ((float *)p.Loss)[n] = loss;
    ((int *)p.Rank)[n] = rank;
    if (halt && p.Halt)
        atomicMax((int *)p.Halt, halt);
}

KERNEL(softmax_loss_f32, SoftmaxLoss, 256) { softmax_loss<float>(p); }
KERNEL(softmax_loss_bf16, SoftmaxLoss, 256) { softmax_loss<bf16>(p); }
