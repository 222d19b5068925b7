package cuda

import (
	"errors"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

// convolutionOf returns the geometry of a convolution for the library.
func (c *Context) convolutionOf(d gpu.Direction, w engine.Window, groups int, x, y engine.Shape) gpu.Convolution {
	return gpu.Convolution{
		Direction: d, N: x[0], C: x[1], H: x[2], W: x[3], K: y[1],
		Size: w.Size, Stride: w.Stride, Pad: w.Pad, Groups: groups,
		XChannels: x[1], YChannels: y[1],
		Type: c.working, WeightGradient: gpu.Float32, BiasType: gpu.Float32, Math: c.options.Precision.math(),
	}
}

// folding describes a strided convolution on few channels as a dense one on more
// channels, which is faster on tensor cores (see kernels/fold.go): conv1 becomes 3×3
// on 48 channels.
type folding struct {
	c       *Context
	from    gpu.Convolution
	to      gpu.Convolution
	weights int64         // bytes of the folded input: where the folded weights begin in the workspace
	rest    int64         // where the rest of the workspace begins
	bytes   *engine.Input // the op that makes the input, which is folded directly; nil if the input exists
}

// foldBelow is the number of channels below which a strided convolution is folded: eight
// bfloat16 fill a load of 16 bytes.
const foldBelow = 8

// fold folds q; ok is false if that does not help.
func (c *Context) fold(q gpu.Convolution) (f folding, ok bool) {
	if q.Groups != 1 || q.Stride == 1 || q.C >= foldBelow {
		return f, false
	}
	size, stride, pad := int32(q.Size), int32(q.Stride), int32(q.Pad)
	f = folding{c: c, from: q, to: q}
	f.to.C *= q.Stride * q.Stride
	f.to.XChannels = f.to.C
	f.to.H = int(kernels.FoldedInput(int32(q.H), size, stride, pad))
	f.to.W = int(kernels.FoldedInput(int32(q.W), size, stride, pad))
	f.to.Size, f.to.Stride, f.to.Pad = int(kernels.FoldedWindow(size, stride)), 1, 0
	f.weights = align(int64(q.N*f.to.H*f.to.W*f.to.C) * c.working.Size())
	// Space for the gradient, too, which may be float32.
	f.rest = align(f.weights + 4*int64(q.K*f.to.Size*f.to.Size*f.to.C))
	return f, true
}

// input folds x to the beginning of the workspace.
func (f *folding) input(s gpu.Stream, x gpu.Pointer) error {
	if in := f.bytes; in != nil {
		return f.c.kernels.InputFolded(s, kernels.InputFolded{
			Pixels: f.c.address(in.Pixels), Colour: f.c.address(in.Colour), Mean: f.c.address(in.Mean), Y: f.c.work(),
			N: int32(f.from.N), H: int32(f.from.H), W: int32(f.from.W), Scale: in.Scale,
			Stride: int32(f.from.Stride), Pad: int32(f.from.Pad), FoldedH: int32(f.to.H), FoldedW: int32(f.to.W),
		})
	}
	return f.c.kernels.FoldInput(s, kernels.FoldInput{
		X: x, Y: f.c.work(), N: int32(f.from.N), H: int32(f.from.H), W: int32(f.from.W), C: int32(f.from.C),
		Stride: int32(f.from.Stride), Pad: int32(f.from.Pad), FoldedH: int32(f.to.H), FoldedW: int32(f.to.W),
	})
}

func (f *folding) foldWeights(s gpu.Stream, w gpu.Pointer) error {
	return f.c.kernels.FoldWeights(s, kernels.FoldWeights{
		W: w, Folded: f.c.work().Add(f.weights),
		O: int32(f.from.K), Size: int32(f.from.Size), C: int32(f.from.C), Stride: int32(f.from.Stride),
	}, gpu.Float32)
}

func (f *folding) unfoldWeights(s gpu.Stream, w gpu.Pointer, from gpu.Type) error {
	return f.c.kernels.UnfoldWeights(s, kernels.UnfoldWeights{
		Folded: f.c.work().Add(f.weights), W: w,
		O: int32(f.from.K), Size: int32(f.from.Size), C: int32(f.from.C), Stride: int32(f.from.Stride),
	}, from)
}

// lowerConvForward computes Y, and applies ReLU if relu is set. input is nil, or the op
// that makes X; then X need not be stored.
func (c *Context) lowerConvForward(op engine.ConvForward, relu bool, input *engine.Input) (step, error) {
	q := c.convolutionOf(gpu.Forward, op.Window, op.Groups, op.X.Shape, op.Y.Shape)
	f, folded := c.fold(q)
	if folded {
		q, f.bytes = f.to, input
	}
	plan, fused, err := c.biased(q, relu)
	if err != nil {
		return step{}, err
	}
	return step{work: f.rest + plan.Workspace(), run: func(s gpu.Stream) error {
		x, w := c.address(op.X), c.operand(op.W)
		if folded {
			if err := errors.Join(f.input(s, x), f.foldWeights(s, c.address(op.W))); err != nil {
				return err
			}
			x, w = c.work(), c.work().Add(f.weights)
		}
		y := c.address(op.Y)
		var bias gpu.Pointer
		if fused {
			bias = c.bias(op.B, plan.biasType)
		}
		if err := plan.Run(s, x, w, bias, y, c.work().Add(f.rest)); err != nil || fused {
			return err
		}
		return c.biasActivate(s, op.B, op.Y, relu)
	}}, nil
}

// biasActivate adds the bias to y in place, and applies ReLU if relu is set.
func (c *Context) biasActivate(s gpu.Stream, b, y *engine.Tensor, relu bool) error {
	p := kernels.BiasActivate{
		X: c.address(y), Bias: c.address(b), Y: c.address(y),
		Rows: int32(y.Shape[0] * y.Shape[2] * y.Shape[3]), C: int32(y.Shape[1]),
	}
	if relu {
		p.Function = kernels.ReLU
	}
	return c.kernels.BiasActivate(s, p)
}

// bias returns the address of a parameter's values in a type.
func (c *Context) bias(b *engine.Tensor, t gpu.Type) gpu.Pointer {
	if t == gpu.Float32 {
		return c.address(b)
	}
	return c.operand(b)
}

// biasedPlan is a forward plan with the type of the bias that it adds.
type biasedPlan struct {
	gpu.ConvolutionPlan
	biasType gpu.Type
}

// biased finds a plan that adds the bias and, with relu, applies ReLU. fused is false
// if the library has none; the plan then only multiplies.
func (c *Context) biased(q gpu.Convolution, relu bool) (p biasedPlan, fused bool, err error) {
	q.Bias, q.ReLU = true, relu
	for _, t := range c.biasTypes() {
		q.BiasType = t
		p.ConvolutionPlan, err = c.convolution(q)
		if err == nil || !errors.Is(err, gpu.ErrUnsupported) {
			p.biasType = t
			return p, err == nil, err
		}
	}
	q.Bias, q.ReLU, q.BiasType = false, false, gpu.Float32
	p.ConvolutionPlan, err = c.convolution(q)
	return p, false, err
}

// biasTypes returns the types in which a bias can be read.
func (c *Context) biasTypes() []gpu.Type {
	if c.working == gpu.Float32 {
		return []gpu.Type{gpu.Float32}
	}
	return []gpu.Type{gpu.Float32, c.working}
}

// lowerConvBackward computes DB, DW and DX. relu is nil, or the op before, whose result
// is DY. input is nil, or the op that makes X; then X need not be stored.
func (c *Context) lowerConvBackward(op engine.ConvBackward, relu *engine.ActivateBackward, input *engine.Input) (step, error) {
	q := c.convolutionOf(gpu.BackwardWeights, op.Window, op.Groups, op.X.Shape, op.DY.Shape)
	f, folded := c.fold(q)
	if folded {
		q, f.bytes = f.to, input
	}
	weights, err := c.convolution(q)
	if errors.Is(err, gpu.ErrUnsupported) && c.working != gpu.Float32 {
		q.WeightGradient = c.working
		weights, err = c.convolution(q)
	}
	if err != nil {
		return step{}, err
	}
	// A gradient that can't be computed in place goes after the folded input.
	direct := !folded && q.WeightGradient == gpu.Float32
	gradient, rest := f.weights, f.rest
	if !direct && !folded {
		rest = align(int64(op.DW.Shape.Len()) * q.WeightGradient.Size())
	}
	bias := c.biasGradient(op.DY, op.DB, relu)
	work := max(rest+weights.Workspace(), bias.work)

	var data gpu.ConvolutionPlan
	if op.DX != nil {
		data, err = c.convolution(c.convolutionOf(gpu.BackwardData, op.Window, op.Groups, op.X.Shape, op.DY.Shape))
		if err != nil {
			return step{}, err
		}
		work = max(work, data.Workspace())
	}
	return step{work: work, run: func(s gpu.Stream) error {
		if err := bias.run(s); err != nil {
			return err
		}
		x, dw, dy := c.address(op.X), c.address(op.DW), c.address(op.DY)
		if folded {
			if err := f.input(s, x); err != nil {
				return err
			}
			x = c.work()
		}
		if !direct {
			dw = c.work().Add(gradient)
		}
		if err := weights.Run(s, x, dw, 0, dy, c.work().Add(rest)); err != nil {
			return err
		}
		switch {
		case folded:
			err = f.unfoldWeights(s, c.address(op.DW), q.WeightGradient)
		case !direct:
			err = c.kernels.TTo32(s, kernels.Cast{X: dw, Y: c.address(op.DW), Count: int64(op.DW.Shape.Len())})
		}
		if err != nil || data == nil {
			return err
		}
		return data.Run(s, c.address(op.DX), c.operand(op.W), 0, dy, c.work())
	}}, nil
}

// biasGradient sums DY over its rows into DB. With relu it computes DY first, in
// the same pass.
func (c *Context) biasGradient(dy, db *engine.Tensor, relu *engine.ActivateBackward) step {
	shape := dy.Shape
	rows, maps := int32(shape[0]*shape[2]*shape[3]), int32(shape[1])
	return step{work: kernels.ColumnSumWorkspace(rows, maps), run: func(s gpu.Stream) error {
		if relu == nil {
			return c.kernels.ColumnSum(s, kernels.ColumnSum{
				X: c.address(dy), D: c.address(db), Workspace: c.work(), Rows: rows, C: maps,
			})
		}
		return c.kernels.ActivateBackwardSum(s, kernels.ActivateBackwardSum{
			Y: c.address(relu.Y), DY: c.address(relu.DY), DX: c.address(dy), D: c.address(db), Workspace: c.work(),
			Rows: rows, C: maps, Function: kernels.FunctionOf(relu.Function),
		})
	}}
}
