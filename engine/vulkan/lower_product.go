package vulkan

import (
	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// tile says how product.glsl cuts a product: specialisation constants 0 to 5. A
// workgroup makes BM×BN sums in steps of BK terms, an invocation TM×TN of them. With
// any tile, a sum's terms are added in the same order.
type tile struct{ threads, bm, bn, bk, tm, tn uint32 }

// tiles lists the tiles to choose from, the largest first.
var tiles = []tile{
	{256, 64, 64, 16, 4, 4},
	{64, 32, 32, 16, 4, 4},
	{64, 16, 16, 16, 2, 2},
}

// shared returns the bytes of shared memory that a tile takes.
func (t tile) shared() uint32 { return 4 * t.bk * (t.bm + t.bn + 2) }

// tileFor returns the largest tile that the device has room for, and that a product
// of m×n sums fills at least half in each direction; the smallest if there is none.
func (c *Context) tileFor(m, n int) tile {
	l := &c.device.GPU.Limits
	for _, t := range tiles {
		if t.shared() <= l.MaxComputeSharedMemorySize && t.threads <= l.MaxComputeWorkGroupInvocations &&
			2*uint32(m) > t.bm && 2*uint32(n) > t.bn {
			return t
		}
	}
	return tiles[len(tiles)-1]
}

// product returns a dispatch of a shader that includes product.glsl, for z products
// of m×n sums.
func (c *Context) product(shader string, m, n, z int, special []uint32, push func(*binder) []byte) dispatch {
	t := c.tileFor(m, n)
	constants := append([]uint32{t.threads, t.bm, t.bn, t.bk, t.tm, t.tn}, special...)
	return dispatch{shader: shader, constants: constants, push: push, shared: int64(t.shared()),
		groups: grid((n+int(t.bn)-1)/int(t.bn)*((m+int(t.bm)-1)/int(t.bm)), z)}
}

// columnSum returns a dispatch for the gradients of biases: sums over the images and
// over area contiguous elements, for each of maps.
func columnSum(dy, db *engine.Tensor, maps, area int) dispatch {
	return dispatch{shader: "columnsum", constants: []uint32{threads}, shared: 4 * threads, groups: grid(maps, 1), push: func(b *binder) []byte {
		return push(struct {
			dy, db             vk.Address
			images, maps, area uint32
		}{b.of(dy), b.of(db), uint32(dy.Shape[0]), uint32(maps), uint32(area)})
	}}
}

func (c *Context) lowerDenseForward(op engine.DenseForward) step {
	inputs, units := op.X.Shape.Row(), op.Y.Shape[1]
	return one(c.dense(op.W, op.B, op.X, op.Y, units, inputs, inputs, 1))
}

// dense returns a dispatch of rows × images sums of that many terms. The weights are
// wm apart from row to row and wk from term to term.
func (c *Context) dense(w, bias, x, y *engine.Tensor, rows, terms, wm, wk int) dispatch {
	images := x.Shape[0]
	return c.product("dense", rows, images, 1, []uint32{flag(wk == 1)}, func(b *binder) []byte {
		return push(struct {
			w, b, x, y                            vk.Address
			rows, images, terms, wm, wk, isBiased uint32
		}{b.of(w), b.of(bias), b.of(x), b.of(y), uint32(rows), uint32(images), uint32(terms), uint32(wm), uint32(wk), flag(bias != nil)})
	})
}

func (c *Context) lowerDenseBackward(op engine.DenseBackward) step {
	inputs, units := op.X.Shape.Row(), op.DY.Shape[1]
	s := step{dispatches: []dispatch{
		columnSum(op.DY, op.DB, units, 1),
		c.product("dense_weights", units, inputs, 1, nil, func(b *binder) []byte {
			return push(struct {
				x, dy, dw             vk.Address
				units, inputs, images uint32
			}{b.of(op.X), b.of(op.DY), b.of(op.DW), uint32(units), uint32(inputs), uint32(op.X.Shape[0])})
		}),
	}}
	if op.DX != nil {
		s.dispatches = append(s.dispatches, c.dense(op.W, nil, op.DY, op.DX, inputs, units, 1, inputs))
	}
	return s
}
