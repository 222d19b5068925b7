package kernels

import (
	"errors"
	"fmt"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

// Set is the kernels of one working type, loaded on a device. Like the device's
// streams it is used by threads that have called Bind, one at a time.
type Set struct {
	working gpu.Type
	module  gpu.Module
	kernels map[string]gpu.Kernel
	params  [512]byte // of the current launch
}

// Load loads the kernels on a device.
func Load(dev gpu.Device, working gpu.Type) (*Set, error) {
	module, err := dev.Load(PTX())
	if err != nil {
		return nil, fmt.Errorf("loading the kernels (%s): %w", Compiler(), err)
	}
	k := &Set{working: working, module: module, kernels: map[string]gpu.Kernel{}}
	for _, name := range Names() {
		kernel, err := module.Kernel(name)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("kernel %s: %w", name, err), module.Close())
		}
		k.kernels[name] = kernel
	}
	return k, nil
}

// Close unloads the kernels. Nothing that was launched is still running.
func (k *Set) Close() error { return k.module.Close() }

// StepParams are the numbers that change from step to step, at an address in
// device memory, so that captured launches stay valid.
type StepParams struct {
	Seed, Number, Image    uint64 // choose the dropout masks: engine.Step
	LearningRate, Momentum float32
}

// Bytes is p as it lies in device memory.
func (p *StepParams) Bytes() []byte { return bytesOf(p) }

// bytesOf is the memory of a struct.
func bytesOf[P any](p *P) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p))
}

// launch runs a kernel. An empty grid does nothing.
func launch[P any](k *Set, s gpu.Stream, name string, l gpu.Launch, p *P) error {
	return k.launch(s, name, l, bytesOf(p))
}

// launch copies params first, so that they needn't be on the heap.
func (k *Set) launch(s gpu.Stream, name string, l gpu.Launch, params []byte) error {
	kernel, ok := k.kernels[name]
	if !ok {
		return fmt.Errorf("no kernel %q", name)
	}
	if l.Grid[0] == 0 || l.Grid[1] == 0 || l.Grid[2] == 0 {
		return nil
	}
	if l.Grid[0] > 1<<31-1 || l.Grid[1] > 65535 || l.Grid[2] > 65535 || l.Shared > maxShared {
		return fmt.Errorf("%s: a grid of %v with %d bytes of shared memory is more than a device takes", name, l.Grid, l.Shared)
	}
	n := copy(k.params[:], params)
	return s.Launch(kernel, l, k.params[:n])
}

const (
	blockThreads = 256      // of nearly every kernel
	maxShared    = 48 << 10 // most bytes of a block by default
)

// suffix returns the end of the names of kernels for a type.
func suffix(t gpu.Type) string {
	if t == gpu.BFloat16 {
		return "_bf16"
	}
	return "_f32"
}

// width is the number of elements of type t in 16 bytes.
func width(t gpu.Type) int32 { return int32(16 / t.Size()) }

// variant chooses between the kernel that moves 16 bytes at a time and the one for any
// number of channels. The first needs every count to be a multiple of the vector.
func (k *Set) variant(name string, counts ...int32) (full string, vector int32) {
	vector = width(k.working)
	for _, c := range counts {
		if c%vector != 0 {
			return name + suffix(k.working) + "_any", 1
		}
	}
	return name + suffix(k.working), vector
}

// rowGrid has one thread for each vector of every row: threads run along the channels
// first, then over rows, so that a block's memory is contiguous.
func rowGrid(rows, vectors int32) gpu.Launch {
	x := min(vectors, blockThreads)
	y := max(1, blockThreads/max(x, 1))
	return gpu.Launch{
		Grid:  [3]uint32{blocks(rows, y), blocks(vectors, x), 1},
		Block: [3]uint32{uint32(x), uint32(y), 1},
	}
}

// flatGrid has one thread for each of count items.
func flatGrid(count int64) gpu.Launch {
	return gpu.Launch{
		Grid:  [3]uint32{blocks(count, blockThreads), 1, 1},
		Block: [3]uint32{blockThreads, 1, 1},
	}
}

// blocks is count/each, rounded up.
func blocks[I int32 | int64](count, each I) uint32 {
	if count <= 0 {
		return 0
	}
	return uint32((count + each - 1) / each)
}
