package engine

import (
	"errors"
	"fmt"
	"strings"
)

// maxWindow is the largest pooling window whose positions fit a byte.
const maxWindow = 15

// CheckOp reports what is wrong with an op on any device: missing tensors,
// shapes and element types that don't go together, a window, a number of groups
// or a rate that makes no sense. The error names the op and the tensors. Where
// the tensors lie, and who signals an event, is for the device to check.
func CheckOp(op Op) error {
	var err error
	switch op := op.(type) {
	case nil:
		return errors.New("the op is missing")
	case Input:
		err = checkInput(op)
	case ConvForward:
		err = checkConv(op.Window, op.Groups, op.X, op.W, op.Y, "Y")
		if err == nil {
			err = expect(want{"B", op.B, Master, vector(op.Y.Shape[1])})
		}
	case ConvBackward:
		err = checkConv(op.Window, op.Groups, op.X, op.W, op.DY, "DY")
		if err == nil {
			err = checkGradients(op.X, op.W, op.DY, op.DW, op.DB, op.DX)
		}
	case DenseForward:
		err = checkDense(op.X, op.W, op.Y, "Y")
		if err == nil {
			err = expect(want{"B", op.B, Master, vector(op.Y.Shape[1])})
		}
	case DenseBackward:
		err = checkDense(op.X, op.W, op.DY, "DY")
		if err == nil {
			err = checkGradients(op.X, op.W, op.DY, op.DW, op.DB, op.DX)
		}
	case Activate:
		err = checkAlike(role{"X", op.X}, role{"Y", op.Y})
		if err == nil {
			err = checkFunction(op.Function)
		}
	case ActivateBackward:
		err = checkAlike(role{"Y", op.Y}, role{"DY", op.DY}, role{"DX", op.DX})
		if err == nil {
			err = checkFunction(op.Function)
		}
	case LRNForward:
		err = checkResponse(op.Response, op.Groups, role{"X", op.X}, role{"Y", op.Y})
	case LRNBackward:
		err = checkResponse(op.Response, op.Groups, role{"X", op.X}, role{"DY", op.DY}, role{"DX", op.DX})
	case MaxPoolForward:
		err = checkPool(op.Window, role{"X", op.X}, role{"Y", op.Y}, op.At, op.At != nil)
	case MaxPoolBackward:
		err = checkPool(op.Window, role{"DX", op.DX}, role{"DY", op.DY}, op.At, true)
	case Dropout:
		err = checkDropout(op)
	case SoftmaxLoss:
		err = checkSoftmaxLoss(op)
	case Accumulate:
		err = present(role{"Sum", op.Sum})
		if err == nil {
			err = expect(want{"Sum", op.Sum, Float32, op.Sum.Shape}, want{"G", op.G, Float32, op.Sum.Shape})
		}
	case Update:
		err = checkUpdate(op)
	case AllReduce:
		err = checkAllReduce(op)
	case AllGather:
		err = checkSpread(op.Axis, op.By, role{"X", op.X}, role{"Y", op.Y})
	case ReduceScatter:
		err = checkSpread(op.Axis, op.By, role{"Y", op.Y}, role{"X", op.X})
	case AllToAll:
		err = checkAllToAll(op)
	case Concat:
		err = checkConcat(op)
	case SumSlices:
		err = checkSumSlices(op)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", op.Kind(), err)
	}
	return nil
}

// want is a requirement on one tensor of an op.
type want struct {
	role  string
	t     *Tensor
	typ   ElemType
	shape Shape
}

// expect compares tensors with what is wanted of them.
func expect(wants ...want) error {
	for _, w := range wants {
		switch {
		case w.t == nil:
			return fmt.Errorf("%s is missing, want %v", w.role, w.shape)
		case w.t.Shape != w.shape:
			return fmt.Errorf("%s wants %v, has %v (%s)", w.role, w.shape, w.t, list(wants))
		case w.t.Type != w.typ:
			return fmt.Errorf("%s wants %s, %v is %s", w.role, w.typ, w.t, w.t.Type)
		}
	}
	return nil
}

