package engine

// AvgPoolSpec is average pooling, as in cuda-convnet's avg pools.
type AvgPoolSpec struct{ Window }

func (*AvgPoolSpec) word() string { return "avgpool" }

func (a *AvgPoolSpec) through(s spot) (Extent, error) { return pooled(a.Window, s) }

func (a *AvgPoolSpec) emit(b *builder, ops [][]Op, s site) (flow, backward) {
	in := s.in
	y := flow{x: make([]*Tensor, b.parts()), extent: s.out, whole: in.whole}
	for p, x := range in.x {
		y.x[p] = b.activation(p, s.name, x.Shape[1], s.out)
		ops[p] = append(ops[p], AvgPoolForward{Window: a.Window, X: x, Y: y.x[p]})
	}
	return y, func(ops [][]Op, dy []*Tensor) []*Tensor {
		dx := make([]*Tensor, b.parts())
		for p, d := range dy {
			if d == nil {
				continue // the image's own gradient isn't needed
			}
			dx[p] = b.activation(p, s.name+".grad", in.x[p].Shape[1], in.extent)
			ops[p] = append(ops[p], AvgPoolBackward{Window: a.Window, DY: d, DX: dx[p]})
		}
		return dx
	}
}

// AvgPoolForward takes the mean of each window of X (N, C, H, W):
//
//	Y[n,c,y,x] = 1/m · Σ X[n, c, y·s−p+ky, x·s−p+kx]
//
// over the m pixels of the window that lie inside the image: padding is neither
// added nor counted, as in cuda-convnet and, with count_include_pad=False, PyTorch.
type AvgPoolForward struct {
	Window
	X *Tensor
	Y *Tensor
}

// AvgPoolBackward gives every pixel the DY of each window that it lies in, divided
// by the window's m; pixels in no window get 0.
type AvgPoolBackward struct {
	Window
	DY *Tensor
	DX *Tensor
}

func (AvgPoolForward) Kind() string         { return "avgpool forward" }
func (AvgPoolBackward) Kind() string        { return "avgpool backward" }
func (o AvgPoolForward) Reads() []*Tensor   { return nonNil(o.X) }
func (o AvgPoolForward) Writes() []*Tensor  { return nonNil(o.Y) }
func (o AvgPoolBackward) Reads() []*Tensor  { return nonNil(o.DY) }
func (o AvgPoolBackward) Writes() []*Tensor { return nonNil(o.DX) }

// Check implements Op.
func (o AvgPoolForward) Check() error { return checkPool(o.Window, role{"X", o.X}, role{"Y", o.Y}) }

// Check implements Op.
func (o AvgPoolBackward) Check() error {
	return checkPool(o.Window, role{"DX", o.DX}, role{"DY", o.DY})
}
