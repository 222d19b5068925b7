package nvidia

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"runtime"
	"sync/atomic"

	"alexnet/engine/cuda/internal/gpu"
)

// Options of the driver's PTX compiler (CUjit_option).
const (
	jitErrorLog      = 5 // CU_JIT_ERROR_LOG_BUFFER
	jitErrorLogBytes = 6 // CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES
)

// module is a CUmodule, loaded once for all devices on a card.
type module struct {
	device *device // of the first user; all users share its context
	handle uintptr
	hash   [sha256.Size]byte
	users  int // guarded by the card's lock
}

// Load compiles PTX for the device, or finds that it has been already. The error
// has the compiler's log, and says what driver the PTX needs where this one is
// too old for it.
func (d *device) Load(image []byte) (gpu.Module, error) {
	hash := sha256.Sum256(image)
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.modules[hash]
	if m == nil {
		var err error
		if m, err = d.compile(image); err != nil {
			return nil, err
		}
		m.hash = hash
		if d.modules == nil {
			d.modules = map[[sha256.Size]byte]*module{}
		}
		d.modules[hash] = m
	}
	m.users++
	return &loadedModule{module: m}, nil
}

// loadedModule is one use of a module.
type loadedModule struct {
	*module
	closed bool
}

// compile loads a module that isn't loaded.
func (d *device) compile(image []byte) (*module, error) {
	lib := d.lib
	m := &module{device: d}
	text := append(append(make([]byte, 0, len(image)+1), image...), 0)
	log := make([]byte, 8<<10)
	options := []int32{jitErrorLog, jitErrorLogBytes}
	values := []uintptr{start(log), uintptr(len(log))}
	result := int(int32(call(lib.driver.moduleLoad, address(&m.handle), start(text), uintptr(len(options)), start(options), start(values))))
	runtime.KeepAlive(text)
	runtime.KeepAlive(options)
	runtime.KeepAlive(values)
	if result == 0 {
		return m, nil
	}
	e := lib.failure("cuModuleLoadDataEx", result)
	if words := upToZero(log); words != "" {
		e.Text += ": " + words
	}
	if result == codeUnsupportedPTX {
		if v := ptxVersion.FindSubmatch(image); v != nil {
			e.Text += fmt.Sprintf(": the kernels are PTX %s, which a driver of CUDA %s or newer reads, and this driver runs CUDA %s: update the NVIDIA driver",
				v[1], cudaOfPTX(string(v[1])), cudaVersion(lib.version))
		}
	}
	return nil, e
}

var ptxVersion = regexp.MustCompile(`(?m)^\s*\.version\s+(\d+\.\d+)`)

// cudaOfPTX is the CUDA release whose driver first read a PTX version
// (https://docs.nvidia.com/cuda/parallel-thread-execution/#release-notes).
func cudaOfPTX(version string) string {
	known := map[string]string{
		"8.0": "12.0", "8.1": "12.1", "8.2": "12.2", "8.3": "12.3", "8.4": "12.4", "8.5": "12.5",
		"8.6": "12.7", "8.7": "12.8", "8.8": "12.9", "9.0": "13.0", "9.1": "13.1",
	}
	if release, ok := known[version]; ok {
		return release
	}
	return "that came with it"
}

func (m *module) Kernel(name string) (gpu.Kernel, error) {
	k := &kernel{module: m, name: name}
	k.shared.Store(sharedByDefault)
	text := terminated(name)
	err := m.device.lib.check("cuModuleGetFunction", call(m.device.lib.driver.moduleGetFunction, address(&k.handle), m.handle, start(text)))
	runtime.KeepAlive(text)
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", name, err)
	}
	return k, nil
}

// Close unloads the module with its last use. It is safe to call twice.
func (l *loadedModule) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	m, c := l.module, l.module.device.card
	c.mu.Lock()
	defer c.mu.Unlock()
	m.users--
	if m.users > 0 {
		return nil
	}
	delete(c.modules, m.hash)
	return m.device.lib.check("cuModuleUnload", call(m.device.lib.driver.moduleUnload, m.handle))
}

// kernel is a CUfunction.
type kernel struct {
	module *module
	handle uintptr
	name   string
	shared atomic.Uint32 // bytes of dynamic shared memory that it may take
}

func (k *kernel) Name() string { return k.name }

// allow raises the limit of dynamic shared memory, which is 48 KiB by default.
func (k *kernel) allow(shared uint32) error {
	if shared <= k.shared.Load() {
		return nil
	}
	lib := k.module.device.lib
	if err := lib.check("cuFuncSetAttribute", call(lib.driver.funcSetAttribute, k.handle, attributeMaxDynamic, uintptr(shared))); err != nil {
		return fmt.Errorf("kernel %s, %d bytes of shared memory: %w", k.name, shared, err)
	}
	k.shared.Store(shared)
	return nil
}
