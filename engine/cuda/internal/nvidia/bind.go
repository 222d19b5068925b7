package nvidia

import (
	"fmt"
	"path/filepath"
)

// function is a symbol to find, and the place for its address.
type function struct {
	name     string
	address  *uintptr
	optional bool // missing in some supported versions: the address stays 0
}

// bind finds functions in a loaded library.
func bind(handle uintptr, path string, functions []function) error {
	for _, f := range functions {
		address, err := dlsym(handle, f.name)
		if err != nil && !f.optional {
			return fmt.Errorf("%s lacks %s: %w", path, f.name, err)
		}
		*f.address = address
	}
	return nil
}

// driverAPI holds the addresses of libcuda's functions.
type driverAPI struct {
	init, driverGetVersion, getErrorName, getErrorString                                              uintptr
	deviceGet, deviceGetCount, deviceGetName, deviceGetAttribute, deviceTotalMem, deviceCanAccessPeer uintptr
	primaryRetain, primaryRelease, ctxSetCurrent, ctxGetCurrent, ctxEnablePeerAccess                  uintptr
	memGetInfo, memAlloc, memFree, memHostAlloc, memFreeHost                                          uintptr
	memcpyHtoD, memcpyDtoH, memcpyDtoD, memcpyPeer, memsetD8                                          uintptr
	streamCreate, streamDestroy, streamSynchronize, streamWaitEvent, streamBegin, streamEnd           uintptr
	eventCreate, eventDestroy, eventRecord, eventQuery, eventSynchronize, eventElapsed                uintptr
	moduleLoad, moduleUnload, moduleGetFunction, funcSetAttribute, launchKernel                       uintptr
	graphInstantiate, graphLaunch, graphUpload, graphExecDestroy, graphDestroy                        uintptr
}

// functions lists libcuda's functions. Symbols have versions that cuda.h hides in macros:
// _v2 with sizes of 64 bits.
func (a *driverAPI) functions() []function {
	return []function{
		{"cuInit", &a.init, false},
		{"cuDriverGetVersion", &a.driverGetVersion, false},
		{"cuGetErrorName", &a.getErrorName, false},
		{"cuGetErrorString", &a.getErrorString, false},
		{"cuDeviceGet", &a.deviceGet, false},
		{"cuDeviceGetCount", &a.deviceGetCount, false},
		{"cuDeviceGetName", &a.deviceGetName, false},
		{"cuDeviceGetAttribute", &a.deviceGetAttribute, false},
		{"cuDeviceTotalMem_v2", &a.deviceTotalMem, false},
		{"cuDeviceCanAccessPeer", &a.deviceCanAccessPeer, false},
		{"cuDevicePrimaryCtxRetain", &a.primaryRetain, false},
		{"cuDevicePrimaryCtxRelease_v2", &a.primaryRelease, false},
		{"cuCtxSetCurrent", &a.ctxSetCurrent, false},
		{"cuCtxGetCurrent", &a.ctxGetCurrent, false},
		{"cuCtxEnablePeerAccess", &a.ctxEnablePeerAccess, false},
		{"cuMemGetInfo_v2", &a.memGetInfo, false},
		{"cuMemAlloc_v2", &a.memAlloc, false},
		{"cuMemFree_v2", &a.memFree, false},
		{"cuMemHostAlloc", &a.memHostAlloc, false},
		{"cuMemFreeHost", &a.memFreeHost, false},
		{"cuMemcpyHtoDAsync_v2", &a.memcpyHtoD, false},
		{"cuMemcpyDtoHAsync_v2", &a.memcpyDtoH, false},
		{"cuMemcpyDtoDAsync_v2", &a.memcpyDtoD, false},
		{"cuMemcpyPeerAsync", &a.memcpyPeer, false},
		{"cuMemsetD8Async", &a.memsetD8, false},
		{"cuStreamCreate", &a.streamCreate, false},
		{"cuStreamDestroy_v2", &a.streamDestroy, false},
		{"cuStreamSynchronize", &a.streamSynchronize, false},
		{"cuStreamWaitEvent", &a.streamWaitEvent, false},
		{"cuStreamBeginCapture_v2", &a.streamBegin, false},
		{"cuStreamEndCapture", &a.streamEnd, false},
		{"cuEventCreate", &a.eventCreate, false},
		{"cuEventDestroy_v2", &a.eventDestroy, false},
		{"cuEventRecord", &a.eventRecord, false},
		{"cuEventQuery", &a.eventQuery, false},
		{"cuEventSynchronize", &a.eventSynchronize, false},
		{"cuEventElapsedTime", &a.eventElapsed, false},
		{"cuModuleLoadDataEx", &a.moduleLoad, false},
		{"cuModuleUnload", &a.moduleUnload, false},
		{"cuModuleGetFunction", &a.moduleGetFunction, false},
		{"cuFuncSetAttribute", &a.funcSetAttribute, false},
		{"cuLaunchKernel", &a.launchKernel, false},
		{"cuGraphInstantiateWithFlags", &a.graphInstantiate, false}, // since 11.4
		{"cuGraphLaunch", &a.graphLaunch, false},
		{"cuGraphUpload", &a.graphUpload, true},
		{"cuGraphExecDestroy", &a.graphExecDestroy, false},
		{"cuGraphDestroy", &a.graphDestroy, false},
	}
}

