// Kernels that do what kernels mustn't, and some that may, for the tests of the
// machine itself, which a library of their own has.
#include "common.h"

struct Selftest {
    void *Y;
    int N;
};

// A thread reads what its neighbour wrote, behind a barrier and without one.
KERNEL(selftest_barrier, Selftest, 1024)
{
    float *shared = shared_memory<float>();
    shared[threadIdx.x] = (float)threadIdx.x;
    __syncthreads();
    ((float *)p.Y)[blockIdx.x * blockDim.x + threadIdx.x] = shared[(threadIdx.x + 1) % blockDim.x];
}

KERNEL(selftest_race, Selftest, 1024)
{
    float *shared = shared_memory<float>();
    shared[threadIdx.x] = (float)threadIdx.x;
    ((float *)p.Y)[blockIdx.x * blockDim.x + threadIdx.x] = shared[(threadIdx.x + 1) % blockDim.x];
}

KERNEL(selftest_shuffle, Selftest, 1024)
{
    int v = threadIdx.x;
    for (int mask = 16; mask > 0; mask /= 2)
        v += __shfl_xor_sync(0xffffffff, v, mask);
    ((float *)p.Y)[threadIdx.x] = (float)v;
}

// Some threads are gone when the others come to the barrier, or the shuffle.
KERNEL(selftest_gone, Selftest, 1024)
{
    if ((int)threadIdx.x >= p.N)
        return;
    __syncthreads();
}

KERNEL(selftest_gone_shuffle, Selftest, 1024)
{
    if ((int)threadIdx.x < p.N)
        ((float *)p.Y)[threadIdx.x] = __shfl_xor_sync(0xffffffff, 1.0f, 1);
}

KERNEL(selftest_two_barriers, Selftest, 1024)
{
    if ((int)threadIdx.x < p.N)
        __syncthreads();
    else
        __syncthreads();
}

KERNEL(selftest_unaligned, Selftest, 1024) { store<float>((float *)p.Y + 1, {0, 0, 0, 0}); }

// Past the end of 64 bytes of shared memory.
KERNEL(selftest_overrun, Selftest, 1024) { shared_memory<float>()[threadIdx.x] = (float)p.N; }

// What a block finds in shared memory.
KERNEL(selftest_fresh, Selftest, 1024) { ((float *)p.Y)[blockIdx.x] = shared_memory<float>()[0]; shared_memory<float>()[0] = 1; }

// Where a thread stands, in a grid of all dimensions.
KERNEL(selftest_place, Selftest, 1024)
{
    const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    const unsigned i = block * blockDim.x * blockDim.y * blockDim.z + thread;
    ((float *)p.Y)[i] += (float)i;
}
