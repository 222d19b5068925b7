package cpu

import "alexnet/engine"

// product is C (m×n) = A·B for dense layers. One stage packs A whole into the
// shared workspace; another takes tiles of denseN columns, packs B as it goes,
// and so reads A and B once from memory.
type product struct {
	m, n, k int
	a, b    *engine.Tensor
	// aTransposed and bTransposed mean that the operand is stored as its transpose: A as
	// k×m, B as n×k.
	aTransposed, bTransposed bool
	c                        *engine.Tensor
	bias                     *engine.Tensor // per column, or nil
	relu                     bool
}

// denseN is the width of a dense layer's tile, about 128. With batches of 128, the
// part of A that one block of B is multiplied by is only 128 KB, so a narrow tile is
// wide enough.
func (c *Context) denseN() int { return max(128/c.kernels.NR, 1) * c.kernels.NR }

func (c *Context) lowerProduct(g product) lowered {
	mr, nr, denseN := c.kernels.MR, c.kernels.NR, c.denseN()
	panels, tiles := ceilDiv(g.m, mr), ceilDiv(g.n, denseN)
	stride := g.k * mr
	pack := func(w *worker, i int) {
		dst, a := c.shared[i*stride:], c.floats(g.a)
		if g.aTransposed {
			c.packPanelTransposed(dst, a, g.m, g.k, g.m, i)
			return
		}
		// The panel is packed in scratch memory first, because its extra floats would race with
		// the worker of the next panel.
		c.packPanel(w, w.scratch, a, g.m, g.k, g.k, i)
		copy(dst[:stride], w.scratch)
	}
	rows := func(columns int) []int { // their starts in a tile of a transposed B; the last one is repeated
		at := make([]int, denseN)
		for j := range at {
			at[j] = min(j, columns-1) * g.k
		}
		return at
	}
	whole, rest := rows(denseN), rows(g.n-(tiles-1)*denseN)
	blocks := ceilDiv(g.k, c.kernels.Block.K)
	depth := ceilDiv(g.k, blocks)
	run := func(w *worker, tile int) {
		b, out := c.floats(g.b), c.floats(g.c)
		j := tile * denseN
		n, at := denseN, whole
		if tile == tiles-1 {
			n, at = g.n-j, rest
		}
		for k0 := 0; k0 < g.k; k0 += depth {
			k := min(depth, g.k-k0)
			if g.bTransposed {
				c.packTransposed(w.scratch, b[j*g.k+k0:], at, n, 1, k, 0)
			} else {
				c.kernels.PackPanels(pointer(w.scratch), k*nr, pointer(b[k0*g.n+j:]), g.n, k, ceilDiv(n, nr))
			}
			c.multiply(w, g.m, n, k, c.shared[k0*mr:], stride, w.scratch, out[j:], g.n, k0 > 0)
		}
		if g.bias != nil {
			finishColumns(out[j:], g.n, g.m, n, c.floats(g.bias)[j:], g.relu)
		}
	}
	return lowered{
		shared:  c.packedA(g.m, g.k),
		scratch: max(c.packedB(depth, denseN), stride) + c.spill(),
		stages:  []stage{{panels, pack}, {tiles, run}},
	}
}

// fewImages is the largest number of images for which a dense layer computes its products
// one by one. For so few products, packing the weights costs more than it saves.
const fewImages = 4

// fewInferred is fewImages for inferring programs: they read their weights from memory,
// and eight images take hardly longer than one.
const fewInferred = 8

// lowerDots computes a dense layer of n images from k to o ≥ 4 units, four units at a
// time. Their weights stay in the second-level cache until all images are computed.
func (c *Context) lowerDots(op engine.DenseForward, n, o, k int, relu bool) lowered {
	const width = 64
	parts := max(1, o/width) // the last part takes the remainder
	return lowered{stages: []stage{{parts, func(_ *worker, part int) {
		x, weights, y := c.floats(op.X), c.floats(op.W), c.floats(op.Y)
		first, end := part*width, (part+1)*width
		if part == parts-1 {
			end = o
		}
		for j := first; j < end; j += 4 {
			at := min(j, end-4) // the last four may repeat units
			i := 0
			for _, d := range c.kernels.Dots {
				for ; i+d.Images <= n; i += d.Images {
					d.Run(pointer(y[i*o+at:]), o, pointer(x[i*k:]), k, pointer(weights[at*k:]), k, k)
				}
			}
		}
		finishColumns(y[first:], o, n, end-first, c.floats(op.B)[first:], relu)
	}}}}
}

// finishColumns adds a bias per column, and applies ReLU if relu is set.
func finishColumns(dst []float32, ldc, m, n int, bias []float32, relu bool) {
	bias = bias[:n]
	for r := range m {
		row := dst[r*ldc:][:n]
		for i, b := range bias {
			v := row[i] + b
			if relu {
				v = max(v, 0)
			}
			row[i] = v
		}
	}
}

func (c *Context) lowerDenseForward(op engine.DenseForward, relu, constant bool) lowered {
	n, k, o := op.X.Shape[0], op.X.Shape.Row(), op.Y.Shape[1]
	l := c.lowerProduct(product{m: n, n: o, k: k, a: op.X, b: op.W, bTransposed: true, c: op.Y, bias: op.B, relu: relu})
	few := fewImages
	if constant {
		few = fewInferred
	}
	if n <= few && o >= 4 {
		l = c.lowerDots(op, n, o, k, relu)
	}
	if relu {
		l.skip = 1
	}
	return l
}

func (c *Context) lowerDenseBackward(op engine.DenseBackward) lowered {
	n, k, o := op.X.Shape[0], op.X.Shape.Row(), op.DY.Shape[1]
	l := c.lowerProduct(product{m: o, n: k, k: n, a: op.DY, aTransposed: true, b: op.X, c: op.DW})
	l.stages = append(l.stages, c.columnSums(op.DY, op.DB, n, o))
	if op.DX == nil {
		return l
	}
	d := c.lowerProduct(product{m: n, n: k, k: o, a: op.DY, b: op.W, c: op.DX})
	l.shared, l.scratch = max(l.shared, d.shared), max(l.scratch, d.scratch)
	l.stages = append(l.stages, d.stages...)
	return l
}

// columnSums is the stage that sums an n×o matrix over its rows.
func (c *Context) columnSums(x, sum *engine.Tensor, n, o int) stage {
	const width = 64
	return stage{ceilDiv(o, width), func(w *worker, part int) {
		j := part * width
		rows, out := c.floats(x), c.floats(sum)[j:min(o, j+width)]
		clear(out)
		for i := range n {
			c.kernels.Add(out, rows[i*o+j:][:len(out)])
		}
	}}
}
