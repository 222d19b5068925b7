package vulkan

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// tile says how product.glsl cuts a product: specialisation constants 0 to 8. A workgroup
// makes BM×BN sums in steps of BK terms, an invocation TM×TN of them. With the device's
// own matrices, a subgroup makes TM×TN of those. All tiles of a kind have the same BK,
// and so the same bits: a sum's terms are added in the same order.
type tile struct {
	threads, bm, bn, bk, tm, tn uint32
	matrices                    vk.Matrices
}

// numberTiles lists the tiles of single numbers: first those that a shape may choose, the
// largest first, then others that only time chooses.
var numberTiles = []tile{
	{256, 64, 64, 16, 4, 4, vk.Matrices{}},
	{64, 32, 32, 16, 4, 4, vk.Matrices{}},
	{64, 16, 16, 16, 2, 2, vk.Matrices{}},
	{256, 128, 128, 16, 8, 8, vk.Matrices{}},
	{256, 128, 64, 16, 8, 4, vk.Matrices{}},
	{128, 64, 64, 16, 8, 4, vk.Matrices{}},
	{64, 64, 64, 16, 8, 8, vk.Matrices{}},
	{128, 32, 64, 16, 4, 4, vk.Matrices{}},
	{64, 64, 16, 16, 4, 4, vk.Matrices{}},
}

// String names a tile.
func (t tile) String() string {
	if m := t.matrices; t.isMatrices() {
		return fmt.Sprintf("%dx%dx%d, %dx%d of %dx%dx%d each", t.bm, t.bn, t.bk, t.tm, t.tn, m.M, m.N, m.K)
	}
	return fmt.Sprintf("%dx%dx%d, %dx%d each", t.bm, t.bn, t.bk, t.tm, t.tn)
}

func (t tile) isMatrices() bool { return t.matrices != vk.Matrices{} }

// shared returns the bytes of shared memory of a tile.
func (t tile) shared() uint32 {
	if m := t.matrices; t.isMatrices() {
		subgroups := t.bm / (m.M * t.tm) * (t.bn / (m.N * t.tn))
		return 2*(t.bm*(t.bk+8)+t.bk*(t.bn+8)) + 4*subgroups*m.M*m.N + 16
	}
	return 4 * t.bk * (t.bm + t.bn + 2)
}

// fits reports whether the device can run the tile.
func (t tile) fits(l *vk.Limits) bool {
	return t.shared() <= l.MaxComputeSharedMemorySize && t.threads <= l.MaxComputeWorkGroupInvocations && t.threads <= l.MaxComputeWorkGroupSize[0]
}

// product is z products of m×n sums of k terms, by a shader that includes product.glsl
// and has more constants.
type product struct {
	m, n, z, terms int
	special        []uint32
}

// tileFor returns the tile for a product: the fastest, if the device has timed it.
// Otherwise it is the largest by shape that the device can run and whose sides a product
// of m×n sums fills at least half; the smallest if there is none.
func (c *Context) tileFor(shader string, p *product) tile {
	l := &c.device.GPU.Limits
	if c.forced != nil && c.forced.fits(l) {
		return *c.forced
	}
	if t, ok := c.device.choices.of(c.productKey(shader, p)); ok && c.timed && t.fits(l) && t.isMatrices() == c.tiles[0].isMatrices() {
		return t
	}
	smallest := c.tiles[0]
	for _, t := range c.tiles {
		if t.bm > smallest.bm {
			break // chosen by time only
		}
		if smallest = t; t.fits(l) && 2*uint32(p.m) > t.bm && 2*uint32(p.n) > t.bn {
			break
		}
	}
	return smallest
}

// product returns a dispatch of a product.
func (c *Context) product(shader string, p product, push func(*binder) []byte) dispatch {
	d := dispatch{shader: shader, product: &p, push: push}
	d.cut(c.tileFor(shader, &p))
	return d
}

// cut makes the dispatch of a product use a tile.
func (d *dispatch) cut(t tile) {
	p := d.product
	d.constants = append([]uint32{t.threads, t.bm, t.bn, t.bk, t.tm, t.tn, t.matrices.M, t.matrices.N, t.matrices.K}, p.special...)
	d.matrices = t.isMatrices()
	d.shared = int64(t.shared())
	d.groups = grid((p.n+int(t.bn)-1)/int(t.bn)*((p.m+int(t.bm)-1)/int(t.bm)), p.z)
}

// columnSum returns a dispatch for the gradients of biases: sums over the images and
// over area contiguous elements, for each of maps.
func (c *Context) columnSum(dy, db *engine.Tensor, maps, area int) dispatch {
	n := c.threads()
	return dispatch{shader: "columnsum", constants: []uint32{n}, shared: 4 * int64(n), groups: grid(maps, 1), push: func(b *binder) []byte {
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

// dense returns a dispatch of rows × images sums of terms terms. The weights are wm apart
// from row to row and wk from term to term.
func (c *Context) dense(w, bias, x, y *engine.Tensor, rows, terms, wm, wk int) dispatch {
	images := x.Shape[0]
	return c.product("dense", product{rows, images, 1, terms, []uint32{flag(wk == 1)}}, func(b *binder) []byte {
		return push(struct {
			w, b, x, y                            vk.Address
			rows, images, terms, wm, wk, isBiased uint32
		}{b.of(w), b.of(bias), b.of(x), b.of(y), uint32(rows), uint32(images), uint32(terms), uint32(wm), uint32(wk), flag(bias != nil)})
	})
}

func (c *Context) lowerDenseBackward(op engine.DenseBackward) step {
	inputs, units := op.X.Shape.Row(), op.DY.Shape[1]
	s := step{dispatches: []dispatch{
		c.columnSum(op.DY, op.DB, units, 1),
		c.product("dense_weights", product{units, inputs, 1, op.X.Shape[0], nil}, func(b *binder) []byte {
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
