package nvidia

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"
)

// constants pairs every number of this package that C also has with its C name.
var constants = []struct {
	header, name string
	value        int64
}{
	{"cuda.h", "CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT", attributeProcessors},
	{"cuda.h", "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR", attributeMajor},
	{"cuda.h", "CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR", attributeMinor},
	{"cuda.h", "CU_STREAM_NON_BLOCKING", streamNonBlocking},
	{"cuda.h", "CU_EVENT_DISABLE_TIMING", eventDisableTiming},
	{"cuda.h", "CU_EVENT_BLOCKING_SYNC", eventBlockingSync},
	{"cuda.h", "CU_STREAM_CAPTURE_MODE_THREAD_LOCAL", captureThreadLocal},
	{"cuda.h", "CU_LAUNCH_PARAM_END_AS_INT", launchEnd},
	{"cuda.h", "CU_LAUNCH_PARAM_BUFFER_POINTER_AS_INT", launchBuffer},
	{"cuda.h", "CU_LAUNCH_PARAM_BUFFER_SIZE_AS_INT", launchBufferSize},
	{"cuda.h", "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES", attributeMaxDynamic},
	{"cuda.h", "CU_MEMHOSTALLOC_PORTABLE", hostPortable},
	{"cuda.h", "CU_JIT_ERROR_LOG_BUFFER", jitErrorLog},
	{"cuda.h", "CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES", jitErrorLogBytes},
	{"cuda.h", "CUDA_ERROR_OUT_OF_MEMORY", codeOutOfMemory},
	{"cuda.h", "CUDA_ERROR_NO_DEVICE", codeNoDevice},
	{"cuda.h", "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", codeUnsupportedPTX},
	{"cuda.h", "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED", codePeerAlreadyEnabled},
	{"cuda.h", "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED", codePeerAccessUnavail},
	{"cuda.h", "CUDA_ERROR_TOO_MANY_PEERS", codeTooManyPeers},
	{"cuda.h", "CUDA_ERROR_INVALID_PTX", codeInvalidPTX},
	{"cuda.h", "CUDA_ERROR_NO_BINARY_FOR_GPU", codeNoBinary},
	{"cuda.h", "CUDA_ERROR_NOT_SUPPORTED", codeNotSupported},
	{"cuda.h", "sizeof(CUdeviceptr)", 8},
	{"cuda.h", "sizeof(CUdevice)", 4},
	{"cuda.h", "sizeof(CUresult)", 4},
	{"cuda.h", "sizeof(CUjit_option)", 4},

	{"cublasLt.h", "CUDA_R_32F", real32F},
	{"cublasLt.h", "CUDA_R_16BF", real16BF},
	{"cublasLt.h", "CUBLAS_COMPUTE_32F", compute32F},
	{"cublasLt.h", "CUBLAS_COMPUTE_32F_FAST_TF32", compute32FTF32},
	{"cublasLt.h", "CUBLASLT_MATMUL_DESC_TRANSA", descTransA},
	{"cublasLt.h", "CUBLASLT_MATMUL_DESC_TRANSB", descTransB},
	{"cublasLt.h", "CUBLASLT_MATMUL_DESC_EPILOGUE", descEpilogue},
	{"cublasLt.h", "CUBLASLT_MATMUL_DESC_BIAS_POINTER", descBias},
	{"cublasLt.h", "CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE", descBiasType},
	{"cublasLt.h", "CUBLAS_OP_T", opTranspose},
	{"cublasLt.h", "CUBLASLT_EPILOGUE_DEFAULT", epilogueDefault},
	{"cublasLt.h", "CUBLASLT_EPILOGUE_BIAS", epilogueBias},
	{"cublasLt.h", "CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES", preferWorkspace},
	{"cublasLt.h", "CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK", preferReductions},
	{"cublasLt.h", "CUBLASLT_REDUCTION_SCHEME_INPLACE", reductionInPlace},
	{"cublasLt.h", "CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE", reductionCompute},
	{"cublasLt.h", "CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE", reductionOutput},
	{"cublasLt.h", "CUBLASLT_ALGO_CONFIG_ID", configID},
	{"cublasLt.h", "CUBLASLT_ALGO_CONFIG_TILE_ID", configTile},
	{"cublasLt.h", "CUBLASLT_ALGO_CONFIG_SPLITK_NUM", configSplitK},
	{"cublasLt.h", "CUBLASLT_ALGO_CONFIG_STAGES_ID", configStages},
	{"cublasLt.h", "CUBLASLT_ALGO_CAP_NUMERICAL_IMPL_FLAGS", capNumerics},
	{"cublasLt.h", "CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_16F | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_16BF | CUBLASLT_NUMERICAL_IMPL_FLAGS_INPUT_TF32", numericsNarrowInput},
	{"cublasLt.h", "CUBLAS_STATUS_ALLOC_FAILED", cublasAllocFailed},
	{"cublasLt.h", "CUBLAS_STATUS_INVALID_VALUE", cublasInvalidValue},
	{"cublasLt.h", "CUBLAS_STATUS_ARCH_MISMATCH", cublasArchMismatch},
	{"cublasLt.h", "CUBLAS_STATUS_NOT_SUPPORTED", cublasNotSupported},
	{"cublasLt.h", "sizeof(cublasLtMatmulAlgo_t)", 64},
	{"cublasLt.h", "sizeof(cublasLtMatmulHeuristicResult_t)", int64(unsafe.Sizeof(heuristicResult{}))},
	{"cublasLt.h", "offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize)", int64(unsafe.Offsetof(heuristicResult{}.workspace))},
	{"cublasLt.h", "offsetof(cublasLtMatmulHeuristicResult_t, state)", int64(unsafe.Offsetof(heuristicResult{}.state))},
	{"cublasLt.h", "offsetof(cublasLtMatmulHeuristicResult_t, wavesCount)", int64(unsafe.Offsetof(heuristicResult{}.waves))},

	{"cudnn.h", "CUDNN_BACKEND_POINTWISE_DESCRIPTOR", kindPointwise},
	{"cudnn.h", "CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR", kindConvolution},
	{"cudnn.h", "CUDNN_BACKEND_ENGINE_DESCRIPTOR", kindEngine},
	{"cudnn.h", "CUDNN_BACKEND_ENGINECFG_DESCRIPTOR", kindEngineConfig},
	{"cudnn.h", "CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR", kindHeuristics},
	{"cudnn.h", "CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR", kindPlan},
	{"cudnn.h", "CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR", kindConvolveForward},
	{"cudnn.h", "CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR", kindConvolveFilter},
	{"cudnn.h", "CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR", kindConvolveData},
	{"cudnn.h", "CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR", kindOperationPointwise},
	{"cudnn.h", "CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR", kindGraph},
	{"cudnn.h", "CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR", kindVariantPack},
	{"cudnn.h", "CUDNN_BACKEND_TENSOR_DESCRIPTOR", kindTensor},
	{"cudnn.h", "CUDNN_TYPE_HANDLE", typeHandle},
	{"cudnn.h", "CUDNN_TYPE_DATA_TYPE", typeDataType},
	{"cudnn.h", "CUDNN_TYPE_BOOLEAN", typeBoolean},
	{"cudnn.h", "CUDNN_TYPE_INT64", typeInt64},
	{"cudnn.h", "CUDNN_TYPE_FLOAT", typeFloat},
	{"cudnn.h", "CUDNN_TYPE_VOID_PTR", typeVoidPtr},
	{"cudnn.h", "CUDNN_TYPE_CONVOLUTION_MODE", typeConvMode},
	{"cudnn.h", "CUDNN_TYPE_HEUR_MODE", typeHeuristic},
	{"cudnn.h", "CUDNN_TYPE_NAN_PROPOGATION", typeNaN},
	{"cudnn.h", "CUDNN_TYPE_NUMERICAL_NOTE", typeNumerical},
	{"cudnn.h", "CUDNN_TYPE_POINTWISE_MODE", typePointwise},
	{"cudnn.h", "CUDNN_TYPE_BACKEND_DESCRIPTOR", typeDescriptor},
	{"cudnn.h", "CUDNN_TYPE_CHAR", typeChar},
	{"cudnn.h", "CUDNN_ATTR_POINTWISE_MODE", pointwiseMode},
	{"cudnn.h", "CUDNN_ATTR_POINTWISE_MATH_PREC", pointwisePrecision},
	{"cudnn.h", "CUDNN_ATTR_POINTWISE_NAN_PROPAGATION", pointwiseNaN},
	{"cudnn.h", "CUDNN_ATTR_CONVOLUTION_COMP_TYPE", convolutionCompute},
	{"cudnn.h", "CUDNN_ATTR_CONVOLUTION_CONV_MODE", convolutionMode},
	{"cudnn.h", "CUDNN_ATTR_CONVOLUTION_DILATIONS", convolutionDilations},
	{"cudnn.h", "CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES", convolutionStrides},
	{"cudnn.h", "CUDNN_ATTR_CONVOLUTION_POST_PADDINGS", convolutionPostPadding},
	{"cudnn.h", "CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS", convolutionPrePadding},
	{"cudnn.h", "CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS", convolutionSpatialDims},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA", operationForward},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA", operationForward + 1},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC", operationForward + 2},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W", operationForward + 3},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X", operationForward + 4},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y", operationForward + 5},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA", operationData},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA", operationData + 1},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC", operationData + 2},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W", operationData + 3},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX", operationData + 4},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY", operationData + 5},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA", operationFilter},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA", operationFilter + 1},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC", operationFilter + 2},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW", operationFilter + 3},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X", operationFilter + 4},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY", operationFilter + 5},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR", operationPointwise},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_POINTWISE_XDESC", operationPointwiseX},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_POINTWISE_BDESC", operationPointwiseB},
	{"cudnn.h", "CUDNN_ATTR_OPERATION_POINTWISE_YDESC", operationPointwiseY},
	{"cudnn.h", "CUDNN_ATTR_OPERATIONGRAPH_HANDLE", graphHandle},
	{"cudnn.h", "CUDNN_ATTR_OPERATIONGRAPH_OPS", graphOperations},
	{"cudnn.h", "CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT", tensorAlignment},
	{"cudnn.h", "CUDNN_ATTR_TENSOR_DATA_TYPE", tensorType},
	{"cudnn.h", "CUDNN_ATTR_TENSOR_DIMENSIONS", tensorDimensions},
	{"cudnn.h", "CUDNN_ATTR_TENSOR_STRIDES", tensorStrides},
	{"cudnn.h", "CUDNN_ATTR_TENSOR_UNIQUE_ID", tensorIdentity},
	{"cudnn.h", "CUDNN_ATTR_TENSOR_IS_VIRTUAL", tensorVirtual},
	{"cudnn.h", "CUDNN_DATA_FLOAT", dnnFloat},
	{"cudnn.h", "CUDNN_DATA_BFLOAT16", dnnBFloat16},
	{"cudnn.h", "CUDNN_CROSS_CORRELATION", crossCorrelation},
	{"cudnn.h", "CUDNN_PROPAGATE_NAN", propagateNaN},
	{"cudnn.h", "CUDNN_POINTWISE_ADD", pointwiseAdd},
	{"cudnn.h", "CUDNN_POINTWISE_RELU_FWD", pointwiseReLU},
	{"cudnn.h", "CUDNN_ATTR_ENGINEHEUR_MODE", heuristicMode},
	{"cudnn.h", "CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH", heuristicGraph},
	{"cudnn.h", "CUDNN_ATTR_ENGINEHEUR_RESULTS", heuristicResults},
	{"cudnn.h", "CUDNN_ATTR_ENGINECFG_ENGINE", configEngine},
	{"cudnn.h", "CUDNN_ATTR_EXECUTION_PLAN_HANDLE", planHandle},
	{"cudnn.h", "CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG", planConfig},
	{"cudnn.h", "CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE", planWorkspace},
	{"cudnn.h", "CUDNN_ATTR_ENGINE_GLOBAL_INDEX", engineIndex},
	{"cudnn.h", "CUDNN_ATTR_ENGINE_NUMERICAL_NOTE", engineNumerics},
	{"cudnn.h", "CUDNN_HEUR_MODE_INSTANT", heuristicInstant},
	{"cudnn.h", "CUDNN_HEUR_MODE_FALLBACK", heuristicFallback},
	{"cudnn.h", "CUDNN_HEUR_MODE_A", heuristicA},
	{"cudnn.h", "CUDNN_NUMERICAL_NOTE_TENSOR_CORE", noteTensorCore},
	{"cudnn.h", "CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS", noteDownConvert},
	{"cudnn.h", "CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION", noteReducedReduction},
	{"cudnn.h", "CUDNN_NUMERICAL_NOTE_FFT", noteFFT},
	{"cudnn.h", "CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC", noteNonDeterministic},
	{"cudnn.h", "CUDNN_NUMERICAL_NOTE_WINOGRAD", noteWinograd},
	{"cudnn.h", "CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4", noteWinograd4x4},
	{"cudnn.h", "CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6", noteWinograd6x6},
	{"cudnn.h", "CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13", noteWinograd13x13},
	{"cudnn.h", "CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS", packIdentities},
	{"cudnn.h", "CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS", packPointers},
	{"cudnn.h", "CUDNN_ATTR_VARIANT_PACK_WORKSPACE", packWorkspace},
	{"cudnn.h", "CUDNN_STATUS_NOT_SUPPORTED", dnnNotSupported},
	{"cudnn.h", "CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED", dnnHostAllocFailed},
	{"cudnn.h", "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", dnnDeviceAllocFailed},
	{"cudnn.h", "CUDNN_STATUS_EXECUTION_FAILED", dnnExecutionFailed},

	{"nccl.h", "NCCL_UNIQUE_ID_BYTES", uniqueIDBytes},
	{"nccl.h", "sizeof(ncclUniqueId)", int64(unsafe.Sizeof(uniqueID{}))},
	{"nccl.h", "sizeof(ncclResult_t)", 4},
	{"nccl.h", "NCCL_API_MAGIC", ncclMagic},
	{"nccl.h", "NCCL_CONFIG_UNDEF_INT", ncclUndefined},
	{"nccl.h", "NCCL_VERSION(2, 18, 0)", minNCCL},
	{"nccl.h", "offsetof(ncclConfig_t, magic)", int64(unsafe.Offsetof(ncclConfig{}.magic))},
	{"nccl.h", "offsetof(ncclConfig_t, version)", int64(unsafe.Offsetof(ncclConfig{}.version))},
	{"nccl.h", "offsetof(ncclConfig_t, blocking)", int64(unsafe.Offsetof(ncclConfig{}.blocking))},
	{"nccl.h", "offsetof(ncclConfig_t, cgaClusterSize)", int64(unsafe.Offsetof(ncclConfig{}.clusterSize))},
	{"nccl.h", "offsetof(ncclConfig_t, minCTAs)", int64(unsafe.Offsetof(ncclConfig{}.minBlocks))},
	{"nccl.h", "offsetof(ncclConfig_t, maxCTAs)", int64(unsafe.Offsetof(ncclConfig{}.maxBlocks))},
	{"nccl.h", "offsetof(ncclConfig_t, netName)", int64(unsafe.Offsetof(ncclConfig{}.network))},
	{"nccl.h", "offsetof(ncclConfig_t, splitShare)", int64(unsafe.Offsetof(ncclConfig{}.splitShare))},
	{"nccl.h", "ncclUnhandledCudaError", ncclCUDAError},
	{"nccl.h", "ncclRemoteError", ncclRemoteError},
	{"nccl.h", "ncclInProgress", ncclInProgress},
	{"nccl.h", "ncclTimeout", ncclTimeout},
	{"nccl.h", "ncclUint32", ncclUint32},
	{"nccl.h", "ncclFloat32", ncclFloat32},
	{"nccl.h", "ncclBfloat16", ncclBFloat16},
	{"nccl.h", "ncclSum", ncclSum},
	{"nccl.h", "ncclMax", ncclMax},
	{"cuda.h", "CUDA_ERROR_NOT_READY", codeNotReady},
}

