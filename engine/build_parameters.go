package engine

// parameter is one weight or bias array, sliced over the parts, or over the
// ranks, along its first dimension.
type parameter struct {
	Parameter
	layer  string
	fanIn  int
	start  Start
	bias   bool
	slices []*slice // per part; nil where the part holds none

	// whole is, of what is sliced over the ranks, the copy of everything that
	// inference reads, as Model.Assemble left it; nil elsewhere.
	whole *Tensor

	// early says that the update follows the gradient at once, which is forgotten.
	early bool
}

// inference is the tensor that a part's inference reads.
func (q *parameter) inference(part int) *Tensor {
	if q.whole != nil {
		return q.whole
	}
	return q.slices[part].w
}

// slice is one part's share of a parameter. Where batches aren't cut, sum is g.
type slice struct{ w, v, g, sum *Tensor }

// parameters returns the weight and bias of the next layer that has them,
// making them on the first pass over the net.
func (b *builder) parameters(l Layer, next *int, in, out Extent) (w, bias *parameter) {
	if *next == len(b.params) {
		b.params = append(b.params, b.newParameters(l, in, out)...)
	}
	w, bias = b.params[*next], b.params[*next+1]
	*next += 2
	return w, bias
}

func (b *builder) newParameters(l Layer, in, out Extent) []*parameter {
	var start Start
	var shape Shape // of one part's weights, times the holders
	reads := ReadsAll
	holders := b.parts()
	dims := []int{out.Maps}
	if l.Conv != nil {
		start, reads = l.Conv.Start, l.Conv.Reads
		shape = Shape{out.Maps, in.Maps, l.Conv.Size, l.Conv.Size}
	} else {
		start, reads = l.Dense.Start, l.Dense.Reads
		shape = Shape{out.Maps, in.Maps, in.Height, in.Width}
		if l.Name == b.net.Layers[len(b.net.Layers)-1].Name {
			holders = 1
		}
	}
	if reads == ReadsOwn {
		shape[1] /= b.net.Towers
	}
	if l.Conv != nil {
		dims = append(dims, shape[1], shape[2], shape[3])
	} else {
		dims = append(dims, shape.Row())
	}
	splits := b.splits(l, l.Name == b.net.Layers[len(b.net.Layers)-1].Name)
	sliced := func(name string, shape Shape, dims []int, bias bool) *parameter {
		q := &parameter{
			Parameter: Parameter{Name: name, Dims: dims},
			layer:     l.Name, fanIn: shape.Row(), start: start, bias: bias,
			slices: make([]*slice, b.parts()),
			early:  b.cfg.lean() && l.Dense != nil && reads != ReadsOwn,
		}
		life := Persistent
		if q.early {
			life = Scratch
		}
		if splits {
			q.whole = b.tensor(0, name+".whole", Master, Persistent, shape)
			shape[0] /= b.cfg.ranks()
		}
		shape[0] /= holders
		for p := range holders {
			s := &slice{w: b.tensor(p, name, Master, Persistent, shape)}
			if !b.cfg.Inference {
				s.v = b.tensor(p, name+".momentum", Float32, Persistent, shape)
				s.g = b.tensor(p, name+".grad", Float32, life, shape)
				s.sum = s.g
				if b.cfg.pieces() > 1 && !b.frozen(l.Name) {
					s.sum = b.tensor(p, name+".grad.sum", Float32, Persistent, shape)
				}
			}
			q.slices[p] = s
		}
		return q
	}
	return []*parameter{
		sliced(l.Name+".weight", shape, dims, false),
		sliced(l.Name+".bias", Shape{out.Maps, 1, 1, 1}, dims[:1], true),
	}
}
