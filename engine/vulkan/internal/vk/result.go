package vk

import (
	"errors"
	"fmt"
)

// Result is a VkResult.
type Result int32

const (
	success              Result = 0
	notReady             Result = 1
	timeout              Result = 2
	incomplete           Result = 5
	errOutOfHostMemory   Result = -1
	errOutOfDeviceMemory Result = -2
	errDeviceLost        Result = -4
	errTooManyObjects    Result = -10
)

var names = map[Result]string{
	notReady:             "VK_NOT_READY",
	timeout:              "VK_TIMEOUT",
	incomplete:           "VK_INCOMPLETE",
	errOutOfHostMemory:   "VK_ERROR_OUT_OF_HOST_MEMORY",
	errOutOfDeviceMemory: "VK_ERROR_OUT_OF_DEVICE_MEMORY",
	-3:                   "VK_ERROR_INITIALIZATION_FAILED",
	errDeviceLost:        "VK_ERROR_DEVICE_LOST",
	-5:                   "VK_ERROR_MEMORY_MAP_FAILED",
	-6:                   "VK_ERROR_LAYER_NOT_PRESENT",
	-7:                   "VK_ERROR_EXTENSION_NOT_PRESENT",
	-8:                   "VK_ERROR_FEATURE_NOT_PRESENT",
	-9:                   "VK_ERROR_INCOMPATIBLE_DRIVER",
	errTooManyObjects:    "VK_ERROR_TOO_MANY_OBJECTS",
	-12:                  "VK_ERROR_FRAGMENTED_POOL",
	-13:                  "VK_ERROR_UNKNOWN",
	-1000011001:          "VK_ERROR_VALIDATION_FAILED_EXT",
	-1000012000:          "VK_ERROR_INVALID_SHADER_NV",
	-1000069000:          "VK_ERROR_OUT_OF_POOL_MEMORY",
	-1000257000:          "VK_ERROR_INVALID_OPAQUE_CAPTURE_ADDRESS",
}

// String returns Vulkan's name of the result.
func (r Result) String() string {
	if s, ok := names[r]; ok {
		return s
	}
	return fmt.Sprintf("VkResult %d", int32(r))
}

var (
	// ErrLost says that the device has stopped: VK_ERROR_DEVICE_LOST.
	ErrLost = errors.New("the device is lost")
	// ErrOutOfMemory says that the device or the host has too little memory.
	ErrOutOfMemory = errors.New("out of memory")
)

// Error is a failed call.
type Error struct {
	Call   string
	Result Result
}

func (e *Error) Error() string { return e.Call + ": " + e.Result.String() }

// Is compares kinds of failures.
func (e *Error) Is(kind error) bool {
	switch e.Result {
	case errDeviceLost:
		return kind == ErrLost
	case errOutOfHostMemory, errOutOfDeviceMemory:
		return kind == ErrOutOfMemory
	}
	return false
}

// check returns the error of a call's result.
func check(name string, r uintptr) error {
	if Result(int32(r)) == success {
		return nil
	}
	return &Error{name, Result(int32(r))}
}
