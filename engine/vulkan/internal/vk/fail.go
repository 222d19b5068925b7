package vk

// Fail makes every later call of a function of the device return r, until the
// returned function is called. Tests use it for failures that a working device does
// not show. Callbacks are never freed, so it is for tests alone.
func (d *Device) Fail(name string, r Result) (restore func()) {
	f := map[string]*uintptr{"vkQueueSubmit": &d.submit, "vkWaitSemaphores": &d.waitSemaphores, "vkAllocateMemory": &d.allocateMemory}[name]
	was := *f
	*f = callback(func(_, _, _, _ uintptr) uintptr { return uintptr(uint32(r)) })
	return func() { *f = was }
}

// Lost is VK_ERROR_DEVICE_LOST, and NoDeviceMemory VK_ERROR_OUT_OF_DEVICE_MEMORY.
const (
	Lost           = errDeviceLost
	NoDeviceMemory = errOutOfDeviceMemory
)