// list names the tensors that an op was given.
func list(wants []want) string {
	var s []string
	for _, w := range wants {
		s = append(s, fmt.Sprintf("%s is %v", w.role, w.t))
	}
	return strings.Join(s, ", ")
}

// role is a tensor and what the op calls it.
type role struct {
	name string
	t    *Tensor
}

// present reports a tensor that is missing or has no elements.
func present(roles ...role) error {
	for _, r := range roles {
		if r.t == nil {
			return fmt.Errorf("%s is missing", r.name)
		}
		for _, d := range r.t.Shape {
			if d < 1 {
				return fmt.Errorf("%s is empty: %v", r.name, r.t)
			}
		}
	}
	return nil
}

// checkAlike wants activations of one shape.
func checkAlike(roles ...role) error {
	if err := present(roles[0]); err != nil {
		return err
	}
	var wants []want
	for _, r := range roles {
		wants = append(wants, want{r.name, r.t, Working, roles[0].t.Shape})
	}
	return expect(wants...)
}

func vector(n int) Shape { return Shape{n, 1, 1, 1} }

func checkFunction(f Function) error {
	if f != ReLU && f != Tanh {
		return fmt.Errorf("unknown function %d", f)
	}
	return nil
}

func checkInput(op Input) error {
	if err := present(role{"Y", op.Y}); err != nil {
		return err
	}
	s := op.Y.Shape
	return expect(
		want{"Y", op.Y, Working, Shape{s[0], 3, s[2], s[3]}},
		want{"Pixels", op.Pixels, Byte, Shape{s[0], s[2], s[3], 3}},
		want{"Colour", op.Colour, Float32, Shape{s[0], 3, 1, 1}},
		want{"Mean", op.Mean, Float32, Shape{1, 3, s[2], s[3]}})
}

// checkConv checks what both directions of a convolution have.
func checkConv(w Window, groups int, x, weights, y *Tensor, yRole string) error {
	if err := present(role{"X", x}, role{yRole, y}); err != nil {
		return err
	}
	if err := w.Validate(); err != nil {
		return err
	}
	xs, ys := x.Shape, y.Shape
	if groups < 1 || xs[1]%groups != 0 || ys[1]%groups != 0 {
		return fmt.Errorf("%d groups do not divide %v and %v", groups, x, y)
	}
	out := Shape{xs[0], ys[1], w.Out(xs[2]), w.Out(xs[3])}
	if out[2] < 1 || out[3] < 1 {
		return fmt.Errorf("a window of %d with pad %d does not fit %v", w.Size, w.Pad, x)
	}
	return expect(
		want{"X", x, Working, xs},
		want{"W", weights, Master, Shape{ys[1], xs[1] / groups, w.Size, w.Size}},
		want{yRole, y, Working, out})
}

// checkDense checks what both directions of a dense layer have.
func checkDense(x, weights, y *Tensor, yRole string) error {
	if err := present(role{"X", x}, role{yRole, y}); err != nil {
		return err
	}
	xs, units := x.Shape, y.Shape[1]
	return expect(
		want{"X", x, Working, xs},
		want{"W", weights, Master, Shape{units, xs[1], xs[2], xs[3]}},
		want{yRole, y, Working, Shape{xs[0], units, 1, 1}})
}

// checkGradients checks what a layer's backward pass writes.
func checkGradients(x, w, dy, dw, db, dx *Tensor) error {
	wants := []want{{"DW", dw, Float32, w.Shape}, {"DB", db, Float32, vector(dy.Shape[1])}}
	if dx != nil {
		wants = append(wants, want{"DX", dx, Working, x.Shape})
	}
	return expect(wants...)
}

func checkResponse(r Response, groups int, roles ...role) error {
	if err := present(roles[0]); err != nil {
		return err
	}
	switch x := roles[0].t; {
	case groups < 1 || x.Shape[1]%groups != 0:
		return fmt.Errorf("%d groups do not divide %v", groups, x)
	case r.Size < 1:
		return fmt.Errorf("size %d, want at least 1", r.Size)
	}
	return checkAlike(roles...)
}

