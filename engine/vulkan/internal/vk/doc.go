// Package vk is the part of Vulkan 1.2 that engine/vulkan calls, without cgo. It
// finds the loader at run time and declares structures in Go with C's layout. A
// failed call is an *Error that names the call and Vulkan's result.
//
// An [Instance] lists the machine's devices and what each lacks (GPU.Missing). A
// [Device] is opened on one of them. Handles are plain numbers that belong to their
// Device. As in Vulkan, the caller must not let two goroutines use one queue, pool or
// command buffer at the same time.
package vk
