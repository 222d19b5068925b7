package cpu

import (
	"slices"

	"alexnet/engine"
	"alexnet/engine/cpu/internal/bf16"
)

// narrowProduct is C (m×n) = A·B for dense layers, in bfloat16. One stage packs the
// whole of A into the shared workspace, as rows of k words with padding. Another
// takes blocks of columns, packs their B, one piece of the depth at a time, and
// finishes them.
type narrowProduct struct {
	m, n, k int
	packA   func(a []uint16, ld, row int) // one row
	// packB packs pairs first, …, first+count of the columns' B, panel after panel of width
	// vectors.
	packB func(b []uint32, first, count, column, columns, vectors int)
	kept  *constant      // packed B that is kept from one run to the next, or nil
	bias  *engine.Tensor // or nil
	relu  bool
	c     *engine.Tensor // Working
}

// A part packs denseDepth pairs of B at a time, for denseColumns columns: 384 KB, which
// stay in the second-level cache beside as much of A.
const (
	denseDepth   = 768
	denseColumns = 128
)

func (n *narrow) lowerProduct(g narrowProduct) lowered {
	v := 2
	if g.n <= 16 {
		v = 1
	}
	height := n.height(g.m, v)
	columns := 16 * v
	k := n.padPairs(g.k, 1)
	pairs := k / 2
	depth := roundUp(ceilDiv(pairs, ceilDiv(pairs, denseDepth)), n.set.Step)
	ld := roundUp(k, 32) + 32
	if ld/32%2 == 0 {
		ld += 32
	}
	width := min(denseColumns, roundUp(g.n, columns))
	var groups []bf16.Group
	for r := 0; r < g.m; r += height {
		groups = append(groups, bf16.Group{A: 2 * r * ld, C: 4 * r * width})
	}
	rows := len(groups) * height
	segments := []bf16.Segment{{}}
	pack := func(_ *worker, row int) { g.packA(halves(n.shared)[row*ld:][:ld], ld, row) }
	parts := ceilDiv(g.n, width)
	// keptB returns the beginning of a part's kept B, from a pair on.
	keptB := func(part, first int) []uint32 {
		return pairSlice(address(g.kept.of(n.Context)[(part*pairs+first)*width:]), min(depth, pairs-first)*width)
	}
	if g.kept != nil {
		g.kept.floats = parts * pairs * width
	}
	packWhole := n.keep(g.kept, stage{parts, func(_ *worker, part int) {
		for first := 0; first < pairs; first += depth {
			g.packB(keptB(part, first), first, min(depth, pairs-first), part*width, min(width, g.n-part*width), v)
		}
	}})
	run := func(w *worker, part int) {
		scratch := carve(w.scratch)
		b, sums, bias := scratch.pairs(depth*width), scratch.floats(rows*width), scratch.floats(width)
		j := part * width
		count := min(width, g.n-j)
		for first := 0; first < pairs; first += depth {
			d := min(depth, pairs-first)
			if g.kept != nil {
				b = keptB(part, first)
			} else {
				g.packB(b, first, d, j, count, v)
			}
			for at := 0; at < count; at += columns {
				w.product = bf16.Product{C: address(sums[at:]), LDC: 4 * width, A: address(halves(n.shared)[2*first:]), LDA: 2 * ld,
					B: address(b[at*d:]), LDB: 4 * columns, Segments: &segments[0], Count: 1, Pairs: d,
					Vectors: v, Height: height, Groups: groups}
				if first > 0 {
					w.product.Accumulate = 1
				}
				n.set.Gemm(&w.product)
			}
		}
		bias = bias[:count]
		clear(bias)
		if g.bias != nil {
			n.values(bias, g.bias, j)
		}
		n.set.Finish(&n.words(g.c)[j], g.n, &sums[0], width, bias, g.m, g.relu)
	}
	l := lowered{
		shared:   floatsOf((rows*ld + 64) / 2),
		scratch:  floatsOf(depth*width, rows*width, width),
		stages:   []stage{{g.m, pack}, {parts, run}},
		constant: g.kept,
	}
	if g.kept != nil {
		l.stages = append(packWhole, l.stages...)
	}
	return l
}

// fewKept is the largest number of images for which an inferring program keeps a dense
// layer's weights packed. For more images packing takes a small part of the time, and the
// memory, as much as the weights', matters more.
const fewKept = 16

// packRow copies a row of n words and appends zeros.
func packRow(dst, src []uint16, n int) { clear(dst[copy(dst, src[:n]):]) }

func (n *narrow) lowerDenseForward(op engine.DenseForward, relu, constantWeights bool) lowered {
	images, k, o := op.X.Shape[0], op.X.Shape.Row(), op.Y.Shape[1]
	var kept *constant
	if constantWeights && images <= fewKept {
		kept = &constant{weights: op.W}
	}
	l := n.lowerProduct(narrowProduct{
		m: images, n: o, k: k, kept: kept, bias: op.B, relu: relu, c: op.Y,
		packA: func(a []uint16, _, row int) { packRow(a, n.words(op.X)[row*k:], k) },
		packB: func(b []uint32, first, count, column, columns, vectors int) {
			panel := 16 * vectors
			words := min(2*count, k-2*first)
			for j := 0; j < columns; j += panel {
				dst := b[j*count:][:panel*count]
				if words < 2*count-1 {
					clear(dst)
				}
				n.set.TurnPairs(&dst[0], panel, &n.words(op.W)[(column+j)*k+2*first], k, min(panel, columns-j), words)
			}
		},
	})
	if relu {
		l.skip = 1
	}
	return l
}

