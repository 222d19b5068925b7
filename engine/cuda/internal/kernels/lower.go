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

// lowerings is the table of ops that these kernels compute alone, a row for each kind of
// layer or piece of work.
var lowerings = [][]lowering{
	{by((*Set).lowerInput)},
	{by((*Set).lowerActivate), by((*Set).lowerActivateBackward)},
	{by((*Set).lowerLRNForward), by((*Set).lowerLRNBackward)},
	{by((*Set).lowerMaxPoolForward), by((*Set).lowerMaxPoolBackward)},
	{by((*Set).lowerAvgPoolForward), by((*Set).lowerAvgPoolBackward)},
	{by((*Set).lowerLocalForward), by((*Set).lowerLocalBackward)},
	{by((*Set).lowerDropout)},
	{by((*Set).lowerSoftmaxLoss)},
	{by((*Set).lowerAccumulate)},
}

// A lowering translates ops of one type; ok is false for others.
type lowering func(k *Set, op engine.Op, m Memory) (l Lowered, ok bool)

func by[O engine.Op](lower func(*Set, O, Memory) Lowered) lowering {
	return func(k *Set, op engine.Op, m Memory) (l Lowered, ok bool) {
		o, ok := op.(O)
		if ok {
			l = lower(k, o, m)
		}
		return l, ok
	}
}

// Lower translates an op that has been checked and that these kernels compute alone.
// For other ops ok is false.
func (k *Set) Lower(op engine.Op, m Memory) (l Lowered, ok bool) {
	for _, row := range lowerings {
		for _, lower := range row {
			if l, ok = lower(k, op, m); ok {
				return l, true
			}
		}
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
