// Package gpu defines the interface between engine/cuda and a GPU: memory, queues of
// work, events, kernels, captured graphs, matrix products, convolutions, and exchange
// with other GPUs of a job.
//
// Package nvidia implements it on NVIDIA's driver, cuBLASLt, cuDNN and NCCL, found at
// run time. Package emulator implements it in host memory and runs the same kernels
// compiled for the host, so that everything above the driver is tested on machines
// without a GPU.
//
// Nothing here locks. The threads that call the methods of a Device, and of the
// objects that it made, have called Bind, and one thread at a time uses a Stream.
// Work on a Stream runs in order and asynchronously. As in CUDA, a later call reports
// failures of asynchronous work.
package gpu

import (
	"errors"
	"fmt"
	"time"
)

// Pointer is an address in device memory; 0 is none.
type Pointer uint64

// Add returns the address n bytes further on.
func (p Pointer) Add(n int64) Pointer { return p + Pointer(n) }

// Type is an element type in device memory.
type Type uint8

const (
	Float32 Type = iota
	BFloat16
)

// Size is the number of bytes of an element.
func (t Type) Size() int64 {
	if t == BFloat16 {
		return 2
	}
	return 4
}

// Math is the arithmetic of products and convolutions. Sums are always kept in
// float32.
type Math uint8

const (
	// FP32 multiplies float32 exactly, as in IEEE 754: no TF32.
	FP32 Math = iota
	// TF32 rounds float32 operands to 10 bits of mantissa for the tensor cores.
	TF32
	// BF16 multiplies bfloat16 operands on the tensor cores.
	BF16
)

// Description describes a device and its driver.
type Description struct {
	Index       int
	Name        string // "NVIDIA H200"
	Memory      int64  // bytes in all
	Major       int    // compute capability
	Minor       int
	Processors  int    // streaming multiprocessors
	Driver      string // newest CUDA version the driver runs, "13.0"
	Libraries   []Library
	PeerCapable []int // indices of devices whose memory it can reach directly
}

// Library is a library found at run time.
type Library struct {
	Name, Path, Version string
}

// MostPlans is the most ways to compute something that a device returns: as many as
// are worth timing.
const MostPlans = 8

// Device is one GPU.
type Device interface {
	Describe() Description
	// Bind makes the calling OS thread use this device. The caller has locked
	// the goroutine to its thread.
	Bind() error
	// Memory returns the number of bytes that are free now, and in all.
	Memory() (free, total int64, err error)
	// Allocate takes device memory, aligned to at least 256 bytes, with undefined
	// contents. The error wraps ErrOutOfMemory if there is not enough.
	Allocate(bytes int64) (Pointer, error)
	Free(Pointer) error
	// AllocateHost takes pinned (page-locked) host memory. Streams copy from and to
	// it without stopping the thread.
	AllocateHost(bytes int) ([]byte, error)
	FreeHost([]byte) error
	NewStream() (Stream, error)
	// NewEvent makes an event; only timed ones serve Since.
	NewEvent(timed bool) (Event, error)
	// Load loads a module of kernels. image is PTX text without a final zero.
	Load(image []byte) (Module, error)
	// Products returns ways to compute p within a workspace limit, the library's
	// first choice first: at least one, or an error that names p.
	Products(p Product, workspace int64) ([]ProductPlan, error)
	// Convolutions returns ways to compute c within a workspace limit, the library's
	// first choice first. With deterministic, their results repeat bit for bit. The
	// last ones compute groups one after the other. There is at least one, or an
	// error that names c.
	Convolutions(c Convolution, workspace int64, deterministic bool) ([]ConvolutionPlan, error)
	Joiner
	// Close releases the device. Everything made from it has been closed.
	Close() error
}

// Stream is an in-order queue of work.
type Stream interface {
	// CopyIn copies host memory to the device. src is pinned, and does not change
	// until the copy has run.
	CopyIn(dst Pointer, src []byte) error
	// CopyOut copies to pinned host memory.
	CopyOut(dst []byte, src Pointer) error
	// Copy copies within the device.
	Copy(dst, src Pointer, bytes int64) error
	// CopyFrom copies from another device, directly or through the host.
	CopyFrom(dst, src Pointer, from Device, bytes int64) error
	// Fill sets bytes.
	Fill(dst Pointer, value byte, bytes int64) error
	// Launch runs a kernel whose only parameter is a struct with the bytes
	// params, which may be reused when Launch returns.
	Launch(k Kernel, l Launch, params []byte) error
	// Record marks a point of this stream in e; Wait holds this stream until
	// the point that e marked last when Wait was called.
	Record(e Event) error
	Wait(e Event) error
	// Capture begins to collect work instead of running it; Captured ends that
	// and makes a graph of it.
	Capture() error
	Captured() (Graph, error)
	// Replay runs a graph.
	Replay(Graph) error
	// Synchronize waits until everything has run.
	Synchronize() error
	Close() error
}

