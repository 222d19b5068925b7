// Sums of columns: gradients of biases.

#include "activate.cu"

struct ColumnSum {
    const void *X;
    void *D, *Workspace;
    int Rows, C, chunks, chunkRows;
};

struct ActivateBackwardSum {
    const void *Y, *DY;
    void *DX, *D, *Workspace;
    int Rows, C, Function, chunks, chunkRows;
};

// sum_columns sums a chunk of rows in one block. Each thread adds every blockDim.y-th
// row of its vector of columns; then the block adds the threads' sums in order.
// value(x, i) reads the V elements from i on. Ahead of them are read before the first is
// added.
template <int V, int Ahead, typename Value>
__device__ inline void sum_columns(int rows, int channels, int chunkRows, void *workspace, Value value)
{
    const int c = (int)(blockIdx.x * blockDim.x + threadIdx.x) * V;
    const int64 first = (int64)blockIdx.y * chunkRows;
    const int64 last = min(first + chunkRows, (int64)rows);

    float sum[V] = {};
    if (c < channels) {
#pragma unroll Ahead
        for (int64 row = first + threadIdx.y; row < last; row += blockDim.y) {
            float x[V];
            value(x, row * channels + c);
#pragma unroll
            for (int j = 0; j < V; j++)
                sum[j] += x[j];
        }
    }

    float *sums = shared_memory<float>(); // blockDim.y × blockDim.x·V
    const int columns = blockDim.x * V;
#pragma unroll
    for (int j = 0; j < V; j++)
        sums[threadIdx.y * columns + threadIdx.x * V + j] = sum[j];
    __syncthreads();

    for (int i = threadIdx.y * blockDim.x + threadIdx.x; i < columns; i += blockDim.x * blockDim.y) {
        const int column = blockIdx.x * columns + i;
        if (column >= channels)
            break;
        float total = 0;
        for (int y = 0; y < (int)blockDim.y; y++)
            total += sums[y * columns + i];
        ((float *)workspace)[(int64)blockIdx.y * channels + column] = total;
    }
}

template <typename T, int V>
__device__ inline void column_sum(const ColumnSum &p)
{
    sum_columns<V, 4>(p.Rows, p.C, p.chunkRows, p.Workspace, [&](float (&x)[V], int64 i) { load<T>(x, (const T *)p.X + i); });
}

KERNELS(column_sum, ColumnSum)

// The gradient of an activation function and its column sums in one pass. It sums the
// rounded values, as they are stored.
template <typename T, int V>
__device__ inline void activate_backward_sum(const ActivateBackwardSum &p)
{
    with_function(p.Function, [&](auto function) {
        sum_columns<V, 1>(p.Rows, p.C, p.chunkRows, p.Workspace, [&](float (&dx)[V], int64 i) {
            float y[V];
            load<T>(y, (const T *)p.Y + i);
            load_own<T>(dx, (const T *)p.DY + i);
#pragma unroll
            for (int j = 0; j < V; j++)
                dx[j] = widen(narrow<T>(chained<decltype(function)::value>(y[j], dx[j])));
            store<T>((T *)p.DX + i, dx);
        });
    });
}

KERNELS(activate_backward_sum, ActivateBackwardSum)

// The sums over the chunks. A block takes 32 columns; each of its 32 rows of threads
// adds every 32nd chunk.
KERNEL(column_sum_chunks, ColumnSum, 1024)
{
    const int c = blockIdx.x * 32 + threadIdx.x;
    float sum = 0;
    if (c < p.C)
#pragma unroll 4
        for (int chunk = threadIdx.y; chunk < p.chunks; chunk += 32)
            sum += ((const float *)p.Workspace)[(int64)chunk * p.C + c];

    float *sums = shared_memory<float>();
    sums[threadIdx.y * 32 + threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y != 0 || c >= p.C)
        return;
    float total = 0;
    for (int y = 0; y < 32; y++)
        total += sums[y * 32 + threadIdx.x];
    ((float *)p.D)[c] = total;
}
