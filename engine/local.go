package engine

import (
	"errors"
	"fmt"
)

// LocalSpec is a locally connected layer, as cuda-convnet's local layers: a
// convolution with its own filters and biases at every position.
type LocalSpec struct {
	Maps int `json:"maps"` // output maps over all towers
	Window
	Reads Reads `json:"reads,omitempty"`
	Start
	Learning
}

func (*LocalSpec) word() string { return "local" }

func (l *LocalSpec) through(s spot) (Extent, error) {
	if err := checkKernel(l.Window); err != nil {
		return s.at, err
	}
	if err := s.divides(l.Reads, l.Maps, "maps"); err != nil {
		return s.at, err
	}
	out, err := slide(l.Window, l.Maps, s.at)
	if err != nil {
		return s.at, err
	}
	weights := countable("the weights", out.Maps, out.Height, out.Width, s.net.inputs(l.Reads, s.at.Maps), l.Size, l.Size)
	return out, errors.Join(weights, l.Start.validate(), l.Learning.validate())
}

func (l *LocalSpec) emit(b *builder, ops [][]Op, s site) (flow, backward) {
	return b.weighted(ops, l, s)
}

func (l *LocalSpec) weights(n *Net, in, out Extent) weights {
	maps := n.inputs(l.Reads, in.Maps)
	return weights{
		Start: l.Start, Learning: l.Learning, reads: l.Reads, shape: Shape{out.Len(), maps, l.Size, l.Size},
		dims: []int{out.Maps, out.Height, out.Width, maps, l.Size, l.Size}, biases: []int{out.Maps, out.Height, out.Width},
	}
}

func (l *LocalSpec) forward(_ Extent, groups int, x, w, bias, y *Tensor) Op {
	return LocalForward{Window: l.Window, Groups: groups, X: x, W: w, B: bias, Y: y}
}

func (l *LocalSpec) backward(_ Extent, groups int, g gradients) Op {
	return LocalBackward{Window: l.Window, Groups: groups, X: g.x, W: g.w, DY: g.dy, DW: g.dw, DB: g.db, DX: g.dx}
}

// LocalForward is ConvForward with its own weights and biases at every position:
//
//	Y[n,o,y,x] = B[r] + Σ W[r,i,ky,kx] · X[n, g·C/G + i, y·s−p+ky, x·s−p+kx]
//
// with r = (o·H' + y)·W' + x. X (N, C, H, W), W (O·H'·W', C/G, k, k), B (O·H'·W', 1,
// 1, 1), Y (N, O, H', W'). Output map o belongs to group g = o / (O/G).
type LocalForward struct {
	Window
	Groups  int
	X, W, B *Tensor
	Y       *Tensor
}

// LocalBackward computes the gradients of LocalForward from DY: DW and DB summed
// over the batch, and DX where it is not nil (the first layer needs none).
type LocalBackward struct {
	Window
	Groups   int
	X, W, DY *Tensor
	DW, DB   *Tensor
	DX       *Tensor // may be nil
}

func (LocalForward) Kind() string         { return "local forward" }
func (LocalBackward) Kind() string        { return "local backward" }
func (o LocalForward) Reads() []*Tensor   { return some(o.X, o.W, o.B) }
func (o LocalForward) Writes() []*Tensor  { return some(o.Y) }
func (o LocalBackward) Reads() []*Tensor  { return some(o.X, o.W, o.DY) }
func (o LocalBackward) Writes() []*Tensor { return some(o.DW, o.DB, o.DX) }
func (o LocalForward) flop() float64      { return forwardFLOP(o.Y, o.W) }
func (o LocalBackward) flop() float64     { return backwardFLOP(o.DY, o.W, o.DX) }

// Check implements Op.
func (o LocalForward) Check() error {
	if err := checkLocal(o.Window, o.Groups, o.X, o.W, role{"Y", o.Y}); err != nil {
		return err
	}
	return expect(want{"B", o.B, Master, vector(o.Y.Shape.Row())})
}

// Check implements Op.
func (o LocalBackward) Check() error {
	if err := checkLocal(o.Window, o.Groups, o.X, o.W, role{"DY", o.DY}); err != nil {
		return err
	}
	return checkGradients(o.X, o.W, o.DW, o.DB, o.DX)
}

// checkLocal checks the tensors that both directions of a locally connected layer
// have.
func checkLocal(w Window, groups int, x, weights *Tensor, y role) error {
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
		want{y.name, y.t, Working, out},
		want{"W", weights, Master, Shape{out.Row(), xs[1] / groups, w.Size, w.Size}})
}
