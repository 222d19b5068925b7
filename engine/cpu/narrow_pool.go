package cpu

import (
	"slices"

	"alexnet/engine"
	"alexnet/engine/cpu/internal/bf16"
)

func (n *narrow) lowerMaxPoolForward(op engine.MaxPoolForward) lowered {
	in, out := op.X.Shape, op.Y.Shape
	maps := in[1]
	rows, columns := reaches(op.Window, out[2], in[2]), reaches(op.Window, out[3], in[3])
	return lowered{stages: []stage{{in[0] * out[2], func(_ *worker, part int) {
		image, oy := part/out[2], part%out[2]
		x := n.words(op.X)[image*in.Row():][:in.Row()]
		first := part * out[3] * maps
		y := n.words(op.Y)[first:]
		var at []byte
		if op.At != nil {
			at = n.bytes(op.At)[first:]
		}
		r := rows[oy]
		for ox, c := range columns {
			w := bf16.PoolWindow{Pitch: in[3] * maps, Step: maps, Rows: r.count, Columns: c.count,
				First: r.skipped*op.Size + c.skipped, Skip: op.Size - c.count}
			var position *byte
			if at != nil {
				position = &at[ox*maps]
			}
			n.set.MaxPool(&y[ox*maps], position, &x[(r.first*in[3]+c.first)*maps], w, maps)
		}
	}}}}
}

// reaches lists, for each window along an axis of n pixels, the part inside the axis.
func reaches(w engine.Window, windows, n int) []reach {
	list := make([]reach, windows)
	for i := range list {
		list[i] = inside(w, i, n)
	}
	return list
}

// reach is the part of a window inside an axis: pixels first, …, first+count−1. The first
// skipped pixels of the window are outside.
type reach struct{ first, count, skipped int }

func inside(w engine.Window, at, n int) reach {
	lo := at*w.Stride - w.Pad
	s := reach{first: max(0, lo), skipped: max(0, -lo)}
	s.count = min(n, lo+w.Size) - s.first
	return s
}

// lowerMaxPoolBackward gathers each pixel's gradient from the windows that cover it, in
// their order.
func (n *narrow) lowerMaxPoolBackward(op engine.MaxPoolBackward) lowered {
	in := op.DX.Shape
	gather := n.gather(op)
	return lowered{stages: []stage{{in[0] * in[2], func(_ *worker, part int) {
		gather(n.words(op.DX)[part*in[3]*in[1]:], part)
	}}}}
}

// gather returns a function that computes one of all images' rows of DX.
func (n *narrow) gather(op engine.MaxPoolBackward) func(dx []uint16, line int) {
	in, out := op.DX.Shape, op.DY.Shape
	maps := in[1]
	rows, columns := over(op.Window, in[2], out[2]), over(op.Window, in[3], out[3])
	// The sources of a pixel, by its row's and its column's patterns.
	sources := make([][]bf16.Source, len(rows.patterns)*len(columns.patterns))
	for i, r := range rows.patterns {
		for j, c := range columns.patterns {
			for _, a := range r {
				for _, b := range c {
					sources[i*len(columns.patterns)+j] = append(sources[i*len(columns.patterns)+j],
						bf16.Source{Offset: (a.Offset*out[3] + b.Offset) * maps, Position: a.Position*op.Size + b.Position})
				}
			}
		}
	}
	return func(dx []uint16, line int) {
		image, y := line/in[2], line%in[2]
		dy, at := n.words(op.DY)[image*out.Row():], n.bytes(op.At)[image*out.Row():]
		row := sources[rows.of[y]*len(columns.patterns):]
		for x := range in[3] {
			first := (rows.first[y]*out[3] + columns.first[x]) * maps
			n.set.Gather(&dx[x*maps], &dy[first], &at[first], row[columns.of[x]], maps)
		}
	}
}

// lowerLRNPool is Context.lowerLRNPool; a part is all maps of rows of an image.
func (n *narrow) lowerLRNPool(lrn engine.LRNForward, pool engine.MaxPoolForward) lowered {
	in, out := lrn.X.Shape, pool.Y.Shape
	l := n.lrn(lrn.Response, lrn.Groups, in)
	const windows = 4 // rows of windows in a part
	bands := ceilDiv(out[2], windows)
	line, w := in[3]*in[1], bf16.PoolWindow{Pitch: in[3] * in[1], Step: in[1], Rows: pool.Size, Columns: pool.Size}
	rows := (windows-1)*pool.Stride + pool.Size
	return lowered{skip: 1, scratch: floatsOf((rows*line+1)/2, l.scratch()), stages: []stage{{in[0] * bands, func(k *worker, part int) {
		image, first := part/bands, part%bands*windows
		count := min(windows, out[2]-first)
		scratch := carve(k.scratch)
		normalised := scratch.words(rows * line)
		x := n.words(lrn.X)[(image*in[2]+first*pool.Stride)*line:]
		l.forward(scratch, x, normalised, ((count-1)*pool.Stride+pool.Size)*in[3])
		for i := range count * out[3] {
			at := (image*out[2]*out[3] + first*out[3] + i) * in[1]
			var position *byte
			if pool.At != nil {
				position = &n.bytes(pool.At)[at]
			}
			n.set.MaxPool(&n.words(pool.Y)[at], position, &normalised[(i/out[3]*in[3]+i%out[3])*pool.Stride*in[1]], w, in[1])
		}
	}}}}
}

// lowerLRNPoolBackward is Context.lowerLRNPoolBackward; a part is a row of an image.
func (n *narrow) lowerLRNPoolBackward(pool engine.MaxPoolBackward, lrn engine.LRNBackward, relu bool) lowered {
	in := lrn.X.Shape
	l, gather := n.lrn(lrn.Response, lrn.Groups, in), n.gather(pool)
	line, skip := in[3]*in[1], 1
	if relu {
		skip = 2
	}
	return lowered{skip: skip, scratch: floatsOf((line+1)/2, 3*l.scratch()), stages: []stage{{in[0] * in[2], func(w *worker, row int) {
		scratch := carve(w.scratch)
		dy := scratch.words(line)
		x, dx := n.words(lrn.X)[row*line:][:line], n.words(lrn.DX)[row*line:][:line]
		gather(dy, row)
		l.backward(scratch, x, dy, dx, in[3])
		if relu {
			n.set.ReLUBackward(x, dx, dx)
		}
	}}}}
}

// overlaps lists the windows over each pixel of an axis. An axis of any length has only
// few patterns of windows.
type overlaps struct {
	first    []int           // first window over each pixel; 0 if there is none
	of       []int           // pattern of each pixel
	patterns [][]bf16.Source // windows, counted from the first one, and the pixel's position in each
}

// over returns the overlaps of the windows along an axis of n pixels.
func over(w engine.Window, n, windows int) overlaps {
	o := overlaps{first: make([]int, n), of: make([]int, n)}
	for p := range n {
		lo := max(0, (p+w.Pad-w.Size)/w.Stride+1)
		if p+w.Pad < w.Size {
			lo = 0
		}
		hi := min(windows-1, (p+w.Pad)/w.Stride)
		var pattern []bf16.Source
		for i := lo; i <= hi; i++ {
			pattern = append(pattern, bf16.Source{Offset: i - lo, Position: p + w.Pad - i*w.Stride})
		}
		if len(pattern) > 0 {
			o.first[p] = lo
		}
		o.of[p] = slices.IndexFunc(o.patterns, func(q []bf16.Source) bool { return slices.Equal(q, pattern) })
		if o.of[p] < 0 {
			o.of[p] = len(o.patterns)
			o.patterns = append(o.patterns, pattern)
		}
	}
	return o
}
