package vulkan

import (
	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// Structures of arguments have the fields of the shader's block of push constants,
// addresses first, so that both have one layout.

func (c *Context) lowerInput(op engine.Input) step {
	count := op.Y.Shape.Len()
	return one(c.elements("input", count, func(b *binder) []byte {
		return push(struct {
			pixels, colour, mean, y vk.Address
			count, area             uint32
			scale                   float32
		}{b.of(op.Pixels), b.of(op.Colour), b.of(op.Mean), b.of(op.Y), uint32(count), uint32(op.Y.Shape[2] * op.Y.Shape[3]), op.Scale})
	}))
}

func (c *Context) lowerActivate(op engine.Activate) step {
	count := op.X.Shape.Len()
	return one(c.elements("activate", count, func(b *binder) []byte {
		return push(struct {
			x, y            vk.Address
			count, function uint32
		}{b.of(op.X), b.of(op.Y), uint32(count), uint32(op.Function)})
	}))
}

func (c *Context) lowerActivateBackward(op engine.ActivateBackward) step {
	count := op.Y.Shape.Len()
	return one(c.elements("activate_backward", count, func(b *binder) []byte {
		return push(struct {
			y, dy, dx       vk.Address
			count, function uint32
		}{b.of(op.Y), b.of(op.DY), b.of(op.DX), uint32(count), uint32(op.Function)})
	}))
}

// lowerDropout computes the step's key on the host, so that only engine.Dropout
// defines it.
func (c *Context) lowerDropout(op engine.Dropout) step {
	count := op.X.Shape.Len()
	scale := float32(1)
	switch {
	case op.Train && op.Inverted:
		scale = 1 / (1 - op.Rate)
	case !op.Train && !op.Inverted:
		scale = 1 - op.Rate
	}
	s := one(c.elements("dropout", count, func(b *binder) []byte {
		return push(struct {
			x, y, step                                       vk.Address
			count, row, width, first, key, threshold, trains uint32
			scale                                            float32
		}{b.of(op.X), b.of(op.Y), b.c.stepAt(), uint32(count), uint32(op.X.Shape.Row()), uint32(op.Width), uint32(op.First),
			b.keys, uint32(float64(op.Rate) * (1 << 32)), flag(op.Train), scale})
	}))
	if op.Train {
		s.stepped, s.dropouts = true, []engine.Dropout{op}
	}
	return s
}

func (c *Context) lowerMaxPoolForward(op engine.MaxPoolForward) step {
	x, y := op.X.Shape, op.Y.Shape
	return one(c.elements("pool", (y.Len()+3)/4, func(b *binder) []byte {
		return push(struct {
			x, y, at                                          vk.Address
			count, h, w, oh, ow, size, stride, positions, pad uint32
		}{b.of(op.X), b.of(op.Y), b.of(op.At), uint32(y.Len()), uint32(x[2]), uint32(x[3]), uint32(y[2]), uint32(y[3]),
			uint32(op.Size), uint32(op.Stride), flag(op.At != nil), uint32(op.Pad)})
	}))
}

func (c *Context) lowerMaxPoolBackward(op engine.MaxPoolBackward) step {
	x, y := op.DX.Shape, op.DY.Shape
	return one(c.elements("pool_backward", x.Len(), func(b *binder) []byte {
		return push(struct {
			at, dy, dx                             vk.Address
			count, h, w, oh, ow, size, stride, pad uint32
		}{b.of(op.At), b.of(op.DY), b.of(op.DX), uint32(x.Len()), uint32(x[2]), uint32(x[3]), uint32(y[2]), uint32(y[3]),
			uint32(op.Size), uint32(op.Stride), uint32(op.Pad)})
	}))
}