// lowerDenseBackward computes the gradients. If an update of W follows, and no other
// op reads the gradient of W, each piece of the weights is updated while its gradient
// is in cache; the gradient is then not stored.
func (n *narrow) lowerDenseBackward(op engine.DenseBackward, update *engine.Update) lowered {
	images, k, o := op.X.Shape[0], op.X.Shape.Row(), op.DY.Shape[1]
	weights := n.lowerDenseWeights(op, update, images, k, o)
	if update != nil {
		weights.skip = 1
	}
	if op.DX == nil {
		return weights
	}
	l := n.lowerProduct(narrowProduct{
		m: images, n: k, k: o, c: op.DX,
		packA: func(a []uint16, _, row int) { packRow(a, n.words(op.DY)[row*o:], o) },
		packB: func(b []uint32, first, count, column, columns, vectors int) {
			panel := 16 * vectors
			rows := min(2*count, o-2*first)
			w := n.words(op.W)
			// A few rows at a time, so that neighbours in memory are read together.
			for r := 0; r < rows; r += 8 {
				for j := 0; j < columns; j += panel {
					n.set.Interleave(&b[j*count+r/2*panel], panel, &w[(2*first+r)*k+column+j], k, min(8, rows-r), min(panel, columns-j))
				}
			}
			for j := 0; j < columns; j += panel {
				clear(b[j*count+(rows+1)/2*panel : (j+panel)*count])
			}
		},
	})
	l = l.then(weights) // the gradient of X reads W before it is updated
	l.skip = weights.skip
	return l
}

// updateBehind returns the update of op's weights that directly follows ops[i], if no
// other op reads their gradient.
func updateBehind(ops []engine.Op, i int, op engine.DenseBackward) *engine.Update {
	if i+1 >= len(ops) || op.DW.Life != engine.Scratch {
		return nil
	}
	u, ok := ops[i+1].(engine.Update)
	if !ok || u.W != op.W || u.G != op.DW {
		return nil
	}
	for _, later := range ops[i+2:] {
		if slices.Contains(later.Reads(), op.DW) {
			return nil
		}
	}
	return &u
}

// A part computes the gradients of denseRows units' weights, for denseBand inputs at a
// time: 229 KB.
const (
	denseRows = 56
	denseBand = 1024
)

// lowerDenseWeights computes DW = DYᵀ·X and DB. All of X is packed first, in pairs of
// images.
func (n *narrow) lowerDenseWeights(op engine.DenseBackward, update *engine.Update, images, k, o int) lowered {
	pairs := n.padPairs(images, 1) / 2
	const v, columns = 2, 32
	panels := ceilDiv(k, columns)
	ld := roundUp(2*pairs, 32)
	if ld/32%2 == 0 {
		ld += 32
	}
	height := n.height(min(o, denseRows), v)
	rows := roundUp(min(o, denseRows), height)
	width := min(denseBand, panels*columns)
	segments := []bf16.Segment{{}}
	const band = denseBand / columns // panels
	packX := func(_ *worker, part int) {
		lo, hi := part*band, min(panels, (part+1)*band)
		x := n.words(op.X)
		for j := lo; j < hi; j++ {
			dst := pairSlice(address(n.shared[j*pairs*columns:]), pairs*columns)
			n.set.Interleave(&dst[0], columns, &x[j*columns], k, images, min(columns, k-j*columns))
			clear(dst[(images+1)/2*columns:])
		}
	}
	var groups []bf16.Group
	for r := 0; r < rows; r += height {
		groups = append(groups, bf16.Group{A: 2 * r * ld, C: 4 * r * width})
	}
	run := func(w *worker, part int) {
		first := part * denseRows
		count := min(denseRows, o-first)
		scratch := carve(w.scratch)
		a, sums := scratch.words((rows+16)*ld), scratch.floats(rows*width)
		dy, db := n.words(op.DY), n.floats(op.DB)
		for r := range count {
			clear(a[r*ld+images/32*32:][:ld-images/32*32])
		}
		n.set.TurnWords(&a[0], ld, &dy[first], o, images, count)
		clear(db[first:][:count])
		n.set.ColumnSums(db[first:][:count], &dy[first], o, images)
		for j := 0; j < panels; j += band {
			hi := min(panels, j+band)
			for i := j; i < hi; i++ {
				w.product = bf16.Product{C: address(sums[(i-j)*columns:]), LDC: 4 * width, A: address(a), LDA: 2 * ld,
					B: address(n.shared[i*pairs*columns:]), LDB: 4 * columns, Segments: &segments[0], Count: 1, Pairs: pairs,
					Vectors: v, Height: height, Groups: groups[:ceilDiv(count, height)]}
				n.set.Gemm(&w.product)
			}
			lo, length := j*columns, min(k, hi*columns)-j*columns
			for r := range count {
				at, g := (first+r)*k+lo, sums[r*width:][:length]
				if update == nil {
					copy(n.floats(op.DW)[at:], g)
				} else {
					n.update(update, at, length, g)
				}
			}
		}
	}
	return lowered{
		shared:  roundUp(pairs*columns*panels, 16),
		scratch: floatsOf((rows+16)*ld/2+1, rows*width),
		stages:  []stage{{ceilDiv(panels, band), packX}, {ceilDiv(o, denseRows), run}},
	}
}
