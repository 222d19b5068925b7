package cpu

import (
	"alexnet/engine"
)

// Normalisation over maps and the max-pooling after it run as one, and so do their
// gradients and that of a ReLU before them. The normalised maps, and their gradient,
// would be among a net's largest tensors; so they are never stored. A part is one group
// of one image, some rows at a time.

// pooledLRN is the common part of these two ops.
type pooledLRN struct {
	*across
	engine.Window
	w, h, ow, oh int
	step         int // rows of windows that are computed at a time
	rows         int // rows of the maps that these windows cover
}

func (n *across) pooled(win engine.Window, x, y engine.Shape) *pooledLRN {
	p := &pooledLRN{across: n, Window: win, h: x[2], w: x[3], oh: y[2], ow: y[3]}
	p.step = ceilDiv(lrnWidth, win.Stride*p.w)
	p.rows = (p.step-1)*win.Stride + win.Size
	return p
}

// pitch is the distance of maps in a part's scratch memory in floats: rows of pixels, and
// one float that a pooling kernel may read.
func (p *pooledLRN) pitch() int { return p.rows*p.w + 1 }

// poolBehind returns the pooling after a normalisation if both run as one: its windows
// touch and lie inside the map, and no other op reads the normalised maps.
func poolBehind(ops []engine.Op, i int, lrn engine.LRNForward) (pool engine.MaxPoolForward, ok bool) {
	if pool, ok = following[engine.MaxPoolForward](ops, i+1); !ok || pool.X != lrn.Y || lrn.Y.Life != engine.Scratch {
		return pool, false
	}
	readers := 0
	for _, op := range ops {
		for _, t := range op.Reads() {
			if t == lrn.Y {
				readers++
			}
		}
	}
	return pool, readers == 1 && poolable(lrn.Response, pool.Window, lrn.X.Shape, pool.Y.Shape)
}

// lrnBehind returns the gradient of a normalisation that follows that of a pooling, if
// both run as one, and whether the gradient of a ReLU after them does, too.
func lrnBehind(ops []engine.Op, i int, pool engine.MaxPoolBackward) (lrn engine.LRNBackward, relu, ok bool) {
	lrn, ok = following[engine.LRNBackward](ops, i+1)
	if !ok || lrn.DY != pool.DX || lrn.DX != pool.DX || !poolable(lrn.Response, pool.Window, lrn.X.Shape, pool.DY.Shape) {
		return lrn, false, false
	}
	a, relu := following[engine.ActivateBackward](ops, i+2)
	relu = relu && a.Function == engine.ReLU && a.Y == lrn.X && a.DY == pool.DX && a.DX == pool.DX
	return lrn, relu, true
}

func poolable(r engine.Response, win engine.Window, x, y engine.Shape) bool {
	reach := func(windows int) int { return (windows-1)*win.Stride + win.Size } // pixels along an axis
	return !r.Within && win.Pad == 0 && win.Stride <= win.Size && reach(y[2]) <= x[2] && reach(y[3]) <= x[3]
}

// following returns ops[i] if it is a well-formed T.
func following[T engine.Op](ops []engine.Op, i int) (op T, ok bool) {
	if i < len(ops) {
		op, ok = ops[i].(T)
	}
	return op, ok && engine.CheckOp(ops[i]) == nil
}

func (c *Context) lowerLRNPool(lrn engine.LRNForward, pool engine.MaxPoolForward) lowered {
	x, y := lrn.X.Shape, pool.Y.Shape
	p := newAcross(c.kernels, lrn.Response, lrn.Groups, x).pooled(pool.Window, x, y)
	area, pitch := p.oh*p.ow, p.pitch()
	bands := min(ceilDiv(p.oh, p.step), ceilDiv(fewParts, p.images*p.groups))
	return lowered{skip: 1, scratch: p.maps * pitch, stages: []stage{{p.images * p.groups * bands, func(w *worker, part int) {
		first, band := part/bands*p.maps, part%bands
		in, out := c.floats(lrn.X)[first*p.area:], c.floats(pool.Y)[first*area:]
		var at []byte
		if pool.At != nil {
			at = c.bytes(pool.At)[first*area:]
		}
		kept := 0 // rows that the windows above covered, too
		for oy, end := band*p.oh/bands, (band+1)*p.oh/bands; oy < end; oy += p.step {
			windows := min(p.step, end-oy)
			rows := (windows-1)*p.Stride + p.Size
			top := (oy*p.Stride + kept) * p.w
			p.forward(in[top:], w.scratch[kept*p.w:], pitch, (rows-kept)*p.w)
			for m := range p.maps {
				plane := w.scratch[m*pitch:][:pitch]
				for i := range windows {
					o := m*area + (oy+i)*p.ow
					var position *byte
					if at != nil {
						position = &at[o]
					}
					c.kernels.MaxPool(&plane[i*p.Stride*p.w], p.w, p.Size, p.Stride, &out[o], position, p.ow)
				}
				copy(plane, plane[windows*p.Stride*p.w:rows*p.w])
			}
			kept = p.Size - p.Stride
		}
	}}}}
}

func (c *Context) lowerLRNPoolBackward(pool engine.MaxPoolBackward, lrn engine.LRNBackward, relu bool) lowered {
	x, y := lrn.X.Shape, pool.DY.Shape
	p := newAcross(c.kernels, lrn.Response, lrn.Groups, x).pooled(pool.Window, x, y)
	area, rest := p.oh*p.ow, p.h-(p.oh-1)/p.step*p.step*p.Stride // rows of the last step
	p.rows = max(p.rows, rest)
	pitch := p.pitch()
	var within [256]int // offset of each position in a window from the window's corner
	for position := range p.Size * p.Size {
		within[position] = position/p.Size*p.w + position%p.Size
	}
	skip := 1
	if relu {
		skip = 2
	}
	return lowered{skip: skip, scratch: p.maps * (pitch + 2*p.rows*p.w), stages: []stage{{p.images * p.groups, func(w *worker, part int) {
		first := part * p.maps
		in, out := c.floats(lrn.X)[first*p.area:], c.floats(lrn.DX)[first*p.area:]
		dy, at := c.floats(pool.DY)[first*area:], c.bytes(pool.At)[first*area:]
		pooled, scratch := w.scratch[:p.maps*pitch], w.scratch[p.maps*pitch:]
		clear(pooled)
		for oy := 0; oy < p.oh; oy += p.step {
			windows := min(p.step, p.oh-oy)
			done := windows * p.Stride // rows that no window below covers
			if oy+windows == p.oh {
				done = p.h - oy*p.Stride
			}
			for m := range p.maps {
				plane, o := pooled[m*pitch:][:pitch], m*area+oy*p.ow
				for i := range windows {
					from, places := dy[o+i*p.ow:][:p.ow], at[o+i*p.ow:][:p.ow]
					to := i * p.Stride * p.w
					for ox, v := range from {
						plane[to+within[places[ox]]] += v
						to += p.Stride
					}
				}
			}
			top, width := oy*p.Stride*p.w, done*p.w
			p.backward(scratch, in[top:], pooled, pitch, out[top:], width)
			for m := range p.maps {
				if relu {
					dx := out[m*p.area+top:][:width]
					c.kernels.ReLUBackward(in[m*p.area+top:][:width], dx, dx)
				}
				plane := pooled[m*pitch:][:pitch]
				clear(plane[copy(plane, plane[width:]):])
			}
		}
	}}}}
}
