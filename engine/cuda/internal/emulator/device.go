package emulator

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

// Device is an emulated gpu.Device.
type Device struct {
	machine *Machine
	index   int

	mu        sync.Mutex
	bound     map[int]bool // threads
	capturing map[int]bool // threads
	memory    map[gpu.Pointer]*block
	host      map[*byte]*block
	used      int64
	failure   error // of asynchronous work; permanent, as on a GPU
}

func newDevice(m *Machine, index int) *Device {
	return &Device{
		machine: m, index: index,
		bound: map[int]bool{}, capturing: map[int]bool{},
		memory: map[gpu.Pointer]*block{}, host: map[*byte]*block{},
	}
}

// begin opens every call: it checks the thread and earlier failures.
func (d *Device) begin(call, detail string) error {
	if err := d.machine.called(call, detail); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.bound[thread()] {
		return callError(call, 201, nil, "the thread has not called Bind on device %d", d.index)
	}
	return d.failure
}

// idle is begin for calls that a thread may not make while it captures.
func (d *Device) idle(call, detail string) error {
	if err := d.begin(call, detail); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.capturing[thread()] {
		return callError(call, 900, nil, "the thread is capturing")
	}
	return nil
}

// Lose fails everything from now on, as a card that fell off the bus does.
func (d *Device) Lose() {
	d.fail(callError("cuStreamSynchronize", 719, gpu.ErrLost, "unspecified launch failure (emulated)"))
}

func (d *Device) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failure == nil {
		d.failure = err
	}
}

func (d *Device) failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failure
}

// Describe names the device "Emulated GPU".
func (d *Device) Describe() gpu.Description {
	return gpu.Description{
		Index: d.index, Name: "Emulated GPU", Memory: d.machine.options.Memory, Major: 8, Processors: 4, Driver: "12.4",
		Libraries: []gpu.Library{{Name: "emulator", Path: "in this process", Version: "1"}},
	}
}

