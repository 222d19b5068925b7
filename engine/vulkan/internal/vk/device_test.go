package vk

import (
	"errors"
	"strings"
	"testing"
	"unsafe"
)

// open opens the first device, under the validation layer if need be.
func open(t *testing.T, validate bool) *Device {
	t.Helper()
	i, err := Open(validate)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(i.Close)
	all, err := i.GPUs()
	if err != nil || len(all) == 0 {
		t.Skip("Vulkan lists no device: ", err)
	}
	d, err := all[0].Open()
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(d.Close)
	return d
}

// TestComplaint: what the validation layer says of a wrong call comes to Messages, and
// right calls leave nothing there.
func TestComplaint(t *testing.T) {
	d := open(t, true)
	b, err := d.Allocate(1024, true)
	if err != nil {
		t.Fatal(err)
	}
	d.Free(b)
	if said := Messages(); len(said) > 0 {
		t.Errorf("of right calls the layer says %q", said)
	}
	info := &bufferCreateInfo{Type: typeBufferCreateInfo, Usage: usageStorage} // no size
	var wrong Buffer
	call(d.createBuffer, uintptr(d.handle), uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&wrong)))
	said := Messages()
	if len(said) == 0 || !strings.Contains(said[0], "VUID-VkBufferCreateInfo-size") {
		t.Errorf("of a buffer without bytes the layer says %q", said)
	}
	d.Free(Block{Buffer: wrong})
	Messages()
}

// TestTooMuch: memory that isn't there is refused by name.
func TestTooMuch(t *testing.T) {
	d := open(t, false)
	_, total := d.GPU.Memory()
	_, err := d.Allocate(2*total, false)
	if !errors.Is(err, ErrOutOfMemory) || !strings.Contains(err.Error(), "VK_ERROR_OUT_OF_DEVICE_MEMORY") {
		t.Errorf("%d bytes: %v", 2*total, err)
	}
	if errors.Is(err, ErrLost) {
		t.Errorf("%v: is the device lost?", err)
	}
}

// TestResults: a result has Vulkan's name, and one that nobody knows its number.
func TestResults(t *testing.T) {
	lost := -4
	err := check("vkQueueSubmit", uintptr(lost))
	if !errors.Is(err, ErrLost) || errors.Is(err, ErrOutOfMemory) || err.Error() != "vkQueueSubmit: VK_ERROR_DEVICE_LOST" {
		t.Error(err)
	}
	strange := -12345
	if err := check("vkX", uintptr(strange)); err == nil || err.Error() != "vkX: VkResult -12345" {
		t.Error(err)
	}
	if err := check("vkX", 0); err != nil {
		t.Error(err)
	}
}
