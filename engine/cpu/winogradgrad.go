package cpu

import (
	"sync/atomic"

	"alexnet/engine"
)

// lowerWinogradWeights computes DW through the same transforms as the forward pass,
// transposed: with U the gradient of the transformed weights,
//
//	U = Σ (A·DY·Aᵀ) ⊙ (Bᵀ·X·B) over tiles,  DW = Gᵀ·U·G,
//
// a product of output maps × tiles and tiles × input maps for each entry. Parts are
// chunks of blocks, whose partial sums are added in order. by computes the same by
// definition, and is used if DW isn't finite everywhere; its last stage computes DB.
func (c *Context) lowerWinogradWeights(op engine.ConvBackward, s convShape, by lowered) lowered {
	w := newWinograd(s, c.kernels, c.kernels.Block.N)
	mr, nr, lanes, turn := c.kernels.MR, c.kernels.NR, c.kernels.Lanes, c.kernels.TransposeRows
	out := side{w.filter.Out, 0, s.oh, s.ow, s.out, s.groups * s.yg, w.filter.Gradient}
	// The input's tiles are transformed for each slice of output maps again.
	slices := ceilDiv(s.out, 2*c.kernels.Block.M)
	slice := ceilDiv(s.out, slices)
	entries := w.entries
	total := entries * s.groups * s.out * s.in
	chunks := max(1, min(maxChunks, w.blocks, maxPartial/total))
	perChunk := ceilDiv(w.blocks, chunks)
	chunks = ceilDiv(w.blocks, perChunk)
	entryA, entryB := c.packedA(slice, w.tiles())+c.spill(), c.packedB(w.tiles(), s.in)
	at := make([]int, turn) // the start of each staged map
	for i := range at {
		at[i] = i * entries * w.stagePlane()
	}

	// packTiles packs maps first, …, first+count of one side in panels of `panel` maps,
	// entry after entry.
	packTiles := func(k *worker, s *side, dst []float32, entry, panel int, x []float32, first, count, block int) (n int) {
		stage, slab := k.scratch[:turn*entries*w.stagePlane()], k.scratch[turn*entries*w.stagePlane():]
		n = w.tilesIn(block)
		for p := 0; p < count; p += panel {
			// From a panel's last maps to its first, as in packPanel.
			maps := min(panel, count-p)
			for m := (maps - 1) / turn * turn; m >= 0; m -= turn {
				for i := range min(turn, panel-m) {
					w.stageTiles(s, stage[at[i]:], slab, x, first+min(p+m+i, count-1), block)
				}
				for e := range entries {
					c.kernels.PackTranspose(pointer(dst[e*entry+p*n+m:]), panel, pointer(stage[e*w.stagePlane():]), &at[0], 1, n, 0)
				}
			}
		}
		return n
	}
	slab := max(w.slab(&w.input), w.slab(&out))
	staging := turn*entries*w.stagePlane() + slab
	run := func(k *worker, part int) {
		chunk, g, first := part/(s.groups*slices), part/slices%s.groups, part%slices*slice
		maps := min(slice, s.out-first)
		a := k.scratch[staging:][:entries*entryA]
		b := k.scratch[staging+len(a):]
		x, dy := c.floats(op.X)[g*s.xg:], c.floats(op.DY)[g*s.yg:]
		for block := chunk * perChunk; block < min(w.blocks, (chunk+1)*perChunk); block++ {
			packTiles(k, &out, a, entryA, mr, dy, first, maps, block)
			n := packTiles(k, &w.input, b, entryB, nr, x, 0, s.in, block)
			for e := range entries {
				u := c.shared[chunk*total+((g*entries+e)*s.out+first)*s.in:]
				c.multiply(k, maps, s.in, n, a[e*entryA:], n*mr, b[e*entryB:], u, s.in, block > chunk*perChunk)
			}
		}
	}

	var odd atomic.Bool
	finish := func(k *worker, part int) { // part is an output map of all groups
		g, o := part/s.out, part%s.out
		plane := roundUp(s.in, lanes)
		rows, weights := k.scratch[:entries*plane], k.scratch[entries*plane:]
		for e := range entries {
			row, from := rows[e*plane:][:s.in], c.shared[((g*entries+e)*s.out+o)*s.in:]
			copy(row, from)
			for chunk := 1; chunk < chunks; chunk++ {
				c.kernels.Add(row, from[chunk*total:][:s.in])
			}
		}
		dw := c.floats(op.DW)[part*s.patch:][:s.patch]
		w.filter.WeightGradient(pointer(weights), pointer(rows), plane, s.in)
		size := s.Size * s.Size
		for i := range size {
			for m, v := range weights[i*plane:][:s.in] {
				dw[m*size+i] = v
			}
		}
		if !c.kernels.Finite(dw) {
			odd.Store(true)
		}
	}
	l := lowered{
		shared:  max(chunks*total, by.shared),
		scratch: max(staging+entries*(entryA+entryB)+c.spill(), (entries+s.Size*s.Size)*roundUp(s.in, lanes), by.scratch),
		stages:  []stage{{chunks * s.groups * slices, run}, {s.groups * s.out, finish}},
	}
	last := len(by.stages) - 1
	for _, again := range by.stages[:last] {
		l.stages = append(l.stages, stage{again.parts, func(k *worker, part int) {
			if odd.Load() {
				again.run(k, part)
			}
		}})
	}
	l.stages = append(l.stages, by.stages[last], stage{1, func(*worker, int) { odd.Store(false) }})
	return l
}