// Bind notes the calling thread.
func (d *Device) Bind() error {
	if err := d.machine.called("cuCtxSetCurrent", ""); err != nil {
		return err
	}
	tid := thread()
	for _, other := range d.machine.devices { // one lock at a time, because other devices bind, too
		other.mu.Lock()
		delete(other.bound, tid)
		other.mu.Unlock()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bound[tid] = true
	return d.failure
}

// Memory returns the memory of Options, less what is allocated.
func (d *Device) Memory() (free, total int64, err error) {
	if err := d.begin("cuMemGetInfo", ""); err != nil {
		return 0, 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.machine.options.Memory - d.used, d.machine.options.Memory, nil
}

// block is an allocation between two guards.
type block struct {
	mapping []byte
	data    []byte
	number  int // of page-locked memory: the number of such blocks before it
}

const (
	guard  = 4096
	poison = 0xff // a NaN in every float type
	fence  = 0x5c
)

func newBlock(bytes int, fill byte) (*block, error) {
	mapping, err := reserve(bytes + 2*guard)
	if err != nil {
		return nil, err
	}
	b := &block{mapping: mapping, data: mapping[guard : guard+bytes : guard+bytes]}
	for i := range guard {
		mapping[i], mapping[guard+bytes+i] = fence, fence
	}
	if fill != 0 {
		for i := range b.data {
			b.data[i] = fill
		}
	}
	return b, nil
}

// close unmaps the block and reports writes beside it.
func (b *block) close() error {
	var err error
	for i := range guard {
		if b.mapping[i] != fence {
			err = fmt.Errorf("%d bytes before an allocation of %d were written", guard-i, len(b.data))
		}
		if b.mapping[guard+len(b.data)+i] != fence {
			err = fmt.Errorf("%d bytes behind an allocation of %d were written", i, len(b.data))
		}
	}
	if e := release(b.mapping); err == nil {
		err = e
	}
	return err
}

// Allocate takes memory full of NaNs.
func (d *Device) Allocate(bytes int64) (gpu.Pointer, error) {
	const call = "cuMemAlloc"
	if err := d.idle(call, fmt.Sprintf(" of %d bytes", bytes)); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if bytes <= 0 {
		return 0, callError(call, 1, nil, "%d bytes", bytes)
	}
	if d.used+bytes > d.machine.options.Memory {
		return 0, callError(call, 2, gpu.ErrOutOfMemory, "out of memory")
	}
	b, err := newBlock(int(bytes), poison)
	if err != nil {
		return 0, callError(call, 2, gpu.ErrOutOfMemory, "%v", err)
	}
	p := gpu.Pointer(uintptr(unsafe.Pointer(unsafe.SliceData(b.data))))
	d.memory[p] = b
	d.used += bytes
	d.machine.made("device memory", 1)
	return p, nil
}

// Free gives memory back.
func (d *Device) Free(p gpu.Pointer) error {
	const call = "cuMemFree"
	if err := d.machine.called(call, ""); err != nil {
		return err
	}
	d.mu.Lock()
	b := d.memory[p]
	delete(d.memory, p)
	if b != nil {
		d.used -= int64(len(b.data))
	}
	d.mu.Unlock()
	if b == nil {
		return callError(call, 1, nil, "%#x is no allocation", uint64(p))
	}
	d.machine.made("device memory", -1)
	if err := b.close(); err != nil {
		d.machine.misuse("%v", err)
	}
	return nil
}

// AllocateHost takes host memory that copies accept.
func (d *Device) AllocateHost(bytes int) ([]byte, error) {
	const call = "cuMemHostAlloc"
	if err := d.idle(call, fmt.Sprintf(" of %d bytes", bytes)); err != nil {
		return nil, err
	}
	if bytes <= 0 {
		return nil, callError(call, 1, nil, "%d bytes", bytes)
	}
	b, err := newBlock(bytes, 0)
	if err != nil {
		return nil, callError(call, 2, gpu.ErrOutOfMemory, "%v", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	b.number = d.machine.Count(call)
	d.host[unsafe.SliceData(b.data)] = b
	d.machine.made("host memory", 1)
	return b.data, nil
}

// FreeHost gives it back.
func (d *Device) FreeHost(p []byte) error {
	const call = "cuMemFreeHost"
	if err := d.machine.called(call, ""); err != nil {
		return err
	}
	d.mu.Lock()
	b := d.host[unsafe.SliceData(p)]
	delete(d.host, unsafe.SliceData(p))
	d.mu.Unlock()
	if b == nil {
		return callError(call, 1, nil, "not allocated by AllocateHost")
	}
	d.machine.made("host memory", -1)
	if err := b.close(); err != nil {
		d.machine.misuse("%v", err)
	}
	return nil
}

// locked returns the number of the AllocateHost, of any device, whose memory holds p; 0
// if there is none.
func (m *Machine) locked(p []byte) int {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(p)))
	for _, d := range m.devices {
		d.mu.Lock()
		for start, b := range d.host {
			if s := uintptr(unsafe.Pointer(start)); at >= s && at+uintptr(len(p)) <= s+uintptr(len(b.data)) {
				d.mu.Unlock()
				return b.number
			}
		}
		d.mu.Unlock()
	}
	return 0
}

// contains reports whether a range lies in one allocation of this device.
func (d *Device) contains(p gpu.Pointer, bytes int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for start, b := range d.memory {
		if p >= start && p.Add(bytes) <= start.Add(int64(len(b.data))) {
			return true
		}
	}
	return false
}

// view is device memory as a slice; the caller has checked the range. Go 1.26.8's
// compiler crashes if it inlines view before a copy.
//
//go:noinline
func view[T any](p gpu.Pointer, n int) []T {
	return unsafe.Slice(*(**T)(unsafe.Pointer(&p)), n)
}

// module is a loaded PTX image.
type module struct {
	device *Device
	names  map[string]bool
}

type kernel string

func (k kernel) Name() string { return string(k) }

var entry = regexp.MustCompile(`\.entry\s+(\w+)`)

// Load reads the names of the kernels in a PTX image; what runs are the
// launcher's kernels of the same names.
func (d *Device) Load(image []byte) (gpu.Module, error) {
	const call = "cuModuleLoadDataEx"
	if err := d.idle(call, ""); err != nil {
		return nil, err
	}
	text := string(image)
	if !strings.Contains(text, ".version") {
		return nil, callError(call, 218, nil, "the image is no PTX text")
	}
	m := &module{device: d, names: map[string]bool{}}
	for _, match := range entry.FindAllStringSubmatch(text, -1) {
		m.names[match[1]] = true
	}
	d.machine.made("module", 1)
	return m, nil
}

func (m *module) Kernel(name string) (gpu.Kernel, error) {
	if !m.names[name] {
		return nil, callError("cuModuleGetFunction", 500, nil, "named symbol not found: %s", name)
	}
	return kernel(name), nil
}

func (m *module) Close() error {
	m.device.machine.made("module", -1)
	return m.device.machine.called("cuModuleUnload", "")
}

// Close does nothing: the machine is shared.
func (d *Device) Close() error { return d.machine.called("cuDevicePrimaryCtxRelease", "") }
