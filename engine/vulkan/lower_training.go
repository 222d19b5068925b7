package vulkan

import (
	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// softmaxThreads is the number of invocations that share an image's classes.
const softmaxThreads = 64

func (c *Context) lowerSoftmaxLoss(op engine.SoftmaxLoss) step {
	return one(dispatch{shader: "softmax", constants: []uint32{softmaxThreads}, shared: 2 * 4 * softmaxThreads, groups: grid(op.X.Shape[0], 1), push: func(b *binder) []byte {
		return push(struct {
			x, labels, probs, loss, rank, dx, halt vk.Address
			images, classes, trains, halts         uint32
			scale, smoothing                       float32
		}{b.of(op.X), b.of(op.Labels), b.of(op.Probs), b.of(op.Loss), b.of(op.LabelRank), b.of(op.DX), b.of(op.Halt),
			uint32(op.X.Shape[0]), uint32(op.X.Shape[1]), flag(op.DX != nil), flag(op.Halt != nil), op.Scale, op.Smoothing})
	}})
}

func (c *Context) lowerAccumulate(op engine.Accumulate) step {
	count := op.Sum.Shape.Len()
	return one(c.elements("accumulate", count, func(b *binder) []byte {
		return push(struct {
			g, sum       vk.Address
			count, first uint32
		}{b.of(op.G), b.of(op.Sum), uint32(count), flag(op.First)})
	}))
}

func (c *Context) lowerUpdate(op engine.Update) step {
	count := op.W.Shape.Len()
	s := one(c.elements("update", count, func(b *binder) []byte {
		return push(struct {
			w, v, g, halt, step vk.Address
			count, halts        uint32
			decay, rate         float32
		}{b.of(op.W), b.of(op.V), b.of(op.G), b.of(op.Halt), b.c.stepAt(), uint32(count), flag(op.Halt != nil), op.Decay, op.Rate})
	}))
	s.stepped = true
	return s
}
