package kernels

import (
	"errors"
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// Local holds the tensors and the geometry of a locally connected layer: X (N, H, W,
// Groups·In), Weights (Groups·Out·OutH·OutW, Size, Size, In), Bias
// (Groups·Out·OutH·OutW) in float32, Y (N, OutH, OutW, Groups·Out).
type Local struct {
	X, Weights, Bias, Y gpu.Pointer
	N, H, W             int32
	OutH, OutW          int32
	Groups, In, Out     int32
	Window              Window
}

// localSide is the side of a block's tile.
const localSide = 16

// LocalForward computes Y. Weights are in the working type.
func (k *Set) LocalForward(s gpu.Stream, p Local) error {
	return k.local(s, "local_forward", p, p.OutH*p.OutW, p.N, p.Out)
}

// LocalWeights writes the gradients of Weights and of Bias, in float32, to their
// places. It reads X and the gradient at Y.
func (k *Set) LocalWeights(s gpu.Stream, p Local) error {
	return k.local(s, "local_weights", p, p.OutH*p.OutW, p.Out, p.In*p.Window.Size*p.Window.Size)
}

// LocalData writes the gradient of X to its place. It reads Weights, in the working
// type, and the gradient at Y.
func (k *Set) LocalData(s gpu.Stream, p Local) error {
	return k.local(s, "local_data", p, p.H*p.W, p.N, p.In)
}

// local launches a block for each tile of the rows × columns products of every
// position and group.
func (k *Set) local(s gpu.Stream, name string, p Local, sites, rows, columns int32) error {
	if p.Groups < 1 || p.In < 1 || p.Out < 1 {
		return fmt.Errorf("%s: %d groups of %d to %d maps", name, p.Groups, p.In, p.Out)
	}
	if err := p.Window.validate(p.H, p.W, p.OutH, p.OutW); err != nil {
		return err
	}
	return launch(k, s, name+suffix(k.working), gpu.Launch{
		Grid:   [3]uint32{uint32(sites) * uint32(p.Groups), blocks(rows, localSide), blocks(columns, localSide)},
		Block:  [3]uint32{localSide * localSide, 1, 1},
		Shared: 2 * localSide * (localSide + 1) * 4,
	}, &p)
}

// localOf returns the geometry of a locally connected layer of x into y.
func localOf(w engine.Window, groups int, x, y engine.Shape) Local {
	return Local{
		N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), OutH: int32(y[2]), OutW: int32(y[3]),
		Groups: int32(groups), In: int32(x[1] / groups), Out: int32(y[1] / groups), Window: windowOf(w),
	}
}

func (k *Set) lowerLocalForward(op engine.LocalForward, m Memory) Lowered {
	p := localOf(op.Window, op.Groups, op.X.Shape, op.Y.Shape)
	return Lowered{Run: func(s gpu.Stream) error {
		p := p
		p.X, p.Weights, p.Bias, p.Y = m.At(op.X), m.Operand(op.W), m.At(op.B), m.At(op.Y)
		return k.LocalForward(s, p)
	}}
}

func (k *Set) lowerLocalBackward(op engine.LocalBackward, m Memory) Lowered {
	p := localOf(op.Window, op.Groups, op.X.Shape, op.DY.Shape)
	return Lowered{Run: func(s gpu.Stream) error {
		p := p
		p.X, p.Weights, p.Bias, p.Y = m.At(op.X), m.At(op.DW), m.At(op.DB), m.At(op.DY)
		err := k.LocalWeights(s, p)
		if op.DX == nil {
			return err
		}
		p.X, p.Weights, p.Bias = m.At(op.DX), m.Operand(op.W), 0
		return errors.Join(err, k.LocalData(s, p))
	}}
}
