package engine

import (
	"errors"
	"fmt"
)

// DenseSpec is a fully connected layer.
type DenseSpec struct {
	Units int   `json:"units"` // outputs over all towers; 0 in the last layer means the classes
	Reads Reads `json:"reads,omitempty"`
	Start
	Learning
}

func (*DenseSpec) word() string { return "dense" }

func (d *DenseSpec) through(s spot) (Extent, error) {
	if err := errors.Join(d.Start.validate(), d.Learning.validate()); err != nil {
		return s.at, err
	}
	if classes := s.net.Classes; s.last {
		if d.Units != 0 && d.Units != classes {
			return s.at, fmt.Errorf("the last layer has %d units for %d classes", d.Units, classes)
		}
		if d.Reads == ReadsOwn {
			return s.at, fmt.Errorf("the last layer joins the towers: it cannot read its own tower only")
		}
		return Extent{classes, 1, 1}, countable("the weights", classes, s.at.Len())
	}
	if err := s.divides(d.Reads, d.Units, "units"); err != nil {
		return s.at, err
	}
	if d.Reads == ReadsOwn && s.at.Height != s.at.Width {
		return s.at, fmt.Errorf("a dense layer of its own tower needs square maps")
	}
	return Extent{d.Units, 1, 1}, countable("the weights", d.Units, s.net.inputs(d.Reads, s.at.Maps), s.at.Height, s.at.Width)
}

func (d *DenseSpec) emit(b *builder, ops [][]Op, s site) (flow, backward) {
	if s.train && b.splits(s.layer, s.last) {
		return b.split(ops, d, s)
	}
	return b.weighted(ops, d, s)
}

func (d *DenseSpec) weights(n *Net, in, out Extent) weights {
	shape := Shape{out.Maps, n.inputs(d.Reads, in.Maps), in.Height, in.Width}
	return weights{Start: d.Start, Learning: d.Learning, reads: d.Reads, shape: shape, dims: []int{out.Maps, shape.Row()}, biases: []int{out.Maps}}
}

// whole returns the window of a grouped dense layer: a convolution as large as its
// input.
func (*DenseSpec) whole(in Extent) Window { return Window{Size: in.Height, Stride: 1} }

func (d *DenseSpec) forward(in Extent, groups int, x, w, bias, y *Tensor) Op {
	if groups > 1 {
		return ConvForward{Window: d.whole(in), Groups: groups, X: x, W: w, B: bias, Y: y}
	}
	return DenseForward{X: x, W: w, B: bias, Y: y}
}

func (d *DenseSpec) backward(in Extent, groups int, g gradients) Op {
	if groups > 1 {
		return ConvBackward{Window: d.whole(in), Groups: groups, X: g.x, W: g.w, DY: g.dy, DW: g.dw, DB: g.db, DX: g.dx}
	}
	return DenseBackward{X: g.x, W: g.w, DY: g.dy, DW: g.dw, DB: g.db, DX: g.dx}
}

// DenseForward is Y[n,o] = B[o] + Σ W[o,i]·X[n,i], where i runs over channel, row and
// column. X (N, C, H, W), W (O, C, H, W), B (O, 1, 1, 1), Y (N, O, 1, 1). X and W
// have the same form, so that a device that stores channels last may do so for both.
type DenseForward struct {
	X, W, B *Tensor
	Y       *Tensor
}

// DenseBackward computes the gradients of DenseForward from DY: DW and DB
// summed over the batch, and DX where it is not nil.
type DenseBackward struct {
	X, W, DY *Tensor
	DW, DB   *Tensor
	DX       *Tensor // may be nil
}

func (DenseForward) Kind() string         { return "dense forward" }
func (DenseBackward) Kind() string        { return "dense backward" }
func (o DenseForward) Reads() []*Tensor   { return nonNil(o.X, o.W, o.B) }
func (o DenseForward) Writes() []*Tensor  { return nonNil(o.Y) }
func (o DenseBackward) Reads() []*Tensor  { return nonNil(o.X, o.W, o.DY) }
func (o DenseBackward) Writes() []*Tensor { return nonNil(o.DW, o.DB, o.DX) }
func (o DenseForward) flop() float64      { return forwardFLOP(o.Y, o.W) }
func (o DenseBackward) flop() float64     { return backwardFLOP(o.DY, o.W, o.DX) }

// Check implements Op.
func (o DenseForward) Check() error {
	if err := checkDense(o.X, o.W, role{"Y", o.Y}); err != nil {
		return err
	}
	return expect(want{"B", o.B, Master, vector(o.Y.Shape[1])})
}

// Check implements Op.
func (o DenseBackward) Check() error {
	if err := checkDense(o.X, o.W, role{"DY", o.DY}); err != nil {
		return err
	}
	return checkGradients(o.X, o.W, o.DW, o.DB, o.DX)
}

// checkDense checks the tensors of both directions of a dense layer.
func checkDense(x, weights *Tensor, y role) error {
	if err := present(role{"X", x}, y); err != nil {
		return err
	}
	xs, units := x.Shape, y.t.Shape[1]
	return expect(
		want{"X", x, Working, xs},
		want{"W", weights, Master, Shape{units, xs[1], xs[2], xs[3]}},
		want{y.name, y.t, Working, Shape{xs[0], units, 1, 1}})
}
