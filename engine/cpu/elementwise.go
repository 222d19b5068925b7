package cpu

import (
	"math"

	"alexnet/engine"
)

// span is how many elements of a long vector make one part: 32 KB, so that a
// part's operands stay in the second-level cache.
const span = 8192

// overSpans cuts n elements into parts.
func overSpans(n int, f func(lo, hi int)) stage {
	return stage{ceilDiv(n, span), func(_ *worker, part int) {
		f(part*span, min(n, (part+1)*span))
	}}
}

func (c *Context) lowerActivate(op engine.Activate) (lowered, error) {
	s, err := shapeOf(op.Kind(), "X", op.X)
	if err != nil {
		return lowered{}, err
	}
	if err := check(op.Kind(), want{"X", op.X, engine.Working, s}, want{"Y", op.Y, engine.Working, s}); err != nil {
		return lowered{}, err
	}
	var f func(x, y []float32)
	switch op.Function {
	case engine.ReLU:
		f = relu
	case engine.Tanh:
		f = tanh
	default:
		return lowered{}, opErrorf(op.Kind(), "unknown function %d", op.Function)
	}
	return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
		f(c.floats(op.X)[lo:hi], c.floats(op.Y)[lo:hi])
	})}}, nil
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

func (c *Context) lowerActivateBackward(op engine.ActivateBackward) (lowered, error) {
	s, err := shapeOf(op.Kind(), "Y", op.Y)
	if err != nil {
		return lowered{}, err
	}
	if err := check(op.Kind(), want{"Y", op.Y, engine.Working, s}, want{"DY", op.DY, engine.Working, s},
		want{"DX", op.DX, engine.Working, s}); err != nil {
		return lowered{}, err
	}
	var f func(y, dy, dx []float32)
	switch op.Function {
	case engine.ReLU:
		f = c.kernels.ReLUBackward
	case engine.Tanh:
		f = tanhBackward
	default:
		return lowered{}, opErrorf(op.Kind(), "unknown function %d", op.Function)
	}
	return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
		f(c.floats(op.Y)[lo:hi], c.floats(op.DY)[lo:hi], c.floats(op.DX)[lo:hi])
	})}}, nil
}

func tanhBackward(y, dy, dx []float32) {
	dy, dx = dy[:len(y)], dx[:len(y)]
	for i, v := range y {
		dx[i] = dy[i] * (1 - v*v)
	}
}

func (c *Context) lowerDropout(op engine.Dropout) (lowered, error) {
	kind := op.Kind()
	s, err := shapeOf(kind, "X", op.X)
	if err != nil {
		return lowered{}, err
	}
	if err := check(kind, want{"X", op.X, engine.Working, s}, want{"Y", op.Y, engine.Working, s}); err != nil {
		return lowered{}, err
	}
	row := s.Row()
	switch {
	case !(op.Rate >= 0 && op.Rate < 1):
		return lowered{}, opErrorf(kind, "rate %v, want 0 or more and less than 1", op.Rate)
	case op.First < 0 || op.First+row > op.Width:
		return lowered{}, opErrorf(kind, "units %d to %d of %v lie outside a layer of %d", op.First, op.First+row, op.X, op.Width)
	}
	scale := float32(1)
	if op.Inverted == op.Train { // inverted in training, plain at test
		scale = 1 - op.Rate
		if op.Train {
			scale = 1 / scale
		}
	}
	if !op.Train {
		return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
			y := c.floats(op.Y)[lo:hi]
			for i, v := range c.floats(op.X)[lo:hi] {
				y[i] = v * scale
			}
		})}}, nil
	}
	return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
		key := op.Key(c.step)
		x, y := c.floats(op.X), c.floats(op.Y)
		for i := lo; i < hi; i++ {
			if engine.DropoutKeeps(key, uint64(i/row*op.Width+op.First+i%row), op.Rate) {
				y[i] = x[i] * scale
			} else {
				y[i] = 0
			}
		}
	})}}, nil
}

func (c *Context) lowerInput(op engine.Input) (lowered, error) {
	kind := op.Kind()
	s, err := shapeOf(kind, "Y", op.Y)
	if err != nil {
		return lowered{}, err
	}
	if err := check(kind,
		want{"Y", op.Y, engine.Working, engine.Shape{s[0], 3, s[2], s[3]}},
		want{"Pixels", op.Pixels, engine.Byte, engine.Shape{s[0], s[2], s[3], 3}},
		want{"Colour", op.Colour, engine.Float32, engine.Shape{s[0], 3, 1, 1}},
		want{"Mean", op.Mean, engine.Float32, engine.Shape{1, 3, s[2], s[3]}}); err != nil {
		return lowered{}, err
	}
	area := s[2] * s[3]
	return lowered{stages: []stage{{s[0], func(_ *worker, n int) {
		pixels := c.bytes(op.Pixels)[n*area*3:][:area*3]
		colour := c.floats(op.Colour)[n*3:][:3]
		mean := c.floats(op.Mean)
		y := c.floats(op.Y)[n*area*3:][:area*3]
		for ch, offset := range colour {
			out, m := y[ch*area:][:area], mean[ch*area:][:area]
			for i := range out {
				out[i] = (float32(pixels[3*i+ch]) + offset - m[i]) * op.Scale
			}
		}
	}}}}, nil
}

func (c *Context) lowerAccumulate(op engine.Accumulate) (lowered, error) {
	s, err := shapeOf(op.Kind(), "Sum", op.Sum)
	if err != nil {
		return lowered{}, err
	}
	if err := check(op.Kind(), want{"Sum", op.Sum, engine.Float32, s}, want{"G", op.G, engine.Float32, s}); err != nil {
		return lowered{}, err
	}
	return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
		sum, g := c.floats(op.Sum)[lo:hi], c.floats(op.G)[lo:hi]
		if op.First {
			copy(sum, g)
			return
		}
		c.kernels.Add(sum, g)
	})}}, nil
}

func (c *Context) lowerUpdate(op engine.Update) (lowered, error) {
	s, err := shapeOf(op.Kind(), "W", op.W)
	if err != nil {
		return lowered{}, err
	}
	if err := check(op.Kind(), want{"W", op.W, engine.Master, s}, want{"V", op.V, engine.Float32, s},
		want{"G", op.G, engine.Float32, s}); err != nil {
		return lowered{}, err
	}
	if op.Halt != nil {
		if err := check(op.Kind(), want{"Halt", op.Halt, engine.Int32, engine.Shape{1, 1, 1, 1}}); err != nil {
			return lowered{}, err
		}
	}
	return lowered{stages: []stage{overSpans(s.Len(), func(lo, hi int) {
		if op.Halt != nil && owner(op.Halt).ints(op.Halt)[0] != 0 {
			return
		}
		rate := c.step.LearningRate * op.Rate
		c.kernels.Update(c.floats(op.W)[lo:hi], c.floats(op.V)[lo:hi], c.floats(op.G)[lo:hi], c.step.Momentum, op.Decay*rate, rate)
	})}}, nil
}
