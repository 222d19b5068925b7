package engine

import (
	"fmt"
	"math"
)

// Response holds the constants of local response normalisation (paper §3.3):
//
//	b = a / (K + Alpha/m · S)^Beta
//
// where S is the sum of squares over the neighbourhood. Across maps (the
// default) the neighbourhood is Size maps of the same group centred on this
// one, clipped at the group's edges: Size/2 maps below, (Size−1)/2 above (they
// differ for an even Size only). Within a map it is the Size×Size square of
// pixels around this one, clipped likewise. The divisor m is Size across maps
// and Size² within a map, as in cuda-convnet, Caffe, cuDNN and PyTorch; with
// Literal it is 1, as the paper prints it.
type Response struct {
	Size    int     `json:"size"`
	K       float64 `json:"k"`
	Alpha   float64 `json:"alpha"`
	Beta    float64 `json:"beta"`
	Literal bool    `json:"literal,omitempty"`
	Within  bool    `json:"within,omitempty"`
	Across  bool    `json:"across,omitempty"` // the neighbourhood crosses from tower to tower, as in Caffe's one-GPU AlexNet
}

// AlphaPerTerm returns the factor on the sum of squares, Alpha/m.
func (r Response) AlphaPerTerm() float64 {
	switch {
	case r.Literal:
		return r.Alpha
	case r.Within:
		return r.Alpha / float64(r.Size*r.Size)
	}
	return r.Alpha / float64(r.Size)
}

// LRNForward normalises X (N, C, H, W) into Y; the C maps form Groups groups.
type LRNForward struct {
	Response
	Groups int
	X, Y   *Tensor
}

// LRNBackward computes DX from the forward op's X and from DY. It computes Y again,
// so that the net need not keep two of its largest activations. DX may be DY.
type LRNBackward struct {
	Response
	Groups int
	X, DY  *Tensor
	DX     *Tensor
}

func (*Response) word() string { return "lrn" }

func (r *Response) through(s spot) (Extent, error) {
	if r.Size < 1 || r.Size > mostValues || !(r.K > 0 && r.Alpha >= 0) || max(r.K, r.Alpha, math.Abs(r.Beta)) > math.MaxFloat32 {
		return s.at, fmt.Errorf("normalisation over %d maps with k %g, alpha %g, beta %g: want at least one map, k > 0, alpha ≥ 0, and numbers that float32 has", r.Size, r.K, r.Alpha, r.Beta)
	}
	if s.shared {
		return s.at, fmt.Errorf("the image cannot be normalised: put a conv before")
	}
	if r.Across && r.Within {
		return s.at, fmt.Errorf("normalisation within maps crosses no towers: leave out within or across")
	}
	return s.at, nil
}

func (r *Response) emit(b *builder, ops [][]Op, s site) (flow, backward) {
	in, groups := s.in, b.groups()
	x, crossing := in.x, r.Across && b.parts() > 1
	if r.Across {
		groups = 1
	}
	if crossing {
		x = b.gather(ops, s.name, in, b.parts())
	}
	y := flow{x: make([]*Tensor, b.parts()), extent: in.extent}
	for p, x := range x {
		y.x[p] = b.tensor(p, s.name, Working, Scratch, x.Shape)
		ops[p] = append(ops[p], LRNForward{Response: *r, Groups: groups, X: x, Y: y.x[p]})
		if crossing {
			y.x[p] = b.own(ops, p, s.name+".own", in, y.x[p])
		}
	}
	return y, func(ops [][]Op, dy []*Tensor) []*Tensor {
		d := dy
		if crossing {
			d = b.gather(ops, s.name+".grad", flow{x: dy, extent: in.extent}, b.parts())
		}
		dx := make([]*Tensor, b.parts())
		for p, d := range d {
			ops[p] = append(ops[p], LRNBackward{Response: *r, Groups: groups, X: x[p], DY: d, DX: d})
			if dx[p] = d; crossing {
				dx[p] = b.own(ops, p, s.name+".own.grad", in, d)
			}
		}
		return dx
	}
}

func (LRNForward) Kind() string         { return "lrn forward" }
func (LRNBackward) Kind() string        { return "lrn backward" }
func (o LRNForward) Reads() []*Tensor   { return nonNil(o.X) }
func (o LRNForward) Writes() []*Tensor  { return nonNil(o.Y) }
func (o LRNBackward) Reads() []*Tensor  { return nonNil(o.X, o.DY) }
func (o LRNBackward) Writes() []*Tensor { return nonNil(o.DX) }

// Check implements Op.
func (o LRNForward) Check() error {
	return checkResponse(o.Response, o.Groups, role{"X", o.X}, role{"Y", o.Y})
}

// Check implements Op.
func (o LRNBackward) Check() error {
	return checkResponse(o.Response, o.Groups, role{"X", o.X}, role{"DY", o.DY}, role{"DX", o.DX})
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
