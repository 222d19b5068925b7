package cuda

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

// family is the contexts that were opened together. They read each other's arenas, wait
// for each other's events and copy from each other's host memory. So the last one that is
// closed frees all memory, and the devices.
type family struct {
	mu      sync.Mutex
	open    int
	host    []hostMemory
	device  []deviceMemory
	closers []io.Closer
	cards   []*card
}

type hostMemory struct {
	device gpu.Device
	bytes  []byte
}

type deviceMemory struct {
	device gpu.Device
	at     gpu.Pointer
}

// allocate takes device memory.
func (f *family) allocate(c *Context, bytes int64) (gpu.Pointer, error) {
	d := c.card.device
	p, err := d.Allocate(bytes)
	if err != nil {
		return 0, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.device = append(f.device, deviceMemory{d, p})
	return p, nil
}

// allocateHost takes page-locked host memory.
func (f *family) allocateHost(c *Context, n int) ([]byte, error) {
	d := c.card.device
	bytes, err := d.AllocateHost(max(n, 1))
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.host = append(f.host, hostMemory{d, bytes})
	return bytes[:n:n], nil
}

// newEvent makes an event.
func (f *family) newEvent(c *Context) (gpu.Event, error) {
	e, err := c.card.device.NewEvent(false)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closers = append(f.closers, e)
	return e, nil
}

// locked reports whether p is pinned memory of the family.
func (f *family) locked(p []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := uintptr(unsafe.Pointer(unsafe.SliceData(p)))
	for _, h := range f.host {
		start := uintptr(unsafe.Pointer(unsafe.SliceData(h.bytes)))
		if at >= start && at+uintptr(len(p)) <= start+uintptr(len(h.bytes)) {
			return true
		}
	}
	return false
}

// leave ends a context's use of the family. The last context frees everything, on its own
// thread. No work of the context may be running.
func (f *family) leave(c *Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cards = append(f.cards, c.card)
	f.open--
	if f.open > 0 {
		return nil
	}
	var errs []error
	for _, e := range f.closers {
		errs = append(errs, e.Close())
	}
	for _, m := range f.device {
		errs = append(errs, m.device.Bind(), m.device.Free(m.at))
	}
	for _, m := range f.host {
		errs = append(errs, m.device.Bind(), m.device.FreeHost(m.bytes))
	}
	for _, k := range f.cards {
		errs = append(errs, k.release())
	}
	f.host, f.device, f.closers, f.cards = nil, nil, nil, nil
	return errors.Join(errs...)
}

// AllocateHost returns pinned host memory. Uploads read it directly, also uploads of
// other contexts that were opened with this one.
func (c *Context) AllocateHost(n int) ([]byte, error) {
	if err := c.ready("allocate host memory"); err != nil {
		return nil, err
	}
	var bytes []byte
	err := c.call(func() (err error) {
		bytes, err = c.family.allocateHost(c, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %d bytes of page-locked host memory: %w", c.name, n, err)
	}
	return bytes, nil
}
