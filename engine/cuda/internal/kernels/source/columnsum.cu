// Sums of columns: gradients of biases.

// A block sums a chunk of rows. Its threads stand on some vectors of columns and
// on blockDim.y rows, each adds up every blockDim.y-th row of its columns, and
// the block then adds those sums in order.
template <typename T, int V>
__device__ inline void column_sum(const ColumnSum &p)
{
    const int vector = blockIdx.x * blockDim.x + threadIdx.x;
    const int c = vector * V;
    const int64 first = (int64)blockIdx.y * p.chunkRows;
    const int64 last = min(first + p.chunkRows, (int64)p.Rows);

    float sum[V] = {};
    if (c < p.C) {
#pragma unroll 4
        for (int64 row = first + threadIdx.y; row < last; row += blockDim.y) {
            float x[V];
            load<T>(x, (const T *)p.X + row * p.C + c);
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
        if (column >= p.C)
            break;
        float total = 0;
        for (int y = 0; y < (int)blockDim.y; y++)
            total += sums[y * columns + i];
        ((float *)p.Workspace)[(int64)blockIdx.y * p.C + column] = total;
    }
}

KERNELS(column_sum, ColumnSum)

// The sums of the chunks, 32 columns a block, whose 32 rows of threads each take
// every 32nd chunk.
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
