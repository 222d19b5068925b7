// Package vk is the part of Vulkan 1.2 that engine/vulkan calls, without cgo: the
// loader is found at run time, structures are written in Go with C's layout, and a
// failed call is an *Error that names the call and Vulkan's result.
//
// An [Instance] lists the machine's devices with what each lacks (GPU.Missing); a
// [Device] is opened on one of them. Handles are plain numbers that belong to their
// Device. As in Vulkan, the caller keeps two goroutines from using one queue,
// pool or command buffer at a time.
package vk