// TestConstants compiles the C names with NVIDIA's headers and compares.
func TestConstants(t *testing.T) {
	l := needWheels(t)
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no C compiler")
	}
	folders := includes(t, l)
	var flags []string
	for _, f := range folders {
		flags = append(flags, "-I"+f)
	}
	for _, header := range []string{"cuda.h", "cublasLt.h", "cudnn.h", "nccl.h"} {
		t.Run(header, func(t *testing.T) {
			if !inAny(folders, header) || !inAny(folders, "cuda_runtime_api.h") {
				t.Skipf("no %s beside the libraries: they come with nvidia-cuda-runtime", header)
			}
			var c strings.Builder
			fmt.Fprintf(&c, "#include <stdio.h>\n#include <stddef.h>\n#include <%s>\nint main(void) {\n", header)
			for _, k := range constants {
				if k.header == header {
					fmt.Fprintf(&c, "\tprintf(\"%%lld\\n\", (long long)(%s));\n", k.name)
				}
			}
			c.WriteString("\treturn 0;\n}\n")
			folder := t.TempDir()
			source, program := filepath.Join(folder, "constants.c"), filepath.Join(folder, "constants")
			ok(t, os.WriteFile(source, []byte(c.String()), 0o666), hostDefines(folder))
			if header == "nccl.h" {
				ok(t, streamsAlone(folder))
			}
			if out, err := exec.Command("gcc", append([]string{"-w", "-I" + folder, "-o", program, source}, flags...)...).CombinedOutput(); strings.Contains(string(out), ": No such file") {
				t.Skipf("the headers lack others of the toolkit:\n%s", out)
			} else if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			values := strings.Fields(string(must[[]byte](t)(exec.Command(program).Output())))
			for _, k := range constants {
				if k.header != header {
					continue
				}
				if got := fmt.Sprint(k.value); got != values[0] {
					t.Errorf("%s is %s in C, %s here", k.name, values[0], got)
				}
				values = values[1:]
			}
		})
	}
}

