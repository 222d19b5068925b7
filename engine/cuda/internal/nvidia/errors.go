package nvidia

import (
	"fmt"
	"runtime"

	"alexnet/engine/cuda/internal/gpu"
)

// Results of the driver (CUresult) that are handled.
const (
	codeOutOfMemory         = 2
	codeUnavailable         = 46
	codeNoDevice            = 100
	codeUnsupportedPTX      = 222
	codePeerAlreadyEnabled  = 704
	codePeerAccessUnavail   = 217
	codeTooManyPeers        = 711
	codeInvalidPTX          = 218
	codeNoBinary            = 209
	codeNewerDriverRequired = 36
	codeNotReady            = 600
	codeNotSupported        = 801
)

// lost lists the results after which every call on a context fails alike: for each,
// cuda.h says that the process must be ended and started again.
var lost = map[int]bool{
	46:  true, // DEVICE_UNAVAILABLE
	214: true, // ECC_UNCORRECTABLE
	220: true, // NVLINK_UNCORRECTABLE
	226: true, // CONTAINED
	700: true, // ILLEGAL_ADDRESS
	702: true, // LAUNCH_TIMEOUT
	709: true, // CONTEXT_IS_DESTROYED
	710: true, // ASSERT
	714: true, // HARDWARE_STACK_ERROR
	715: true, // ILLEGAL_INSTRUCTION
	716: true, // MISALIGNED_ADDRESS
	717: true, // INVALID_ADDRESS_SPACE
	718: true, // INVALID_PC
	719: true, // LAUNCH_FAILED
	721: true, // TENSOR_MEMORY_LEAK
	911: true, // EXTERNAL_DEVICE
	999: true, // UNKNOWN
}

// kindOf returns the kind of a driver's result, for callers.
func kindOf(code int) error {
	switch {
	case code == codeOutOfMemory:
		return gpu.ErrOutOfMemory
	case lost[code]:
		return gpu.ErrLost
	case code == codeUnsupportedPTX, code == codeInvalidPTX, code == codeNoBinary,
		code == codeNewerDriverRequired, code == codeNotSupported, code == codePeerAccessUnavail:
		return gpu.ErrUnsupported
	}
	return nil
}

// check returns an error for the result of a driver's function, nil for success.
func (l *libraries) check(name string, result uintptr) error {
	if int32(result) == 0 {
		return nil
	}
	return l.failure(name, int(int32(result)))
}

func (l *libraries) failure(name string, code int) *gpu.CallError {
	return &gpu.CallError{Call: name, Code: code, Text: l.text(code), Kind: kindOf(code)}
}

// text returns the driver's name and message for a result.
func (l *libraries) text(code int) string {
	var name, words uintptr
	call(l.driver.getErrorName, uintptr(code), address(&name))
	call(l.driver.getErrorString, uintptr(code), address(&words))
	if name == 0 || words == 0 {
		return "a result that this driver doesn't name"
	}
	return cString(name) + ": " + cString(words)
}

// cublasStatuses are cublasStatus_t.
var cublasStatuses = map[int]string{
	1: "not initialized", 3: "resource allocation failed", 7: "invalid value", 8: "architecture mismatch",
	11: "mapping error", 13: "execution failed", 14: "internal error", 15: "not supported", 16: "license error",
}

const (
	cublasAllocFailed  = 3
	cublasInvalidValue = 7
	cublasArchMismatch = 8
	cublasNotSupported = 15
)

// checkLt returns an error for a cublasStatus_t.
func checkLt(name string, result uintptr) error {
	code := int(int32(result))
	if code == 0 {
		return nil
	}
	e := &gpu.CallError{Call: name, Code: code, Text: cublasStatuses[code]}
	switch code {
	case cublasAllocFailed:
		e.Kind = gpu.ErrOutOfMemory
	case cublasNotSupported, cublasArchMismatch:
		e.Kind = gpu.ErrUnsupported
	}
	if e.Text == "" {
		e.Text = "unknown status"
	}
	return e
}

// Statuses of cuDNN: thousands are categories.
const (
	dnnNotSupported         = 3000
	dnnHostAllocFailed      = 4003
	dnnDeviceAllocFailed    = 4004
	dnnExecutionFailed      = 5000
	dnnSublibraryLoadFailed = 1008
)

// checkDNN returns an error for a cudnnStatus_t, with the library's message about its
// last failure.
func (l *libraries) checkDNN(name string, result uintptr) error {
	code := int(int32(result))
	if code == 0 {
		return nil
	}
	e := &gpu.CallError{Call: name, Code: code, Text: cString(call(l.dnn.errorString, uintptr(code)))}
	if l.dnn.lastError != 0 {
		more := make([]byte, 1024)
		call(l.dnn.lastError, start(more), uintptr(len(more)))
		if text := upToZero(more); text != "" {
			e.Text += fmt.Sprintf(" (%s)", text)
		}
	}
	switch {
	case code == dnnHostAllocFailed, code == dnnDeviceAllocFailed:
		e.Kind = gpu.ErrOutOfMemory
	case code/1000*1000 == dnnNotSupported:
		e.Kind = gpu.ErrUnsupported
	case code/1000*1000 == dnnExecutionFailed && l.lostContext():
		e.Kind = gpu.ErrLost
	}
	return e
}

// lostContext asks the driver whether the context is lost. cuDNN has the same status for
// a lost device and for an engine that could not be launched; in the second case another
// engine may work.
func (l *libraries) lostContext() bool {
	if l.driver.memGetInfo == 0 {
		return false
	}
	sizes := make([]uint64, 2)
	code := int(int32(call(l.driver.memGetInfo, address(&sizes[0]), address(&sizes[1]))))
	runtime.KeepAlive(sizes)
	return lost[code]
}
