package vulkan

import (
	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

func (c *Context) lowerAvgPoolForward(op engine.AvgPoolForward) step {
	return c.lowerAvgPool("avgpool", op.Window, op.X, op.Y)
}

func (c *Context) lowerAvgPoolBackward(op engine.AvgPoolBackward) step {
	return c.lowerAvgPool("avgpool_backward", op.Window, op.DY, op.DX)
}

// lowerAvgPool is used in both directions: the gradient of the output is the input of the
// other direction.
func (c *Context) lowerAvgPool(shader string, w engine.Window, from, to *engine.Tensor) step {
	in, out := from.Shape, to.Shape
	if shader == "avgpool_backward" {
		in, out = out, in
	}
	return one(c.elements(shader, to.Shape.Len(), func(b *binder) []byte {
		return push(struct {
			from, to                               vk.Address
			count, h, w, oh, ow, size, stride, pad uint32
		}{b.of(from), b.of(to), uint32(to.Shape.Len()), uint32(in[2]), uint32(in[3]), uint32(out[2]), uint32(out[3]),
			uint32(w.Size), uint32(w.Stride), uint32(w.Pad)})
	}))
}
