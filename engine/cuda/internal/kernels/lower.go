package kernels

import (
	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// Memory tells where the tensors of an op lie in device memory when the op runs.
type Memory struct {
	At      func(*engine.Tensor) gpu.Pointer // 0 for nil
	Operand func(*engine.Tensor) gpu.Pointer // of a parameter's values in the working type
	Work    func() gpu.Pointer               // of Lowered.Work bytes
	Step    func(allRanks bool) gpu.Pointer  // of the StepParams
}

// Lowered is an op as launches of kernels.
type Lowered struct {
	Run      func(gpu.Stream) error
	Work     int64 // bytes of workspace
	Stepped  bool  // reads StepParams
	AllRanks bool  // those of ops on the images of all ranks
}

// Lower translates an op that has been checked and that these kernels compute alone.
// For other ops ok is false.
func (k *Set) Lower(op engine.Op, m Memory) (l Lowered, ok bool) {
	switch op := op.(type) {
	case engine.Input:
		return k.lowerInput(op, m), true
	case engine.Activate:
		return k.lowerActivate(op, m), true
	case engine.ActivateBackward:
		return k.lowerActivateBackward(op, m), true
	case engine.LRNForward:
		return k.lowerLRNForward(op, m), true
	case engine.LRNBackward:
		return k.lowerLRNBackward(op, m), true
	case engine.MaxPoolForward:
		return k.lowerMaxPoolForward(op, m), true
	case engine.MaxPoolBackward:
		return k.lowerMaxPoolBackward(op, m), true
	case engine.AvgPoolForward:
		return k.lowerAvgPoolForward(op, m), true
	case engine.AvgPoolBackward:
		return k.lowerAvgPoolBackward(op, m), true
	case engine.LocalForward:
		return k.lowerLocalForward(op, m), true
	case engine.LocalBackward:
		return k.lowerLocalBackward(op, m), true
	case engine.Dropout:
		return k.lowerDropout(op, m), true
	case engine.SoftmaxLoss:
		return k.lowerSoftmaxLoss(op, m), true
	case engine.Accumulate:
		return k.lowerAccumulate(op, m), true
	}
	return Lowered{}, false
}

// Flag returns b as kernels take it, 0 or 1.
func Flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}
