package cuda

import (
	"fmt"
	"time"

	"alexnet/engine/cuda/internal/gpu"
)

// Precision is the arithmetic of products and convolutions, and the type of
// activations. Sums, weights, momentum and losses are float32 in all of them.
type Precision uint8

const (
	// FP32 multiplies float32 exactly, as in IEEE 754.
	FP32 Precision = iota
	// TF32 keeps float32 in memory and multiplies its first 11 bits on the
	// tensor cores.
	TF32
	// BF16 keeps activations and a copy of the weights in bfloat16.
	BF16
)

var precisions = [...]string{FP32: "fp32", TF32: "tf32", BF16: "bf16"}

// ParsePrecision reads "fp32", "tf32" or "bf16".
func ParsePrecision(name string) (Precision, error) {
	for p, s := range precisions {
		if s == name {
			return Precision(p), nil
		}
	}
	return 0, fmt.Errorf("precision %q, want fp32, tf32 or bf16", name)
}

// String returns the precision's name as ParsePrecision reads it.
func (p Precision) String() string { return precisions[p] }

// math returns the arithmetic that products use.
func (p Precision) math() gpu.Math {
	return [...]gpu.Math{FP32: gpu.FP32, TF32: gpu.TF32, BF16: gpu.BF16}[p]
}

// working returns the type of activations.
func (p Precision) working() gpu.Type {
	if p == BF16 {
		return gpu.BFloat16
	}
	return gpu.Float32
}

// Options apply to all contexts that are opened together. The zero value
// computes in exact float32 with the fastest plans.
type Options struct {
	Precision Precision
	// Deterministic takes the library's first plan whose results repeat bit for bit.
	// Otherwise plans are timed, and another run may choose other plans.
	Deterministic bool
	// PlanWorkspace is the most memory in bytes that one product or convolution may
	// take besides its tensors. 0 means 256 MiB, and for a convolution the size of
	// its tensors on top: cuDNN's fast engines repack grouped convolutions, so that
	// any fixed limit stops them at some batch.
	PlanWorkspace int64
	// Separate runs every op by itself. Otherwise neighbours are fused.
	Separate bool
	// Eager enqueues every kernel again in each run. Otherwise a program is captured
	// as graphs when it runs for the second time.
	Eager bool
	// Note receives a line about each thing that a context does without: a graph that
	// cannot be captured, an engine that fails. Each context calls it from its own
	// goroutine. nil drops the lines.
	Note func(line string)
	// Wire is BF16 if gradients travel between ranks in bfloat16: half the bytes,
	// sums of rounded numbers. Otherwise they travel in float32. Activations always
	// travel unchanged.
	Wire Precision
	// RankTimeout is how long a rank waits for the others in one exchange,
	// while they may still compute or write; 0 means 10 minutes.
	RankTimeout time.Duration
}

func (o Options) rankTimeout() time.Duration {
	if o.RankTimeout > 0 {
		return o.RankTimeout
	}
	return 10 * time.Minute
}

// planWorkspace returns the limit for a convolution whose tensors take that many
// bytes; 0 stands for a product.
func (o Options) planWorkspace(tensors int64) int64 {
	if o.PlanWorkspace > 0 {
		return o.PlanWorkspace
	}
	return 256<<20 + tensors
}
