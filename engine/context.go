package engine

// Context is one device context: an arena of memory, an in-order queue of work, and
// the kernels that run on it. Two contexts run at the same time; only events order
// their work. A context is used from one goroutine at a time.
//
// The life of a context: PlanArena places the tensors of all its programs; Reserve
// takes the memory; Compile turns lists of ops into programs; then Upload,
// Program.Run, Download, Mark, Sync in any order; Close at the end.
type Context interface {
	// Name is the context's name as the user wrote it: "cpu", "cuda:0".
	Name() string

	// Bytes returns the number of bytes that t takes in the arena, with padding and
	// working copies.
	Bytes(t *Tensor) int64

	// Workspace returns the number of bytes that running ops takes besides their
	// tensors (packed matrices, partial sums). Programs of one context never run at
	// the same time, so the largest counts.
	Workspace(ops []Op) int64

	// Merged returns how many ops, from ops[i] on, run as one; 1 is the op alone. These
	// ops read and write at the same time, so none of their tensors may share memory
	// with another.
	Merged(ops []Op, i int) int

	// Room returns the memory that could be reserved now; Total is 0 if that is not
	// known.
	Room() (Room, error)

	// Estimate says that the context is only used for estimates from now on, until it
	// is closed.
	Estimate()

	// Reserve takes arena bytes for tensors and workspace bytes besides. It is called
	// once, before any other use. The arena's first contents are undefined.
	Reserve(arena, workspace int64) error

	// Compile prepares ops for repeated running; their tensors have been placed.
	// Where an op is malformed, or the context cannot run it, the error names the op
	// and the shapes. Compile may fuse neighbours.
	Compile(ops []Op) (Program, error)

	// Upload copies src into t, in order with the queue. src is []float32 for
	// Working and Float32, []int32 for Int32, []byte for Byte, and has exactly
	// t.Shape.Len() elements. The caller leaves src alone until a later Sync,
	// or Wait on a later Mark, has returned.
	Upload(t *Tensor, src any) error

	// Download enqueues a copy of t into dst (types as Upload), which is filled
	// when a later Sync, or Wait on a later Mark, has returned.
	Download(dst any, t *Tensor) error

	// Mark marks the end of the queue as it is now.
	Mark() Mark

	// NewEvent makes an event for Signal ops of this context; contexts of the
	// same kind can await it.
	NewEvent() Event

	// Sync waits until everything enqueued has run, and returns the first
	// failure since the last Sync.
	Sync() error

	// Close waits for the queue and frees everything. It is safe to call twice.
	Close() error
}

// Mark is a position in a context's queue.
type Mark interface {
	// Wait waits until everything enqueued before the mark has run, and returns
	// the first failure between the last Sync and the mark. Waiting again
	// returns the same.
	Wait() error
}

// PinnedMemory is implemented by contexts whose copies are faster from and to pinned
// (page-locked) host memory, and go through staging buffers elsewhere.
type PinnedMemory interface {
	// AllocateHost returns n bytes, aligned for any element, that last until
	// the context is closed.
	AllocateHost(n int) ([]byte, error)
	// Staging returns the number of bytes of staging buffers among workspace bytes; the
	// host has as many. workspace is the largest Workspace of the programs to come.
	Staging(workspace int64) int64
}

// Joiner is implemented by contexts that exchange their tensors with other ranks by
// themselves. The ops of op_ranks.go then stand in the program of the context that
// holds the tensors, and use only the rank's number and the number of ranks of their
// Group. For other contexts these ops all stand in the first context's programs.
type Joiner interface {
	// Join connects the context to the same context of every other rank, once, after
	// Compile and before the first Run. It returns when all ranks have joined.
	Join(by Group) error
}

// Program is a compiled list of ops.
type Program interface {
	// Run enqueues the ops and returns at once; failures surface at Sync and at
	// later marks.
	Run(Step) error
}

// Event orders work between contexts. The k-th Await that a context runs consumes
// the k-th Signal: it waits until the event's Signal op has run k times, whichever
// was enqueued first. Every awaiting context keeps a count of its own.
type Event interface {
	// Owner is the context that signals the event.
	Owner() Context
}

// Step holds the numbers that change from one run to the next.
type Step struct {
	// Seed and Number choose the dropout masks (see DropoutKey).
	Seed, Number uint64
	// Image is the index of the run's first image in the whole batch of the
	// step, which may be cut over runs and ranks: masks don't depend on the cut.
	Image uint64
	// LearningRate is ε of the update rule, before a parameter's own factor.
	LearningRate float32
	// Momentum is the factor on the previous update, 0.9 in the paper.
	Momentum float32
}
