package cpu

import (
	"math"

	"alexnet/engine"
)

// span is the number of elements of a long vector in one part: 32 KB, so that a
// part's operands stay in the second-level cache.
const span = 8192

// overSpans cuts n elements into parts.
func overSpans(n int, f func(lo, hi int)) stage {
	return stage{ceilDiv(n, span), func(_ *worker, part int) {
		f(part*span, min(n, (part+1)*span))
	}}
}

func (c *Context) lowerActivate(op engine.Activate) lowered {
	s := op.X.Shape
	f := relu
	if op.Function == engine.Tanh {
		f = tanh
	}
	return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
		f(c.floats(op.X)[lo:hi], c.floats(op.Y)[lo:hi])
	})}}
}

func relu(x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] = max(v, 0)
	}
}

func tanh(x, y []float32) {
	for i, v := range x {
		y[i] = float32(math.Tanh(float64(v)))
	}
}

func (c *Context) lowerActivateBackward(op engine.ActivateBackward) lowered {
	s := op.Y.Shape
	f := c.kernels.ReLUBackward
	if op.Function == engine.Tanh {
		f = tanhBackward
	}
	return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
		f(c.floats(op.Y)[lo:hi], c.floats(op.DY)[lo:hi], c.floats(op.DX)[lo:hi])
	})}}
}

func tanhBackward(y, dy, dx []float32) {
	dy, dx = dy[:len(y)], dx[:len(y)]
	for i, v := range y {
		dx[i] = dy[i] * (1 - v*v)
	}
}

// dropoutScale returns the factor on units that are kept.
func dropoutScale(op engine.Dropout) float32 {
	switch {
	case op.Inverted != op.Train: // inverted dropout in training, usual dropout at test
		return 1
	case op.Train:
		return 1 / (1 - op.Rate)
	}
	return 1 - op.Rate
}

func (c *Context) lowerDropout(op engine.Dropout) lowered {
	s := op.X.Shape
	row := s.Row()
	scale := dropoutScale(op)
	if !op.Train {
		return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
			y := c.floats(op.Y)[lo:hi]
			for i, v := range c.floats(op.X)[lo:hi] {
				y[i] = v * scale
			}
		})}}
	}
	return lowered{stages: []stage{{s[0], func(_ *worker, image int) {
		key, first := op.Key(c.step), uint64(image*op.Width+op.First)
		x, y := c.floats(op.X)[image*row:][:row], c.floats(op.Y)[image*row:][:row]
		for i, v := range x {
			if !engine.DropoutKeeps(key, first+uint64(i), op.Rate) {
				v = 0
			} else {
				v *= scale
			}
			y[i] = v
		}
	}}}}
}

func (c *Context) lowerInput(op engine.Input) lowered {
	s := op.Y.Shape
	area := s[2] * s[3]
	pieces := ceilDiv(area, span)
	return lowered{stages: []stage{{s[0] * pieces, func(_ *worker, part int) {
		n, lo := part/pieces, part%pieces*span
		hi := min(area, lo+span)
		pixels := c.bytes(op.Pixels)[(n*area+lo)*3:]
		colour := c.floats(op.Colour)[n*3:][:3]
		mean := c.floats(op.Mean)
		y := c.floats(op.Y)[n*area*3:][:area*3]
		for ch, offset := range colour {
			out, m := y[ch*area:][lo:hi], mean[ch*area:][lo:hi]
			for i := range out {
				out[i] = (float32(pixels[3*i+ch]) + offset - m[i]) * op.Scale
			}
		}
	}}}}
}

func (c *Context) lowerAccumulate(op engine.Accumulate) lowered {
	s := op.Sum.Shape
	return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
		sum, g := c.floats(op.Sum)[lo:hi], c.floats(op.G)[lo:hi]
		if op.First {
			copy(sum, g)
			return
		}
		c.kernels.Add(sum, g)
	})}}
}

func (c *Context) lowerUpdate(op engine.Update) lowered {
	s := op.W.Shape
	return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
		if op.Halt != nil && owner(op.Halt).ints(op.Halt)[0] != 0 {
			return
		}
		rate := c.step.LearningRate * op.Rate
		c.kernels.Update(c.floats(op.W)[lo:hi], c.floats(op.V)[lo:hi], c.floats(op.G)[lo:hi], c.step.Momentum, op.Decay*rate, rate)
	})}}
}
