package engine

import "errors"

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
type LocalForward ConvForward

// LocalBackward computes the gradients of LocalForward from DY: DW and DB summed
// over the batch, and DX where it is not nil (the first layer needs none).
type LocalBackward ConvBackward

func (LocalForward) Kind() string         { return "local forward" }
func (LocalBackward) Kind() string        { return "local backward" }
func (o LocalForward) Reads() []*Tensor   { return ConvForward(o).Reads() }
func (o LocalForward) Writes() []*Tensor  { return ConvForward(o).Writes() }
func (o LocalBackward) Reads() []*Tensor  { return ConvBackward(o).Reads() }
func (o LocalBackward) Writes() []*Tensor { return ConvBackward(o).Writes() }
func (o LocalForward) flop() float64      { return ConvForward(o).flop() }
func (o LocalBackward) flop() float64     { return ConvBackward(o).flop() }

// Check implements Op.
func (o LocalForward) Check() error {
	if err := checkConv(o.Window, o.Groups, o.X, o.W, role{"Y", o.Y}, Shape.Row); err != nil {
		return err
	}
	return expect(want{"B", o.B, Master, vector(o.Y.Shape.Row())})
}

// Check implements Op.
func (o LocalBackward) Check() error {
	if err := checkConv(o.Window, o.Groups, o.X, o.W, role{"DY", o.DY}, Shape.Row); err != nil {
		return err
	}
	return checkGradients(o.X, o.W, o.DW, o.DB, o.DX)
}
