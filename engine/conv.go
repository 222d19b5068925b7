package engine

import (
	"errors"
	"fmt"
)

// ConvSpec is a convolution.
type ConvSpec struct {
	Maps int `json:"maps"` // output maps over all towers
	Window
	Reads Reads `json:"reads,omitempty"`
	Start
	Learning
}

func (*ConvSpec) word() string { return "conv" }

func (c *ConvSpec) through(s spot) (Extent, error) {
	if err := checkKernel(c.Window); err != nil {
		return s.at, err
	}
	if err := s.divides(c.Reads, c.Maps, "maps"); err != nil {
		return s.at, err
	}
	weights := countable("the weights", c.Maps, s.net.inputs(c.Reads, s.at.Maps), c.Size, c.Size)
	if err := errors.Join(weights, c.Start.validate(), c.Learning.validate()); err != nil {
		return s.at, err
	}
	return slide(c.Window, c.Maps, s.at)
}

func (c *ConvSpec) emit(b *builder, ops [][]Op, s site) (flow, backward) {
	return b.weighted(ops, c, s)
}

func (c *ConvSpec) weights(n *Net, in, out Extent) weights {
	shape := Shape{out.Maps, n.inputs(c.Reads, in.Maps), c.Size, c.Size}
	return weights{Start: c.Start, Learning: c.Learning, reads: c.Reads, shape: shape, dims: shape[:], biases: []int{out.Maps}}
}

func (c *ConvSpec) forward(_ Extent, groups int, x, w, bias, y *Tensor) Op {
	return ConvForward{Window: c.Window, Groups: groups, X: x, W: w, B: bias, Y: y}
}

func (c *ConvSpec) backward(_ Extent, groups int, g gradients) Op {
	return ConvBackward{Window: c.Window, Groups: groups, X: g.x, W: g.w, DY: g.dy, DW: g.dw, DB: g.db, DX: g.dx}
}

// ConvForward is a grouped cross-correlation plus bias:
//
//	Y[n,o,y,x] = B[o] + Σ W[o,i,ky,kx] · X[n, g·C/G + i, y·s−p+ky, x·s−p+kx]
//
// X (N, C, H, W), W (O, C/G, k, k), B (O,1,1,1), Y (N, O, H', W'). W and B are
// Master here and below, their gradients Float32.
// Output map o belongs to group g = o / (O/G).
type ConvForward struct {
	Window
	Groups  int
	X, W, B *Tensor
	Y       *Tensor
}

// ConvBackward computes the gradients of ConvForward from DY: DW and DB summed
// over the batch, and DX where it is not nil (the first layer needs none).
type ConvBackward struct {
	Window
	Groups   int
	X, W, DY *Tensor
	DW, DB   *Tensor
	DX       *Tensor // may be nil
}

func (ConvForward) Kind() string         { return "conv forward" }
func (ConvBackward) Kind() string        { return "conv backward" }
func (o ConvForward) Reads() []*Tensor   { return nonNil(o.X, o.W, o.B) }
func (o ConvForward) Writes() []*Tensor  { return nonNil(o.Y) }
func (o ConvBackward) Reads() []*Tensor  { return nonNil(o.X, o.W, o.DY) }
func (o ConvBackward) Writes() []*Tensor { return nonNil(o.DW, o.DB, o.DX) }
func (o ConvForward) flop() float64      { return forwardFLOP(o.Y, o.W) }
func (o ConvBackward) flop() float64     { return backwardFLOP(o.DY, o.W, o.DX) }

// Check implements Op.
func (o ConvForward) Check() error {
	if err := checkConv(o.Window, o.Groups, o.X, o.W, role{"Y", o.Y}, mapsOf); err != nil {
		return err
	}
	return expect(want{"B", o.B, Master, vector(o.Y.Shape[1])})
}

// Check implements Op.
func (o ConvBackward) Check() error {
	if err := checkConv(o.Window, o.Groups, o.X, o.W, role{"DY", o.DY}, mapsOf); err != nil {
		return err
	}
	return checkGradients(o.X, o.W, o.DW, o.DB, o.DX)
}

// checkKernel reports windows that a convolution can't have.
func checkKernel(w Window) error {
	if w.Ceil {
		return errors.New("a convolution's windows lie inside the padding: only pooling rounds up (ceil)")
	}
	return w.Validate()
}

// mapsOf returns the number of filters of a convolution with such an output.
func mapsOf(y Shape) int { return y[1] }

// checkConv checks the tensors of both directions of a convolution, or of a layer with
// another number of filters.
func checkConv(w Window, groups int, x, weights *Tensor, y role, filters func(y Shape) int) error {
	if err := present(role{"X", x}, y); err != nil {
		return err
	}
	if err := checkKernel(w); err != nil {
		return err
	}
	xs, ys := x.Shape, y.t.Shape
	if groups < 1 || xs[1]%groups != 0 || ys[1]%groups != 0 {
		return fmt.Errorf("%d groups do not divide %v and %v", groups, x, y.t)
	}
	out := Shape{xs[0], ys[1], w.Out(xs[2]), w.Out(xs[3])}
	if out[2] < 1 || out[3] < 1 {
		return fmt.Errorf("a window of %d with pad %d does not fit %v", w.Size, w.Pad, x)
	}
	return expect(
		want{"X", x, Working, xs},
		want{"W", weights, Master, Shape{filters(out), xs[1] / groups, w.Size, w.Size}},
		want{y.name, y.t, Working, out})
}
