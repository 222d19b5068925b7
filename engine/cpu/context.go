package cpu

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"alexnet/engine"
	"alexnet/engine/cpu/internal/kernel"
)

// Options configure a context. The zero value uses every processor and the fastest
// kernels that the machine can run.
type Options struct {
	// Threads is the number of goroutines that compute, 0 for GOMAXPROCS.
	// Results don't depend on it.
	Threads int
	// Kernels names a set of kernels (see Kernels); "" is the fastest that the
	// machine can run. The results of two sets differ in their last bits.
	Kernels string
	// Precision is the arithmetic: "fp32" or "" (the same), or "bf16". With "bf16"
	// activations, their gradients and the factors of products are bfloat16; sums,
	// master weights, momentum, gradients of weights and losses stay float32. It needs
	// a processor with AVX512_BF16, AMX or BF16 of arm64, or Kernels "portable".
	Precision string
}

// Context is an engine.Context on the machine's processors.
type Context struct {
	name    string
	kernels *kernel.Set // of float32
	narrow  *narrow     // nil unless it computes in bfloat16
	team    *team

	memory []byte    // arena and shared
	arena  []byte    // tensors
	shared []float32 // the common workspace of all workers
	step   engine.Step

	lastProgram *program                  // the last program that used the workspace
	versions    map[*engine.Tensor]uint64 // of weights, from 1; see constant

	reductions []reduction // in progress

	queue   chan command
	stopped chan struct{}
	closed  bool

	mu  sync.Mutex
	err error // first failure since the last Sync
}

// errClosed is returned by a context that has been closed.
var errClosed = errors.New("the context is closed")

// New makes a context that computes on opts.Threads goroutines. name appears in
// messages.
func New(name string, opts Options) (engine.Context, error) {
	if opts.Threads < 0 {
		return nil, fmt.Errorf("%s: %d threads, want 0 (all processors) or more", name, opts.Threads)
	}
	threads := opts.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	kernels, narrower, err := find(opts.Kernels, opts.Precision)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := &Context{
		name:     name,
		kernels:  kernels,
		team:     newTeam(threads, kernels),
		versions: map[*engine.Tensor]uint64{},
		queue:    make(chan command, queueLength),
		stopped:  make(chan struct{}),
	}
	if narrower != nil {
		c.narrow = &narrow{c, narrower}
	}
	go c.serve()
	return c, nil
}

// Name returns the name given to New.
func (c *Context) Name() string { return c.name }

// Bytes returns the memory of t: in float32, 4 bytes for a float or integer and 1 for
// a byte; with bfloat16, activations take 2.
func (c *Context) Bytes(t *engine.Tensor) int64 {
	if c.narrow != nil {
		return c.narrow.size(t)
	}
	return int64(t.Shape.Len()) * int64(t.Type.HostSize())
}

// Workspace returns the memory for packing and partial sums while ops run.
func (c *Context) Workspace(ops []engine.Op) int64 {
	var shared, scratch, kept int
	for i := range ops {
		// A malformed op takes no workspace; Compile returns its error.
		if engine.CheckOp(ops[i]) != nil {
			continue
		}
		if l, err := c.lower(ops, i); err == nil {
			shared, scratch = max(shared, l.shared), max(scratch, l.scratch)
			kept += l.kept()
		}
	}
	return 4 * int64(padFloats(shared)+kept+len(c.team.workers)*padFloats(scratch))
}

// padFloats rounds a number of floats up, so that the next data are aligned.
func padFloats(n int) int { return roundUp(n, engine.ArenaAlign/4) }

// Reserve takes the memory.
func (c *Context) Reserve(arena, workspace int64) error {
	switch {
	case c.closed:
		return fmt.Errorf("%s: reserve: %w", c.name, errClosed)
	case c.memory != nil:
		return fmt.Errorf("%s: memory has been reserved before", c.name)
	case arena < 0 || workspace < 0:
		return fmt.Errorf("%s: reserve %d bytes and %d bytes, want no negative size", c.name, arena, workspace)
	}
	tensors, work := padBytes(arena), padBytes(workspace)
	memory, err := allocate(tensors + work)
	if err != nil {
		return fmt.Errorf("%s: reserve: %w", c.name, err)
	}
	// Tensors and workspace are aligned relative to the start of the memory.
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(memory))) & (engine.ArenaAlign - 1)
	c.memory, memory = memory, memory[skip:]
	c.arena = memory[:arena:arena]
	c.shared = unsafe.Slice((*float32)(unsafe.Pointer(&memory[tensors])), workspace/4)
	return nil
}

// padBytes rounds a size up to the alignment. It adds space for the alignment itself and
// for the packing kernels, which read beyond the end of a run.
func padBytes(n int64) int64 {
	return (n+engine.ArenaAlign-1)/engine.ArenaAlign*engine.ArenaAlign + 2*engine.ArenaAlign
}

// placed returns an error for a tensor outside this context's arena.
func (c *Context) placed(t *engine.Tensor) error {
	if t == nil {
		return errors.New("no tensor")
	}
	if t.Context != engine.Context(c) {
		return fmt.Errorf("%v lives in another context", t)
	}
	size := c.Bytes(t)
	switch {
	case t.Offset < 0 || t.Offset%int64(t.Type.HostSize()) != 0 || size < 0 || t.Offset+size > int64(len(c.arena)):
		return fmt.Errorf("%v is at byte %d, outside the reserved %d bytes", t, t.Offset, len(c.arena))
	}
	return nil
}

// Close waits for the queue, ends the goroutines and frees the memory.
func (c *Context) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	close(c.queue)
	<-c.stopped
	c.team.close()
	memory := c.memory
	c.memory, c.arena, c.shared = nil, nil, nil
	for _, w := range c.team.workers {
		w.scratch = nil
	}
	return release(memory)
}

// floats returns the memory of a Working, Float32 or Master tensor of this context.
func (c *Context) floats(t *engine.Tensor) []float32 { return view[float32](c, t) }

// ints returns the memory of an Int32 tensor.
func (c *Context) ints(t *engine.Tensor) []int32 { return view[int32](c, t) }

// bytes returns the memory of a Byte or Argmax tensor.
func (c *Context) bytes(t *engine.Tensor) []byte { return view[byte](c, t) }

func view[T float32 | int32 | byte](c *Context, t *engine.Tensor) []T {
	n := t.Shape.Len()
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(c.arena[t.Offset:]))), n)
}

// owner returns the context of t, which may be a peer.
func owner(t *engine.Tensor) *Context { return t.Context.(*Context) }

func roundUp(n, to int) int { return (n + to - 1) / to * to }

func ceilDiv(a, b int) int { return (a + b - 1) / b }
