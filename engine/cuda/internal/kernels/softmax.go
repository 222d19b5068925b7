package kernels

import (
	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// SoftmaxLoss is engine.SoftmaxLoss on X, T (N, K): Labels int32, Probs float32 (N,
// K), Loss float32, Rank int32, DX T (N, K) or 0. Smoothing moves that share of the
// target from the label evenly to all classes (0 for none), in Loss and DX. Halt is
// an int32 or 0. It becomes at least HaltLoss when a loss is not finite, and
// HaltLabel when a label is neither a class nor −1 (then Loss is NaN, Rank K and DX
// 0). Nothing sets it back.
type SoftmaxLoss struct {
	X, Labels, Probs, Loss, Rank, DX, Halt gpu.Pointer
	N, K                                   int32
	Scale, Smoothing                       float32
}

// Values of Halt.
const (
	HaltLoss  = 1
	HaltLabel = 2
)

// SoftmaxLoss enqueues the kernel: a block a row.
func (k *Set) SoftmaxLoss(s gpu.Stream, p SoftmaxLoss) error {
	return launch(k, s, "softmax_loss"+suffix(k.working), gpu.Launch{
		Grid:   [3]uint32{uint32(max(p.N, 0)), 1, 1},
		Block:  [3]uint32{blockThreads, 1, 1},
		Shared: blockThreads / 32 * 4,
	}, &p)
}

func (k *Set) lowerSoftmaxLoss(op engine.SoftmaxLoss, m Memory) Lowered {
	return Lowered{Run: func(s gpu.Stream) error {
		return k.SoftmaxLoss(s, SoftmaxLoss{
			X: m.At(op.X), Labels: m.At(op.Labels), Probs: m.At(op.Probs), Loss: m.At(op.Loss), Rank: m.At(op.LabelRank), DX: m.At(op.DX), Halt: m.At(op.Halt),
			N: int32(op.X.Shape[0]), K: int32(op.X.Shape[1]), Scale: op.Scale, Smoothing: op.Smoothing,
		})
	}}
}