// hostDefines writes what the headers want of crt/host_defines.h, which comes
// with the compiler alone.
func hostDefines(folder string) error {
	macros := ""
	for _, m := range []string{"__device_builtin__", "__cudart_builtin__", "__device_builtin_texture_type__", "__device_builtin_surface_type__",
		"__align__(n)", "__builtin_align__(n)", "__host__", "__device__", "__specialization_static", "CUDARTAPI", "CUDARTAPI_CDECL", "__no_sanitize__(t)"} {
		macros += "#define " + m + "\n"
	}
	return errors.Join(os.Mkdir(filepath.Join(folder, "crt"), 0o777), os.WriteFile(filepath.Join(folder, "crt", "host_defines.h"), []byte(macros), 0o666))
}

// streamsAlone writes what nccl.h takes from CUDA's C++ headers: names of handles.
func streamsAlone(folder string) error {
	var errs []error
	for _, name := range []string{"cuda_fp16.h", "cuda_bf16.h", "cuda_fp8.h"} {
		errs = append(errs, os.WriteFile(filepath.Join(folder, name), nil, 0o666))
	}
	text := "typedef struct CUstream_st *cudaStream_t;\ntypedef struct CUevent_st *cudaEvent_t;\n"
	return errors.Join(append(errs, os.WriteFile(filepath.Join(folder, "cuda_runtime.h"), []byte(text), 0o666))...)
}

