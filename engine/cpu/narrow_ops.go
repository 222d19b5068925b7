package cpu

import (
	"fmt"
	"math"

	"alexnet/engine"
	"alexnet/engine/cpu/internal/bf16"
)

func (n *narrow) lowerInput(op engine.Input) lowered {
	row := op.Y.Shape.Row()
	return lowered{stages: []stage{{op.Y.Shape[0], func(w *worker, i int) {
		colour := (*[48]float32)(w.scratch)
		for j := range colour {
			colour[j] = n.floats(op.Colour)[3*i+j%3]
		}
		n.set.Input(n.words(op.Y)[i*row:][:row], n.bytes(op.Pixels)[i*row:], n.floats(op.Mean), colour, op.Scale)
	}}}, scratch: 48}
}

func (n *narrow) lowerActivate(op engine.Activate) lowered {
	f := narrowReLU
	if op.Function == engine.Tanh {
		f = narrowTanh
	}
	return lowered{stages: []stage{overSpans(op.X.Shape.Len(), func(lo, hi int) {
		f(n.words(op.X)[lo:hi], n.words(op.Y)[lo:hi])
	})}}
}

// narrowReLU replaces values below 0 by 0, and keeps NaN.
func narrowReLU(x, y []uint16) {
	y = y[:len(x)]
	for i, u := range x {
		if u > 0x8000 && u <= 0xff80 {
			u = 0
		}
		y[i] = u
	}
}

func narrowTanh(x, y []uint16) {
	for i, u := range x {
		y[i] = bf16.Round(float32(math.Tanh(float64(bf16.Float(u)))))
	}
}

func (n *narrow) lowerActivateBackward(op engine.ActivateBackward) lowered {
	f := n.set.ReLUBackward
	if op.Function == engine.Tanh {
		f = func(y, dy, dx []uint16) {
			for i, u := range y {
				v := bf16.Float(u)
				dx[i] = bf16.Round(bf16.Float(dy[i]) * (1 - v*v))
			}
		}
	}
	return lowered{stages: []stage{overSpans(op.Y.Shape.Len(), func(lo, hi int) {
		f(n.words(op.Y)[lo:hi], n.words(op.DY)[lo:hi], n.words(op.DX)[lo:hi])
	})}}
}

// lowerDropout computes each unit's number in the host's order, maps before rows and
// columns, because its mask depends on it.
func (n *narrow) lowerDropout(op engine.Dropout) lowered {
	s := op.X.Shape
	scale := dropoutScale(op)
	if !op.Train {
		return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
			n.set.Scale(n.words(op.Y)[lo:hi], n.words(op.X)[lo:hi], scale)
		})}}
	}
	maps, area := s[1], s[2]*s[3]
	return lowered{stages: []stage{{s[0], func(_ *worker, image int) {
		key := op.Key(n.step)
		x, y := n.words(op.X)[image*s.Row():][:s.Row()], n.words(op.Y)[image*s.Row():][:s.Row()]
		for i, u := range x {
			unit := i%maps*area + i/maps
			if !engine.DropoutKeeps(key, uint64(image*op.Width+op.First+unit), op.Rate) {
				y[i] = 0
			} else if scale == 1 {
				y[i] = u
			} else {
				y[i] = bf16.Round(bf16.Float(u) * scale)
			}
		}
	}}}}
}

// lowerSoftmaxLoss converts an image's row to float32, and its gradient back.
func (n *narrow) lowerSoftmaxLoss(op engine.SoftmaxLoss) lowered {
	k := op.X.Shape[1]
	l := n.softmaxLoss(op, 2*k, func(w *worker, image int) (x, dx []float32) {
		x = w.scratch[:k]
		n.set.Widen(x, n.words(op.X)[image*k:][:k])
		return x, w.scratch[k:][:k]
	}, func(image int, dx []float32) { n.set.Narrow(n.words(op.DX)[image*k:], dx) })
	return l
}

