// Package nvidia implements gpu.Device on NVIDIA's driver (libcuda), cuBLASLt, cuDNN
// 9 and, for ranks, NCCL 2. It finds them when the program runs and calls them
// through purego: no cgo, and no CUDA toolkit at build time.
//
// Libraries are looked for in this order: the folders of Options.Paths and of
// $ALEXNET_CUDA_LIBS, the dynamic linker (LD_LIBRARY_PATH, its cache), the wheels and
// conda packages of Python environments, /usr/local/cuda* and the system's folders.
// cuBLAS 12 and 13 both work, but not a newer major version than the driver runs;
// cuDNN must be 9. [Examine] lists what was found and what to install.
//
// The driver API is documented at https://docs.nvidia.com/cuda/cuda-driver-api/,
// cuBLASLt at https://docs.nvidia.com/cuda/cublas/, cuDNN's backend at
// https://docs.nvidia.com/deeplearning/cudnn/backend/, NCCL at
// https://docs.nvidia.com/deeplearning/nccl/user-guide/. Constants come from cuda.h,
// cublasLt.h, cudnn_graph.h and nccl.h, and a test compares them with those headers.
//
// Every pointer that C writes through belongs to a heap object that lives longer than
// the call. Streams own the memory of the arguments they pass, so that launches and
// copies allocate nothing.
package nvidia
