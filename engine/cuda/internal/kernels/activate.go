package kernels

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// Function is an element-wise function.
type Function int32

const (
	None Function = iota // x
	ReLU                 // max(x, 0); NaN stays NaN
	Tanh
)

func (f Function) validate() error {
	if f < None || f > Tanh {
		return fmt.Errorf("activation function %d is unknown", f)
	}
	return nil
}

// FunctionOf returns f as kernels take it.
func FunctionOf(f engine.Function) Function {
	return [...]Function{engine.ReLU: ReLU, engine.Tanh: Tanh}[f]
}

// BiasActivate is Y[row,c] = T(f(X[row,c] + Bias[c])), with Bias float32 (C). Y
// may be X.
type BiasActivate struct {
	X, Bias, Y gpu.Pointer
	Rows, C    int32
	Function   Function
}

// BiasActivate enqueues the kernel.
func (k *Set) BiasActivate(s gpu.Stream, p BiasActivate) error {
	if err := p.Function.validate(); err != nil {
		return err
	}
	name, vector := k.variant("bias_activate", p.C)
	return launch(k, s, name, rowGrid(p.Rows, p.C/vector), &p)
}

// Activate is Y[i] = T(f(X[i])) for Count elements. Y may be X.
type Activate struct {
	X, Y     gpu.Pointer
	Count    int64
	Function Function
}

// Activate enqueues the kernel.
func (k *Set) Activate(s gpu.Stream, p Activate) error {
	if err := p.Function.validate(); err != nil {
		return err
	}
	return launch(k, s, "activate"+suffix(k.working), k.vectorGrid(p.Count), &p)
}

func (k *Set) lowerActivate(op engine.Activate, m Memory) Lowered {
	return Lowered{Run: func(s gpu.Stream) error {
		return k.Activate(s, Activate{X: m.At(op.X), Y: m.At(op.Y), Count: int64(op.X.Shape.Len()), Function: FunctionOf(op.Function)})
	}}
}

// ActivateBackward is DX[i] = T(DY[i] · f′), with f′ from the output Y: for ReLU
// 1 where Y > 0, else 0; for Tanh 1 − Y². DX may be DY.
type ActivateBackward struct {
	Y, DY, DX gpu.Pointer
	Count     int64
	Function  Function
}

// ActivateBackward enqueues the kernel.
func (k *Set) ActivateBackward(s gpu.Stream, p ActivateBackward) error {
	if err := p.Function.validate(); err != nil {
		return err
	}
	return launch(k, s, "activate_backward"+suffix(k.working), k.vectorGrid(p.Count), &p)
}

func (k *Set) lowerActivateBackward(op engine.ActivateBackward, m Memory) Lowered {
	return Lowered{Run: func(s gpu.Stream) error {
		return k.ActivateBackward(s, ActivateBackward{
			Y: m.At(op.Y), DY: m.At(op.DY), DX: m.At(op.DX), Count: int64(op.Y.Shape.Len()), Function: FunctionOf(op.Function),
		})
	}}
}

// vectorGrid assigns a thread to every 16 bytes of count elements of T. The last one
// may have fewer.
func (k *Set) vectorGrid(count int64) gpu.Launch {
	vector := int64(width(k.working))
	return flatGrid((count + vector - 1) / vector)
}
