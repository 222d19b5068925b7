package vulkan

import (
	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// response is lrn.glsl's structure of that name.
type response struct {
	channels, h, w, maps uint32
	below, above         int32
	within               uint32
	k, alpha             float32
}

func newResponse(r engine.Response, groups int, s engine.Shape) response {
	return response{
		channels: uint32(s[1]), h: uint32(s[2]), w: uint32(s[3]), maps: uint32(s[1] / groups),
		below: int32(r.Size / 2), above: int32((r.Size - 1) / 2), within: flag(r.Within),
		k: float32(r.K), alpha: float32(r.AlphaPerTerm()),
	}
}

func (c *Context) lowerLRNForward(op engine.LRNForward) step {
	r, count := newResponse(op.Response, op.Groups, op.X.Shape), op.X.Shape.Len()
	return one(c.elements("lrn", count, func(b *binder) []byte {
		return push(struct {
			x, y  vk.Address
			r     response
			beta  float32
			count uint32
		}{b.of(op.X), b.of(op.Y), r, float32(op.Beta), uint32(count)})
	}))
}

// lrnWork is the most bytes for the intermediate values of normalisation's gradient.
// Whole images are computed at a time.
const lrnWork = 32 << 20

// lowerLRNBackward first writes the contribution of every element to the workspace,
// and then adds the contributions up for each element, so that DX may be DY.
func (c *Context) lowerLRNBackward(op engine.LRNBackward) step {
	s, r, row := step{}, newResponse(op.Response, op.Groups, op.X.Shape), op.X.Shape.Row()
	images := max(1, min(op.X.Shape[0], lrnWork/(8*row)))
	half := align(4 * int64(images*row))
	s.work = 2 * half
	factor := float32(2 * op.Beta * op.AlphaPerTerm())
	for n := 0; n < op.X.Shape[0]; n += images {
		first, count := n*row, min(images, op.X.Shape[0]-n)*row
		pull := c.elements("lrn_pull", count, func(b *binder) []byte {
			return push(struct {
				x, dy, own, pull vk.Address
				r                response
				beta             float32
				first, count     uint32
			}{b.of(op.X), b.of(op.DY), b.work(), b.work().Add(half), r, float32(op.Beta), uint32(first), uint32(count)})
		})
		sum := c.elements("lrn_backward", count, func(b *binder) []byte {
			return push(struct {
				x, dx, own, pull     vk.Address
				channels, h, w, maps uint32
				below, above         int32
				within               uint32
				factor               float32
				first, count         uint32
			}{b.of(op.X), b.of(op.DX), b.work(), b.work().Add(half), r.channels, r.h, r.w, r.maps, r.below, r.above, r.within, factor, uint32(first), uint32(count)})
		})
		pull.behind, sum.behind = true, true
		s.dispatches = append(s.dispatches, pull, sum)
	}
	return s
}