// Launch is a kernel's geometry.
type Launch struct {
	Grid, Block [3]uint32
	Shared      uint32 // bytes of dynamic shared memory
}

// Event is a point in a stream's work.
type Event interface {
	Synchronize() error
	// Passed reports whether Synchronize would return at once.
	Passed() (bool, error)
	// Since is the time between two timed events that have both passed.
	Since(start Event) (time.Duration, error)
	Close() error
}

// Module holds kernels.
type Module interface {
	Kernel(name string) (Kernel, error)
	Close() error
}

// Kernel is a function of a module.
type Kernel interface{ Name() string }

// Graph is captured work.
type Graph interface{ Close() error }

// Product is a matrix product of row-major matrices without padding:
//
//	D[m,n] = Σ A[m,k]·B[k,n]  (+ Bias[n])
//
// A is stored K×M with TransposeA, B is stored N×K with TransposeB. Bias is float32
// if BiasType says so. There is no ReLU, because cuBLASLt's ReLU turns NaN into 0.
type Product struct {
	M, N, K                int
	TransposeA, TransposeB bool
	Input, Output          Type // of A and B; of D
	Math                   Math
	Bias                   bool
	BiasType               Type
	// Deterministic asks for plans whose results repeat bit for bit.
	Deterministic bool
}

func (p Product) String() string {
	return fmt.Sprintf("product %d×%d·%d", p.M, p.N, p.K)
}

// ProductPlan is one way to compute a Product.
type ProductPlan interface {
	Name() string
	Workspace() int64
	// Run enqueues the product. bias is 0 where the product has none.
	Run(s Stream, a, b, bias, d, workspace Pointer) error
	Close() error
}

// Direction is what a convolution computes.
type Direction uint8

const (
	// Forward computes Y from X and W, with bias and ReLU if Bias and ReLU are set.
	Forward Direction = iota
	// BackwardData computes DX from W and DY.
	BackwardData
	// BackwardWeights computes DW from X and DY.
	BackwardWeights
)

func (d Direction) String() string {
	return [...]string{"forward", "backward data", "backward weights"}[d]
}

// Convolution is a grouped cross-correlation on channels-last memory: X
// (N, H, W, C), W (K, Size, Size, C/Groups), Y (N, H', W', K), bias (K).
type Convolution struct {
	Direction         Direction
	N, C, H, W, K     int
	Size, Stride, Pad int
	Groups            int
	// XChannels and YChannels are the distances in channels from one pixel of X and Y
	// to the next, at least C and K. They are larger for a convolution on a slice of
	// wider pixels.
	XChannels, YChannels int
	Type                 Type // X, W, Y and their gradients but DW
	WeightGradient       Type // DW
	Math                 Math
	Bias, ReLU           bool // Forward only; the bias is of type BiasType
	BiasType             Type
}

// Out returns the height and width of Y.
func (c Convolution) Out() (h, w int) {
	return (c.H+2*c.Pad-c.Size)/c.Stride + 1, (c.W+2*c.Pad-c.Size)/c.Stride + 1
}

func (c Convolution) String() string {
	return fmt.Sprintf("convolution %v of %d×%d×%d×%d, %d maps of %d×%d, stride %d, padding %d, %d groups",
		c.Direction, c.N, c.C, c.H, c.W, c.K, c.Size, c.Size, c.Stride, c.Pad, c.Groups)
}

// ConvolutionPlan is one way to compute a Convolution.
type ConvolutionPlan interface {
	Name() string
	Workspace() int64
	// Run enqueues the convolution. x, w and y are X, W, Y, or their gradients, as
	// Direction reads and writes them. bias is 0 if there is none.
	Run(s Stream, x, w, bias, y, workspace Pointer) error
	Close() error
}

// Errors that callers tell apart with errors.Is.
var (
	ErrOutOfMemory = errors.New("out of device memory")
	ErrLost        = errors.New("the device is lost")
	ErrUnsupported = errors.New("not supported")
)

// CallError is a failed call of a library.
type CallError struct {
	Call string // "cuMemAlloc"
	Code int
	Text string // the library's own words
	Kind error  // one of the errors above, or nil
}

func (e *CallError) Error() string { return fmt.Sprintf("%s: %s (%d)", e.Call, e.Text, e.Code) }

// Unwrap returns the kind.
func (e *CallError) Unwrap() error { return e.Kind }
