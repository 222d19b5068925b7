package engine

import "slices"

// parameter is one weight or bias array, sliced over the parts, or over the
// ranks, along its first dimension.
type parameter struct {
	Parameter
	layer  string
	reads  Reads
	fanIn  int
	start  Start
	bias   bool
	rate   float32 // factor on the learning rate
	decay  float32
	frozen bool
	slices []*slice // per part; nil where the part holds none

	// whole is the copy of all units for inference, made by Model.Assemble. It is nil for a
	// parameter that is not sliced over the ranks.
	whole *Tensor

	// early is set if the update follows the gradient directly. The gradient is not stored
	// then.
	early bool
}

// inference returns the tensor that a part's inference reads.
func (q *parameter) inference(part int) *Tensor {
	if q.whole != nil {
		return q.whole
	}
	return q.slices[part].w
}

// slice is one part's share of a parameter. If batches aren't cut into pieces, sum is g.
type slice struct{ w, v, g, sum *Tensor }

// parameters returns the weight and bias of the next layer that has them,
// making them on the first pass over the net.
func (b *builder) parameters(k weighted, s site) (w, bias *parameter) {
	if b.next == len(b.params) {
		b.params = append(b.params, b.newParameters(k, s)...)
	}
	w, bias = b.params[b.next], b.params[b.next+1]
	b.next += 2
	return w, bias
}

func (b *builder) newParameters(k weighted, s site) []*parameter {
	l, in, out := s.layer, s.in.extent, s.out
	d := k.weights(b.net, in, out)
	holders := b.parts() // of equal shares of the outputs
	if s.last {
		holders = 1
	}
	splits := b.splits(l, s.last)
	sliced := func(name string, shape Shape, dims []int, bias bool) *parameter {
		q := &parameter{
			Parameter: Parameter{Name: name, Dims: dims},
			layer:     l.Name, reads: d.reads, fanIn: shape.Row(), start: d.Start, bias: bias,
			slices: make([]*slice, b.parts()),
			early:  b.cfg.lean() && l.Dense != nil && d.reads != ReadsOwn,
		}
		q.rate, q.decay = d.Learning.of(bias, b.cfg.Decay)
		if factor, ok := b.cfg.Rates[l.Name]; ok {
			q.rate *= float32(factor)
		}
		q.frozen = q.rate == 0 || slices.Contains(b.cfg.Freeze, l.Name)
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
				if b.cfg.pieces() > 1 && !q.frozen {
					s.sum = b.tensor(p, name+".grad.sum", Float32, Persistent, shape)
				}
			}
			q.slices[p] = s
		}
		return q
	}
	return []*parameter{
		sliced(l.Name+".weight", d.shape, d.dims, false),
		sliced(l.Name+".bias", vector(d.shape[0]), d.biases, true),
	}
}
