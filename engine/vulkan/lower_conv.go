package vulkan

import (
	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// convolution is the common geometry of the three directions.
type convolution struct {
	engine.Window
	groups, maps, channels int // maps and channels of a group
	in, out                engine.Shape
}

func newConvolution(w engine.Window, groups int, in, out engine.Shape) convolution {
	return convolution{w, groups, out[1] / groups, in[1] / groups, in, out}
}

// constants returns window.glsl's constants.
func (g *convolution) constants() []uint32 {
	return []uint32{uint32(g.Size), uint32(g.Stride), uint32(g.Pad), uint32(g.in[2]), uint32(g.in[3]), uint32(g.out[2]), uint32(g.out[3])}
}

// patch returns the number of weights of a map.
func (g *convolution) patch() int { return g.channels * g.Size * g.Size }

// pixels returns the number of outputs of a map, over all images.
func (g *convolution) pixels() int { return g.out[0] * g.out[2] * g.out[3] }

func (c *Context) lowerConvForward(op engine.ConvForward) step {
	g := newConvolution(op.Window, op.Groups, op.X.Shape, op.Y.Shape)
	return one(c.product("conv", product{g.maps, g.pixels(), g.groups, g.patch(), g.constants()}, func(b *binder) []byte {
		return push(struct {
			x, w, b, y                     vk.Address
			images, maps, channels, groups uint32
		}{b.of(op.X), b.of(op.W), b.of(op.B), b.of(op.Y), uint32(g.in[0]), uint32(g.maps), uint32(g.channels), uint32(g.groups)})
	}))
}

// Gradients of weights are sums over all pixels of a batch. The shape alone cuts them into
// pieces of at least leastPiece pixels, so that there are enough workgroups.
const (
	leastPiece = 1024
	mostPieces = 64
)

func (c *Context) lowerConvBackward(op engine.ConvBackward) step {
	g := newConvolution(op.Window, op.Groups, op.X.Shape, op.DY.Shape)
	count := op.W.Shape.Len()
	pieces := max(1, min(mostPieces, g.pixels()/leastPiece))
	piece := (g.pixels() + pieces - 1) / pieces
	pieces = (g.pixels() + piece - 1) / piece
	s := step{dispatches: []dispatch{
		c.columnSum(op.DY, op.DB, g.out[1], g.out[2]*g.out[3]),
		c.product("conv_weights", product{g.maps, g.patch(), pieces * g.groups, piece, g.constants()}, func(b *binder) []byte {
			to := b.of(op.DW)
			if pieces > 1 {
				to = b.work()
			}
			return push(struct {
				x, dy, dw                             vk.Address
				images, maps, channels, groups, piece uint32
			}{b.of(op.X), b.of(op.DY), to, uint32(g.in[0]), uint32(g.maps), uint32(g.channels), uint32(g.groups), uint32(piece)})
		}),
	}}
	if op.DX != nil {
		s.dispatches = append(s.dispatches, c.product("conv_data", product{g.channels, g.in[0] * g.in[2] * g.in[3], g.groups, g.maps * g.Size * g.Size, g.constants()}, func(b *binder) []byte {
			return push(struct {
				w, dy, dx                      vk.Address
				images, maps, channels, groups uint32
			}{b.of(op.W), b.of(op.DY), b.of(op.DX), uint32(g.in[0]), uint32(g.maps), uint32(g.channels), uint32(g.groups)})
		}))
	}
	if pieces > 1 {
		s.work = 4 * int64(pieces*count)
		sum := c.elements("reduce", count, func(b *binder) []byte {
			return push(struct {
				x, y          vk.Address
				count, pieces uint32
			}{b.work(), b.of(op.DW), uint32(count), uint32(pieces)})
		})
		sum.behind = true
		s.dispatches = append(s.dispatches, sum)
	}
	return s
}