func checkPool(w Window, x, y role, at *Tensor, positions bool) error {
	if err := present(x); err != nil {
		return err
	}
	if err := w.Validate(); err != nil {
		return err
	}
	s := x.t.Shape
	out := Shape{s[0], s[1], w.Out(s[2]), w.Out(s[3])}
	switch {
	case w.Size > maxWindow:
		return fmt.Errorf("window of %d, want at most %d", w.Size, maxWindow)
	case out[2] < 1 || out[3] < 1:
		return fmt.Errorf("a window of %d with pad %d does not fit %v", w.Size, w.Pad, x.t)
	}
	wants := []want{{x.name, x.t, Working, s}, {y.name, y.t, Working, out}}
	if positions {
		wants = append(wants, want{"At", at, Argmax, out})
	}
	return expect(wants...)
}

func checkDropout(op Dropout) error {
	if err := checkAlike(role{"X", op.X}, role{"Y", op.Y}); err != nil {
		return err
	}
	row := op.X.Shape.Row()
	switch {
	case !(op.Rate >= 0 && op.Rate < 1):
		return fmt.Errorf("rate %v, want 0 or more and less than 1", op.Rate)
	case op.First < 0 || op.First+row > op.Width:
		return fmt.Errorf("units %d to %d of %v lie outside a layer of %d", op.First, op.First+row, op.X, op.Width)
	}
	return nil
}

func checkSoftmaxLoss(op SoftmaxLoss) error {
	if err := present(role{"X", op.X}); err != nil {
		return err
	}
	if !(op.Smoothing >= 0 && op.Smoothing < 1) {
		return fmt.Errorf("smoothing %g, want 0 to below 1", op.Smoothing)
	}
	n, k := op.X.Shape[0], op.X.Shape[1]
	s, one := Shape{n, k, 1, 1}, vector(n)
	wants := []want{
		{"X", op.X, Working, s},
		{"Labels", op.Labels, Int32, one},
		{"Probs", op.Probs, Float32, s},
		{"Loss", op.Loss, Float32, one},
		{"Rank", op.Rank, Int32, one},
	}
	if op.DX != nil {
		wants = append(wants, want{"DX", op.DX, Working, s})
	}
	if op.Halt != nil {
		wants = append(wants, want{"Halt", op.Halt, Int32, vector(1)})
	}
	return expect(wants...)
}

func checkUpdate(op Update) error {
	if err := present(role{"W", op.W}); err != nil {
		return err
	}
	s := op.W.Shape
	wants := []want{{"W", op.W, Master, s}, {"V", op.V, Float32, s}, {"G", op.G, Float32, s}}
	if op.Halt != nil {
		wants = append(wants, want{"Halt", op.Halt, Int32, vector(1)})
	}
	return expect(wants...)
}

func checkConcat(op Concat) error {
	if err := present(role{"Y", op.Y}); err != nil {
		return err
	}
	s, maps := op.Y.Shape, 0
	for _, p := range op.Parts {
		if err := present(role{"a part", p}); err != nil {
			return err
		}
		if err := expect(want{"a part", p, Working, Shape{s[0], p.Shape[1], s[2], s[3]}}); err != nil {
			return err
		}
		maps += p.Shape[1]
	}
	return expect(want{"Y", op.Y, Working, Shape{s[0], maps, s[2], s[3]}})
}

func checkSumSlices(op SumSlices) error {
	if err := present(role{"Y", op.Y}); err != nil {
		return err
	}
	s := op.Y.Shape
	if len(op.Parts) == 0 {
		return fmt.Errorf("no parts for %v", op.Y)
	}
	for _, p := range op.Parts {
		if err := present(role{"a part", p}); err != nil {
			return err
		}
		if err := expect(want{"a part", p, Working, Shape{s[0], p.Shape[1], s[2], s[3]}}); err != nil {
			return err
		}
		if op.First < 0 || op.First+s[1] > p.Shape[1] {
			return fmt.Errorf("channels %d to %d lie outside %v", op.First, op.First+s[1], p)
		}
	}
	return expect(want{"Y", op.Y, Working, s})
}
