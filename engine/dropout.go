package engine

import "fmt"

// DropoutSpec is dropout as in 2012: a plain mask in training and a factor of 1−Rate
// at test. With Inverted, training divides by 1−Rate instead.
type DropoutSpec struct {
	Rate     float32 `json:"rate"`
	Inverted bool    `json:"inverted,omitempty"`
}

func (*DropoutSpec) word() string { return "dropout" }

func (d *DropoutSpec) through(s spot) (Extent, error) {
	if r := d.Rate; !(r >= 0 && r < 1) {
		return s.at, fmt.Errorf("dropout rate %g, want 0 ≤ rate < 1", r)
	}
	if s.shared {
		return s.at, fmt.Errorf("the image cannot be dropped out: put a conv before")
	}
	return s.at, nil
}

func (*DropoutSpec) unitwise() {}

func (d *DropoutSpec) emit(b *builder, ops [][]Op, s site) (flow, backward) {
	in := s.in
	y := flow{x: make([]*Tensor, b.parts()), extent: in.extent, spread: in.spread}
	width := in.extent.Len()
	op := func(p int, x, y *Tensor) Op {
		o := Dropout{
			Rate: d.Rate, Layer: uint64(s.index), Width: width, First: p * width / b.parts(),
			Train: s.train, Inverted: d.Inverted, X: x, Y: y,
		}
		if in.spread {
			o.First, o.AllRanks = b.cfg.Group.Rank()*width/b.cfg.ranks(), true
		}
		return o
	}
	for p, x := range in.x {
		y.x[p] = b.tensor(p, s.name, Working, Scratch, x.Shape)
		ops[p] = append(ops[p], op(p, x, y.x[p]))
	}
	return y, func(ops [][]Op, dy []*Tensor) []*Tensor {
		for p, t := range dy {
			ops[p] = append(ops[p], op(p, t, t))
		}
		return dy
	}
}

// Dropout multiplies activations by a random mask (paper §4.2). With Train,
//
//	Y[n,j] = X[n,j] if DropoutKeeps(key, (Image + n)·Width + First + j, Rate) else 0
//
// with key = DropoutKey(step, Layer) and the step's Image, or 0 with AllRanks (or,
// the same, key = Key(step) and Image 0), times 1/(1−Rate) when Inverted. Width is
// the layer's number of units over all contexts and First the index of this
// context's first one, so that the mask doesn't depend on placement. Without
// Train, Y = X·(1−Rate), or X when Inverted. The backward pass is the same op
// on gradients. Y may be X.
type Dropout struct {
	Rate         float32
	Layer        uint64
	Width, First int
	Train        bool
	Inverted     bool
	AllRanks     bool // X holds the images of all ranks, the step's whole batch
	X, Y         *Tensor
}

func (Dropout) Kind() string        { return "dropout" }
func (o Dropout) Reads() []*Tensor  { return nonNil(o.X) }
func (o Dropout) Writes() []*Tensor { return nonNil(o.Y) }

// Check implements Op.
func (o Dropout) Check() error {
	if err := checkAlike(role{"X", o.X}, role{"Y", o.Y}); err != nil {
		return err
	}
	row := o.X.Shape.Row()
	switch {
	case !(o.Rate >= 0 && o.Rate < 1):
		return fmt.Errorf("rate %v, want 0 or more and less than 1", o.Rate)
	case o.First < 0 || o.First+row > o.Width:
		return fmt.Errorf("units %d to %d of %v lie outside a layer of %d", o.First, o.First+row, o.X, o.Width)
	}
	return nil
}

// A dropout mask depends only on (seed, step, layer, unit). So it is the same on every
// device and placement, is never stored, and is the same after a resume. The generator is
// SplitMix64 (Steele, Lea, Flood 2014) read at a counter.

const golden = 0x9e3779b97f4a7c15

// mix64 is SplitMix64's finaliser.
func mix64(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// DropoutKey returns the state from which a layer's mask of one step is drawn.
func DropoutKey(s Step, layer uint64) uint64 {
	return mix64(mix64(mix64(s.Seed+golden)^s.Number) + golden ^ layer)
}

// Key returns the state from which this op's masks of one run are drawn. It includes
// the run's place in the batch: index n·Width + First + j belongs to the run's n-th
// image.
func (o Dropout) Key(s Step) uint64 {
	if o.AllRanks {
		s.Image = 0
	}
	return DropoutKey(s, o.Layer) + s.Image*uint64(o.Width)*golden
}

// DropoutKeeps reports whether the unit at index keeps its value; it is false
// with probability rate (to within 2⁻³²).
func DropoutKeeps(key, index uint64, rate float32) bool {
	return mix64(key+(index+1)*golden)>>32 >= uint64(float64(rate)*(1<<32))
}