func (n *narrow) lowerUpdate(op engine.Update) lowered {
	return lowered{stages: []stage{overSpans(op.W.Shape.Len(), func(lo, hi int) {
		n.update(&op, lo, hi-lo, n.floats(op.G)[lo:hi])
	})}}
}

// update applies the rule to count weights from the first on, with their gradient g.
func (n *narrow) update(op *engine.Update, first, count int, g []float32) {
	if op.Halt != nil && owner(op.Halt).ints(op.Halt)[0] != 0 {
		return
	}
	rate := n.step.LearningRate * op.Rate
	n.set.Update(n.words(op.W)[first:][:count], n.low(op.W)[first:], n.floats(op.V)[first:], g, n.step.Momentum, op.Decay*rate, rate)
}

func (n *narrow) lowerConcat(op engine.Concat) lowered {
	s := op.Y.Shape
	maps, area := s[1], s[2]*s[3]
	return lowered{stages: []stage{{s[0], func(_ *worker, image int) {
		y := n.words(op.Y)[image*s.Row():][:s.Row()]
		first := 0
		for _, p := range op.Parts {
			part := n.words(p)[image*p.Shape.Row():][:p.Shape.Row()]
			for i := range area {
				copy(y[i*maps+first:], part[i*p.Shape[1]:][:p.Shape[1]])
			}
			first += p.Shape[1]
		}
	}}}}
}

func (n *narrow) lowerSumSlices(op engine.SumSlices) lowered {
	s := op.Y.Shape
	maps, area := s[1], s[2]*s[3]
	return lowered{scratch: maps, stages: []stage{{s[0], func(w *worker, image int) {
		y, sum := n.words(op.Y)[image*s.Row():][:s.Row()], w.scratch[:maps]
		for i := range area {
			clear(sum)
			for _, p := range op.Parts {
				n.set.AddWide(sum, n.words(p)[image*p.Shape.Row()+i*p.Shape[1]+op.First:][:maps])
			}
			n.set.Narrow(y[i*maps:], sum)
		}
	}}}}
}

// inFloat32 makes a stage for an exchange between ranks, which is in float32. It converts x
// to float32 in the workspace first, and y back afterwards. exchange gets both, and the
// rest of the workspace.
func (n *narrow) inFloat32(x, y *engine.Tensor, more int, exchange func(x, y, rest []float32)) lowered {
	in, out := x.Shape.Len(), y.Shape.Len()
	l := serial(func() {
		shared := carve(n.shared)
		from, to := shared.floats(in), shared.floats(out)
		n.set.Widen(from, n.words(x))
		exchange(from, to, shared)
		n.set.Narrow(n.words(y), to)
	})
	l.shared = floatsOf(in, out, more)
	return l
}

func (n *narrow) lowerAllGather(op engine.AllGather) lowered {
	return n.inFloat32(op.X, op.Y, op.Y.Shape.Len(), func(x, y, rest []float32) { n.allGather(op, x, y, rest) })
}

func (n *narrow) lowerReduceScatter(op engine.ReduceScatter) lowered {
	return n.inFloat32(op.X, op.Y, 2*op.X.Shape.Len(), func(x, y, rest []float32) { n.reduceScatter(op, x, y, rest) })
}

func (n *narrow) lowerAllToAll(op engine.AllToAll) lowered {
	return n.inFloat32(op.X, op.Y, op.X.Shape.Len(), func(x, y, rest []float32) { n.allToAll(op, x, y, rest) })
}

// sameKind returns an error for a peer with another layout of tensors.
func (c *Context) sameKind(t *engine.Tensor) error {
	peer, ok := t.Context.(*Context)
	switch {
	case !ok:
		return fmt.Errorf("%v lives in another kind of context", t)
	case (peer.narrow == nil) != (c.narrow == nil):
		return fmt.Errorf("%v lives in a context of another precision", t)
	}
	return nil
}
