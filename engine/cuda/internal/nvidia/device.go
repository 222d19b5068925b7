package nvidia

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

// device is one reference to the primary context of a GPU.
type device struct {
	lib         *libraries
	description gpu.Description
	handle      int32   // CUdevice
	context     uintptr // CUcontext
	*card
	closed bool
}

// card is the common state of all devices on one primary context. Threads use it
// concurrently; plans are made one at a time, since a cuDNN handle belongs to one thread
// at a time.
type card struct {
	users int // devices; guarded by the registry's lock

	mu        sync.Mutex
	lt        uintptr     // cublasLtHandle_t, made at its first use
	dnn       uintptr     // cudnnHandle_t for making plans, made at its first use
	convolves atomic.Bool // whether dnn has been made
	modules   map[[sha256.Size]byte]*module
}

// openDevice retains the primary context, which cuBLAS and cuDNN use as well, and
// enables access to and from other open devices' memory.
func (l *libraries) openDevice(index int) (_ *device, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	d := &device{lib: l}
	if d.description, err = l.describe(index); err != nil {
		return nil, err
	}
	if err := l.check("cuDeviceGet", call(l.driver.deviceGet, address(&d.handle), uintptr(index))); err != nil {
		return nil, err
	}
	if err := l.check("cuDevicePrimaryCtxRetain", call(l.driver.primaryRetain, address(&d.context), uintptr(d.handle))); err != nil {
		return nil, unavailable(index, err)
	}
	l.registry.Lock()
	defer l.registry.Unlock()
	err = d.keepCurrent(func() error {
		for _, other := range l.open {
			if err := d.connect(other); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, d.release())
	}
	if err := l.keep(d.handle); err != nil {
		return nil, errors.Join(err, d.release())
	}
	d.card = l.cardOf(d)
	d.card.users++
	l.open = append(l.open, d)
	return d, nil
}

// kept are the GPUs whose contexts are kept until the process ends.
var kept = struct {
	sync.Mutex
	handles map[int32]bool
}{handles: map[int32]bool{}}

// keep retains a context once more, until the process ends. cuDNN and cuBLAS keep code
// and state in it and can't be told of its end; making a new one takes a good part of a
// second.
func (l *libraries) keep(handle int32) error {
	kept.Lock()
	defer kept.Unlock()
	if kept.handles[handle] {
		return nil
	}
	var context uintptr
	err := l.check("cuDevicePrimaryCtxRetain", call(l.driver.primaryRetain, address(&context), uintptr(handle)))
	runtime.KeepAlive(&context)
	kept.handles[handle] = err == nil
	return err
}

// unavailable adds advice to the error of a device that cannot be opened.
func unavailable(index int, err error) error {
	var e *gpu.CallError
	if errors.As(err, &e) {
		switch e.Code {
		case codeUnavailable:
			return fmt.Errorf("another process has the GPU to itself: end it (nvidia-smi lists it), or let processes share the GPU with nvidia-smi -i %d -c DEFAULT: %w", index, err)
		case codeOutOfMemory:
			return fmt.Errorf("other processes leave no memory on the GPU for one more (nvidia-smi lists them): %w", err)
		}
	}
	return err
}

// cardOf returns the card of the open devices on d's context, or a new one.
func (l *libraries) cardOf(d *device) *card {
	for _, other := range l.open {
		if other.context == d.context {
			return other.card
		}
	}
	return new(card)
}

// keepCurrent calls f and then restores the current context.
func (d *device) keepCurrent(f func() error) error {
	var before uintptr
	if err := d.lib.check("cuCtxGetCurrent", call(d.lib.driver.ctxGetCurrent, address(&before))); err != nil {
		return err
	}
	err := f()
	return errors.Join(err, d.lib.check("cuCtxSetCurrent", call(d.lib.driver.ctxSetCurrent, before)))
}

// connect lets d and other read each other's memory if the hardware can; otherwise the
// driver copies through the host.
func (d *device) connect(other *device) error {
	if d.context == other.context {
		return nil
	}
	for _, pair := range [][2]*device{{d, other}, {other, d}} {
		from, to := pair[0], pair[1]
		if !slices.Contains(from.description.PeerCapable, to.description.Index) {
			continue
		}
		if err := from.Bind(); err != nil {
			return err
		}
		result := call(d.lib.driver.ctxEnablePeerAccess, to.context, 0)
		switch int32(result) {
		case codePeerAlreadyEnabled, codeTooManyPeers, codePeerAccessUnavail:
			continue // copies through the host work as well
		}
		if err := d.lib.check("cuCtxEnablePeerAccess", result); err != nil {
			return err
		}
	}
	return nil
}

func (d *device) Describe() gpu.Description { return d.description }

// Bind makes the context current in the calling thread.
func (d *device) Bind() error {
	return d.lib.check("cuCtxSetCurrent", call(d.lib.driver.ctxSetCurrent, d.context))
}

func (d *device) Memory() (free, total int64, err error) {
	var f, t uint64
	err = d.lib.check("cuMemGetInfo", call(d.lib.driver.memGetInfo, address(&f), address(&t)))
	return int64(f), int64(t), err
}

func (d *device) Allocate(bytes int64) (gpu.Pointer, error) {
	var p uint64
	err := d.lib.check("cuMemAlloc", call(d.lib.driver.memAlloc, address(&p), uintptr(max(bytes, 1))))
	return gpu.Pointer(p), err
}

func (d *device) Free(p gpu.Pointer) error {
	if p == 0 {
		return nil
	}
	return d.lib.check("cuMemFree", call(d.lib.driver.memFree, uintptr(p)))
}

// hostPortable makes memory page-locked for every context (CU_MEMHOSTALLOC_PORTABLE).
const hostPortable = 1

func (d *device) AllocateHost(bytes int) ([]byte, error) {
	var p uintptr
	if err := d.lib.check("cuMemHostAlloc", call(d.lib.driver.memHostAlloc, address(&p), uintptr(max(bytes, 1)), hostPortable)); err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(pointer(p)), max(bytes, 1))[:bytes], nil
}

func (d *device) FreeHost(b []byte) error {
	p := unsafe.SliceData(b)
	if p == nil {
		return nil
	}
	return d.lib.check("cuMemFreeHost", call(d.lib.driver.memFreeHost, uintptr(unsafe.Pointer(p))))
}

// Close releases the context, which stays, and with the last device on it the
// libraries' handles. It is safe to call twice.
func (d *device) Close() error {
	if d.closed {
		return nil
	}
	d.closed = true
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	d.lib.registry.Lock()
	defer d.lib.registry.Unlock()
	d.lib.open = slices.DeleteFunc(d.lib.open, func(o *device) bool { return o == d })
	d.card.users--
	var err error
	if d.card.users == 0 {
		err = d.keepCurrent(d.destroyHandles)
	}
	return errors.Join(err, d.release())
}

func (d *device) destroyHandles() error {
	if d.lt == 0 && d.dnn == 0 {
		return nil
	}
	err := d.Bind()
	if d.dnn != 0 {
		err = errors.Join(err, d.lib.checkDNN("cudnnDestroy", call(d.lib.dnn.destroy, d.dnn)))
	}
	if d.lt != 0 {
		err = errors.Join(err, checkLt("cublasLtDestroy", call(d.lib.lt.destroy, d.lt)))
	}
	d.dnn, d.lt = 0, 0
	return err
}

func (d *device) release() error {
	return d.lib.check("cuDevicePrimaryCtxRelease", call(d.lib.driver.primaryRelease, uintptr(d.handle)))
}
