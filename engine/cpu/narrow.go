package cpu

import (
	"unsafe"

	"alexnet/engine"
	"alexnet/engine/cpu/internal/bf16"
)

// narrow is the part of a context that computes in bfloat16: its layout of tensors and
// its lowering of ops.
//
// Tensors of floats are stored with their maps last, (N, H, W, C), so that the depth of a
// product and the window of normalisation are contiguous. Activations and their gradients
// are bfloat16. A parameter is split into two halves (bf16.Split): first all upper ones,
// its working copy, then all lower ones. Gradients of parameters, momentum and losses are
// float32.
type narrow struct {
	*Context
	set *bf16.Set
}

// half returns the number of bytes of one half of a parameter.
func half(t *engine.Tensor) int64 { return int64(roundUp(2*t.Shape.Len(), engine.ArenaAlign)) }

// size returns the number of bytes of t in the arena.
func (n *narrow) size(t *engine.Tensor) int64 {
	switch t.Type {
	case engine.Working:
		return 2 * int64(t.Shape.Len())
	case engine.Master:
		return 2 * half(t)
	}
	return int64(t.Shape.Len()) * int64(t.Type.HostSize())
}

// words returns the memory of a Working tensor, or the working copy of a Master one.
func (n *narrow) words(t *engine.Tensor) []uint16 {
	return wordsAt(owner(t).arena[t.Offset:], t.Shape.Len())
}

// low returns the lower halves of a Master tensor.
func (n *narrow) low(t *engine.Tensor) []uint16 {
	return wordsAt(n.arena[t.Offset+half(t):], t.Shape.Len())
}

func wordsAt(b []byte, n int) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

// values writes elements lo, lo+1, … of a Master tensor to dst.
func (n *narrow) values(dst []float32, t *engine.Tensor, lo int) {
	high, low := n.words(t)[lo:], n.low(t)[lo:]
	for i := range dst {
		dst[i] = bf16.Join(high[i], low[i])
	}
}

// transfer copies between a tensor and a slice of the host, which has maps before rows
// and columns.
func (n *narrow) transfer(t *engine.Tensor, host any, down bool) {
	order := newOrder(t)
	switch host := host.(type) {
	case []int32:
		exchange(n.ints(t), host, down)
	case []byte:
		device := n.bytes(t)
		order.each(func(d, h int) { move(&device[d], &host[h], down) })
	case []float32:
		switch t.Type {
		case engine.Float32:
			device := n.floats(t)
			order.each(func(d, h int) { move(&device[d], &host[h], down) })
		case engine.Master:
			high, low := n.words(t), n.low(t)
			if down {
				order.each(func(d, h int) { host[h] = bf16.Join(high[d], low[d]) })
				return
			}
			order.each(func(d, h int) { high[d], low[d] = bf16.Split(host[h]) })
		default:
			device := n.words(t)
			if down {
				order.each(func(d, h int) { host[h] = bf16.Float(device[d]) })
				return
			}
			order.each(func(d, h int) { device[d] = bf16.Round(host[h]) })
		}
	}
}

func move[T any](device, host *T, down bool) {
	if down {
		device, host = host, device
	}
	*device = *host
}

// order is the order of a tensor's elements in this context: maps last, except for
// pixels.
type order struct{ images, maps, area int }

func newOrder(t *engine.Tensor) order {
	s := t.Shape
	if t.Type == engine.Byte {
		return order{1, 1, s.Len()}
	}
	return order{s[0], s[1], s[2] * s[3]}
}

// each calls f for every element with its positions here and on the host.
func (o order) each(f func(device, host int)) {
	for n := range o.images {
		first := n * o.maps * o.area
		for c := range o.maps {
			for i := range o.area {
				f(first+i*o.maps+c, first+c*o.area+i)
			}
		}
	}
}

// carve divides a worker's scratch memory, or the shared workspace, into pieces that
// begin at a cache line. floatsOf counts their sizes.
type carve []float32

func (c *carve) floats(n int) []float32 {
	piece := (*c)[:n:n]
	*c = (*c)[min(len(*c), roundUp(n, 16)):]
	return piece
}

func (c *carve) words(n int) []uint16 { return halves(c.floats((n + 1) / 2))[:n:n] }

func (c *carve) pairs(n int) []uint32 {
	f := c.floats(n)
	return unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(f))), n)
}

// floatsOf returns the size in floats of pieces with that many floats each.
func floatsOf(pieces ...int) (n int) {
	for _, p := range pieces {
		n += roundUp(p, 16)
	}
	return n
}

// halves returns f's memory as words.
func halves(f []float32) []uint16 {
	return unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(f))), 2*len(f))
}

func address[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }

// width returns the width of tiles, in vectors, that wastes the fewest columns.
func (n *narrow) width(columns int) (vectors int) {
	best := 0
	for _, v := range []int{2, 3, 1} {
		if padded := roundUp(columns, 16*v); vectors == 0 || padded < best {
			vectors, best = v, padded
		}
	}
	return vectors
}

// height returns the height of tiles for this number of rows.
func (n *narrow) height(rows, vectors int) (height int) {
	best := 0
	for _, h := range n.set.Heights[vectors] {
		// A row of tiles costs as much as two vectors besides its sums.
		if cost := ceilDiv(rows, h) * (h*vectors + 2); height == 0 || cost < best {
			height, best = h, cost
		}
	}
	return height
}

// padPairs returns the number of words, at least n, to which segments of count·n words
// are padded so that multiplications are used well: it is even, and count·n/2 pairs have
// a divisor near the set's Step.
func (n *narrow) padPairs(words, count int) int {
	best, fewest := 0, 0
	for w := roundUp(words, 2); w < words+34; w += 2 {
		pairs := count * w / 2
		steps := pairs
		for s := min(n.set.Step, pairs); s > 0; s-- {
			if pairs%s == 0 {
				steps = pairs / s
				break
			}
		}
		if best == 0 || steps < fewest {
			best, fewest = w, steps
		}
		if n.set.Step == 1 {
			break
		}
	}
	return best
}

// pairSlice returns n pairs from p on.
func pairSlice(p unsafe.Pointer, n int) []uint32 { return unsafe.Slice((*uint32)(p), n) }
