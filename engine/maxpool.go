package engine

import "fmt"

// MaxPoolSpec is max pooling (paper §3.4).
type MaxPoolSpec struct{ Window }

func (*MaxPoolSpec) word() string { return "maxpool" }

// maxWindow is the largest window: a position in it fits a byte.
const maxWindow = 15

func (m *MaxPoolSpec) through(s spot) (Extent, error) {
	if m.Size > maxWindow {
		return s.at, fmt.Errorf("pooling window of %d pixels, want at most %d", m.Size, maxWindow)
	}
	return pooled(m.Window, s)
}

func (m *MaxPoolSpec) emit(b *builder, ops [][]Op, s site) (flow, backward) {
	in := s.in
	y := flow{x: make([]*Tensor, b.parts()), extent: s.out, whole: in.whole}
	at := make([]*Tensor, b.parts())
	for p, x := range in.x {
		y.x[p] = b.activation(p, s.name, x.Shape[1], s.out)
		if s.train {
			at[p] = b.tensor(p, s.name+".at", Argmax, Scratch, y.x[p].Shape)
		}
		ops[p] = append(ops[p], MaxPoolForward{Window: m.Window, X: x, Y: y.x[p], At: at[p]})
	}
	return y, func(ops [][]Op, dy []*Tensor) []*Tensor {
		dx := make([]*Tensor, b.parts())
		for p, d := range dy {
			if d == nil {
				continue // the image's own gradient isn't needed
			}
			dx[p] = b.activation(p, s.name+".grad", in.x[p].Shape[1], in.extent)
			ops[p] = append(ops[p], MaxPoolBackward{Window: m.Window, At: at[p], DY: d, DX: dx[p]})
		}
		return dx
	}
}

// MaxPoolForward takes the maximum over each window of X (N, C, H, W). For each
// output, At holds the position of its maximum inside the window, row·Size + column:
// the first one among equals. NaN wins over every number, padding never wins. Size is
// at most 15, so that a position fits a byte.
type MaxPoolForward struct {
	Window
	X  *Tensor
	Y  *Tensor
	At *Tensor // Argmax, shaped as Y; nil when no backward pass follows
}

// MaxPoolBackward adds each DY to the input position that At names; the other
// positions of DX become 0.
type MaxPoolBackward struct {
	Window
	At, DY *Tensor
	DX     *Tensor
}

func (MaxPoolForward) Kind() string         { return "maxpool forward" }
func (MaxPoolBackward) Kind() string        { return "maxpool backward" }
func (o MaxPoolForward) Reads() []*Tensor   { return nonNil(o.X) }
func (o MaxPoolForward) Writes() []*Tensor  { return nonNil(o.Y, o.At) }
func (o MaxPoolBackward) Reads() []*Tensor  { return nonNil(o.At, o.DY) }
func (o MaxPoolBackward) Writes() []*Tensor { return nonNil(o.DX) }

// Check implements Op.
func (o MaxPoolForward) Check() error {
	if o.At == nil {
		return checkMaxPool(o.Window, role{"X", o.X}, role{"Y", o.Y})
	}
	return checkMaxPool(o.Window, role{"X", o.X}, role{"Y", o.Y}, role{"At", o.At})
}

// Check implements Op.
func (o MaxPoolBackward) Check() error {
	return checkMaxPool(o.Window, role{"DX", o.DX}, role{"DY", o.DY}, role{"At", o.At})
}

func checkMaxPool(w Window, x, y role, positions ...role) error {
	if w.Size > maxWindow {
		return fmt.Errorf("window of %d, want at most %d", w.Size, maxWindow)
	}
	return checkPool(w, x, y, positions...)
}
