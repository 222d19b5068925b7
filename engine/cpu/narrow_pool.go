package cpu

import (
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

// reach is the part of a window inside an axis: pixels first, …, first+count−1. The
// window's first skipped pixels are outside.
type reach struct{ first, count, skipped int }

func inside(w engine.Window, at, n int) reach {
	lo := at*w.Stride - w.Pad
	s := reach{first: max(0, lo), skipped: max(0, -lo)}
	s.count = min(n, lo+w.Size) - s.first
	return s
}

// lowerMaxPoolBackward gathers each pixel's gradient from the windows that hold it,
// in their order.
func (n *narrow) lowerMaxPoolBackward(op engine.MaxPoolBackward) lowered {
	in, out := op.DX.Shape, op.DY.Shape
	maps := in[1]
	// The windows over each row, and over each column, with the place they have there.
	over := func(pixels, windows int) [][]bf16.Source {
		list := make([][]bf16.Source, pixels)
		for w := range windows {
			for k := range op.Size {
				if p := w*op.Stride - op.Pad + k; p >= 0 && p < pixels {
					list[p] = append(list[p], bf16.Source{Offset: w, Position: k})
				}
			}
		}
		return list
	}
	rows, columns := over(in[2], out[2]), over(in[3], out[3])
	// The sources of every pixel of an image.
	sources := make([][]bf16.Source, in[2]*in[3])
	for y, r := range rows {
		for x, c := range columns {
			for _, a := range r {
				for _, b := range c {
					sources[y*in[3]+x] = append(sources[y*in[3]+x],
						bf16.Source{Offset: (a.Offset*out[3] + b.Offset) * maps, Position: a.Position*op.Size + b.Position})
				}
			}
		}
	}
	return lowered{stages: []stage{{in[0] * in[2], func(_ *worker, part int) {
		image, y := part/in[2], part%in[2]
		dx := n.words(op.DX)[part*in[3]*maps:]
		dy, at := n.words(op.DY)[image*out.Row():], n.bytes(op.At)[image*out.Row():]
		for x := range in[3] {
			n.set.Gather(&dx[x*maps], &dy[0], &at[0], sources[y*in[3]+x], maps)
		}
	}}}}
}