func inAny(folders []string, name string) bool {
	for _, f := range folders {
		if _, err := os.Stat(filepath.Join(f, name)); err == nil {
			return true
		}
	}
	return false
}

// TestDriverSymbols compares the names that are looked up in libcuda, which
// isn't here, with those that cuda.h declares for the linker, old versions included.
func TestDriverSymbols(t *testing.T) {
	l := needWheels(t)
	folders := includes(t, l)
	if !inAny(folders, "cuda.h") {
		t.Skip("no cuda.h beside the libraries")
	}
	var flags []string
	for _, f := range folders {
		flags = append(flags, "-I"+f)
	}
	folder := t.TempDir()
	source := filepath.Join(folder, "cuda.c")
	ok(t, os.WriteFile(source, []byte("#include <cuda.h>\n"), 0o666))
	text := string(must[[]byte](t)(exec.Command("gcc", append(flags, "-D__CUDA_API_VERSION_INTERNAL", "-E", source)...).Output()))
	var a driverAPI
	for _, f := range a.functions() {
		if !strings.Contains(text, " "+f.name+"(") {
			t.Errorf("cuda.h doesn't declare %s", f.name)
		}
	}
}

// TestSymbols: the real libraries have everything that is looked up.
func TestSymbols(t *testing.T) {
	l := needWheels(t)
	for name, functions := range map[string][]function{"cuBLASLt": l.lt.functions(), "cuDNN": l.dnn.functions()} {
		for _, f := range functions {
			if *f.address == 0 {
				t.Errorf("%s lacks %s", name, f.name)
			}
		}
	}
	for _, f := range l.found {
		t.Logf("%s %s at %s", f.Name, f.Version, f.Path)
		if !filepath.IsAbs(f.Path) || f.Version == "" {
			t.Errorf("found %+v", f)
		}
	}
}