// ltAPI holds the addresses of cuBLASLt's functions.
type ltAPI struct {
	create, destroy, getVersion, statusName                     uintptr
	descCreate, descDestroy, descSet, descGet                   uintptr
	layoutCreate, layoutDestroy, layoutGet                      uintptr
	preferenceCreate, preferenceDestroy, preferenceSet, prefGet uintptr
	heuristic, capability, configuration, matmul                uintptr
}

func (a *ltAPI) functions() []function {
	return []function{
		{"cublasLtCreate", &a.create, false},
		{"cublasLtDestroy", &a.destroy, false},
		{"cublasLtGetVersion", &a.getVersion, false},
		{"cublasLtGetStatusName", &a.statusName, true},
		{"cublasLtMatmulDescCreate", &a.descCreate, false},
		{"cublasLtMatmulDescDestroy", &a.descDestroy, false},
		{"cublasLtMatmulDescSetAttribute", &a.descSet, false},
		{"cublasLtMatmulDescGetAttribute", &a.descGet, false},
		{"cublasLtMatrixLayoutCreate", &a.layoutCreate, false},
		{"cublasLtMatrixLayoutDestroy", &a.layoutDestroy, false},
		{"cublasLtMatrixLayoutGetAttribute", &a.layoutGet, false},
		{"cublasLtMatmulPreferenceCreate", &a.preferenceCreate, false},
		{"cublasLtMatmulPreferenceDestroy", &a.preferenceDestroy, false},
		{"cublasLtMatmulPreferenceSetAttribute", &a.preferenceSet, false},
		{"cublasLtMatmulPreferenceGetAttribute", &a.prefGet, false},
		{"cublasLtMatmulAlgoGetHeuristic", &a.heuristic, false},
		{"cublasLtMatmulAlgoCapGetAttribute", &a.capability, false},
		{"cublasLtMatmulAlgoConfigGetAttribute", &a.configuration, false},
		{"cublasLtMatmul", &a.matmul, false},
	}
}

// dnnAPI holds the addresses of cuDNN's functions.
type dnnAPI struct {
	create, destroy, setStream                               uintptr
	getVersion, getCudartVersion, errorString, lastError     uintptr
	descCreate, descDestroy, finalize, setAttr, getAttr, run uintptr
}

func (a *dnnAPI) functions() []function {
	return []function{
		{"cudnnCreate", &a.create, false},
		{"cudnnDestroy", &a.destroy, false},
		{"cudnnSetStream", &a.setStream, false},
		{"cudnnGetVersion", &a.getVersion, false},
		{"cudnnGetCudartVersion", &a.getCudartVersion, false},
		{"cudnnGetErrorString", &a.errorString, false},
		{"cudnnGetLastErrorString", &a.lastError, true},
		{"cudnnBackendCreateDescriptor", &a.descCreate, false},
		{"cudnnBackendDestroyDescriptor", &a.descDestroy, false},
		{"cudnnBackendFinalize", &a.finalize, false},
		{"cudnnBackendSetAttribute", &a.setAttr, false},
		{"cudnnBackendGetAttribute", &a.getAttr, false},
		{"cudnnBackendExecute", &a.run, false},
	}
}

// inPlace returns the linker's name for a library in a place: its path, or its name alone
// if the place is "".
func inPlace(folder, name string) string {
	if folder == "" {
		return name
	}
	return filepath.Join(folder, name)
}
