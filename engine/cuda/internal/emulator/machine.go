package emulator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"alexnet/engine/cuda/internal/gpu"
)

// Launcher runs a kernel on host memory and returns when it has finished.
type Launcher interface {
	Launch(name string, grid, block [3]uint32, shared uint32, params []byte) error
}

// Options describe the emulated machine.
type Options struct {
	Devices int   // 0 means 1
	Memory  int64 // bytes of each device; 0 means 4 GiB
	Kernels Launcher
	// Delay is the longest random pause before a stream's work, which shakes
	// up the order between streams.
	Delay time.Duration
	// Fail is asked before every call, with the driver's name for it and how
	// often it has been made; an error fails the call. Calls of streams' work
	// ("kernel lrn_forward_f32") fail when they run, as on a GPU.
	Fail func(call string, count int) error
}

// Machine holds some emulated devices.
type Machine struct {
	options Options
	devices []*Device

	mu     sync.Mutex
	counts map[string]int
	log    []string
	alive  map[string]int // objects that are not closed yet, by kind
	jobs   map[string]*job
	broken []string // misuse that no call could return
	random *rand.Rand
}

// New makes a machine.
func New(o Options) *Machine {
	if o.Devices == 0 {
		o.Devices = 1
	}
	if o.Memory == 0 {
		o.Memory = 4 << 30
	}
	m := &Machine{options: o, counts: map[string]int{}, alive: map[string]int{}, jobs: map[string]*job{}, random: rand.New(rand.NewPCG(1, 2))}
	for i := range o.Devices {
		m.devices = append(m.devices, newDevice(m, i))
	}
	return m
}

// Device is the i-th device.
func (m *Machine) Device(i int) *Device { return m.devices[i] }

// Log is the calls made so far, in order.
func (m *Machine) Log() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.log)
}

// Count returns how often a call has been made.
func (m *Machine) Count(call string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts[call]
}

// Check returns an error when something made hasn't been closed, or memory was
// written outside its allocation.
func (m *Machine) Check() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for kind, n := range m.alive {
		if n != 0 {
			return fmt.Errorf("%d × %s not closed", n, kind)
		}
	}
	if len(m.broken) > 0 {
		return fmt.Errorf("%s", m.broken[0])
	}
	return nil
}

// called logs a call and returns an error if it is to fail.
func (m *Machine) called(call, detail string) error {
	m.mu.Lock()
	m.counts[call]++
	n := m.counts[call]
	m.log = append(m.log, call+detail)
	if len(m.log) > 1<<16 { // a long run; the latest half is enough
		m.log = append(m.log[:0], m.log[1<<15:]...)
	}
	m.mu.Unlock()
	if m.options.Fail != nil {
		return m.options.Fail(call, n)
	}
	return nil
}

func (m *Machine) made(kind string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alive[kind] += n
}

func (m *Machine) misuse(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = append(m.broken, fmt.Sprintf(format, args...))
}

func (m *Machine) pause() {
	if m.options.Delay == 0 {
		return
	}
	m.mu.Lock()
	d := time.Duration(m.random.Int64N(int64(m.options.Delay)))
	m.mu.Unlock()
	time.Sleep(d)
}

func callError(call string, code int, kind error, format string, args ...any) error {
	return &gpu.CallError{Call: call, Code: code, Text: fmt.Sprintf(format, args...), Kind: kind}
}
