package enginetest

import (
	"fmt"

	"alexnet/engine"
)

// tensor makes a persistent tensor; the harness places it.
func tensor(name string, typ engine.ElemType, n, c, h, w int) *engine.Tensor {
	return &engine.Tensor{Name: name, Type: typ, Life: engine.Persistent, Shape: engine.Shape{n, c, h, w}}
}

func working(name string, s engine.Shape) *engine.Tensor {
	return &engine.Tensor{Name: name, Type: engine.Working, Life: engine.Persistent, Shape: s}
}

func float32s(name string, s engine.Shape) *engine.Tensor {
	return &engine.Tensor{Name: name, Type: engine.Float32, Life: engine.Persistent, Shape: s}
}

func master(name string, s engine.Shape) *engine.Tensor {
	return &engine.Tensor{Name: name, Type: engine.Master, Life: engine.Persistent, Shape: s}
}

func halt() *engine.Tensor { return tensor("halt", engine.Int32, 1, 1, 1, 1) }

func convCases() (cases []OpCase) {
	for _, c := range []struct {
		in     engine.Shape
		out    int // maps
		w      engine.Window
		groups int
	}{
		{engine.Shape{1, 1, 1, 1}, 1, engine.Window{Size: 1, Stride: 1}, 1},
		{engine.Shape{1, 1, 3, 3}, 1, engine.Window{Size: 3, Stride: 1}, 1},             // a single position
		{engine.Shape{1, 1, 2, 2}, 1, engine.Window{Size: 3, Stride: 1, Pad: 1}, 1},     // never wholly inside
		{engine.Shape{1, 1, 1, 1}, 2, engine.Window{Size: 5, Stride: 1, Pad: 2}, 1},     // mostly padding
		{engine.Shape{3, 2, 4, 7}, 3, engine.Window{Size: 2, Stride: 1, Pad: 1}, 1},     // even kernel, wide image
		{engine.Shape{1, 3, 9, 5}, 5, engine.Window{Size: 3, Stride: 2, Pad: 1}, 1},     // tall image
		{engine.Shape{3, 4, 8, 8}, 6, engine.Window{Size: 3, Stride: 2}, 2},             // the last row and column go unread
		{engine.Shape{1, 4, 6, 6}, 4, engine.Window{Size: 1, Stride: 3}, 2},             // stride over kernel: holes
		{engine.Shape{3, 6, 5, 5}, 6, engine.Window{Size: 3, Stride: 1, Pad: 1}, 6},     // a group per map
		{engine.Shape{2, 3, 27, 27}, 8, engine.Window{Size: 11, Stride: 4}, 1},          // conv1 of Caffe, no padding
		{engine.Shape{3, 3, 28, 28}, 12, engine.Window{Size: 11, Stride: 4, Pad: 2}, 1}, // conv1
		{engine.Shape{3, 12, 13, 13}, 16, engine.Window{Size: 5, Stride: 1, Pad: 2}, 2}, // conv2, both towers
		{engine.Shape{1, 48, 7, 9}, 66, engine.Window{Size: 5, Stride: 1, Pad: 2}, 1},   // conv2, one tower: 1,200 terms
		{engine.Shape{2, 256, 4, 5}, 33, engine.Window{Size: 3, Stride: 1, Pad: 1}, 1},  // conv3: 2,304 terms
		{engine.Shape{3, 24, 13, 13}, 40, engine.Window{Size: 3, Stride: 1, Pad: 1}, 2}, // conv4 and conv5
		// Enough maps and pixels for Winograd's filtering, whose error is bounded
		// by the terms of a whole tile of 4×4 or 6×6 pixels and not of the output's window
		// alone. Among noise no pixel outside the window is much larger than those
		// inside, so the definition's bound has room for it.
		{engine.Shape{3, 64, 13, 13}, 70, engine.Window{Size: 3, Stride: 1, Pad: 1}, 2},
		{engine.Shape{6, 33, 6, 9}, 34, engine.Window{Size: 3, Stride: 1, Pad: 2}, 1},
		{engine.Shape{2, 32, 17, 12}, 32, engine.Window{Size: 3, Stride: 1}, 1},
		{engine.Shape{5, 96, 7, 6}, 97, engine.Window{Size: 3, Stride: 1, Pad: 1}, 1}, // tiles of 6×6 for 3×3 weights
		{engine.Shape{3, 100, 5, 9}, 96, engine.Window{Size: 3, Stride: 1, Pad: 2}, 1},
		{engine.Shape{2, 97, 14, 11}, 98, engine.Window{Size: 3, Stride: 1}, 1},
		{engine.Shape{2, 64, 13, 13}, 70, engine.Window{Size: 5, Stride: 1, Pad: 2}, 2},
		{engine.Shape{3, 33, 8, 11}, 34, engine.Window{Size: 5, Stride: 1, Pad: 3}, 1},
		{engine.Shape{2, 32, 17, 16}, 32, engine.Window{Size: 5, Stride: 1}, 1},
	} {
		name := fmt.Sprintf("%v to %d maps, %d×%d stride %d pad %d, %d groups",
			c.in, c.out, c.w.Size, c.w.Size, c.w.Stride, c.w.Pad, c.groups)
		out := engine.Shape{c.in[0], c.out, c.w.Out(c.in[2]), c.w.Out(c.in[3])}
		weights := engine.Shape{c.out, c.in[1] / c.groups, c.w.Size, c.w.Size}
		biases := engine.Shape{c.out, 1, 1, 1}
		cases = append(cases, OpCase{Name: "conv forward/" + name, Op: engine.ConvForward{
			Window: c.w, Groups: c.groups,
			X: working("x", c.in), W: master("w", weights), B: master("b", biases), Y: working("y", out),
		}})
		for _, first := range []bool{false, true} {
			op := engine.ConvBackward{
				Window: c.w, Groups: c.groups,
				X: working("x", c.in), W: master("w", weights), DY: working("dy", out),
				DW: float32s("dw", weights), DB: float32s("db", biases), DX: working("dx", c.in),
			}
			suffix := ""
			if first {
				op.DX, suffix = nil, ", no dx"
			}
			cases = append(cases, OpCase{Name: "conv backward/" + name + suffix, Op: op})
		}
	}
	return append(append(cases, notFinite(32)...), notFinite(96)...)
}

// notFinite is a convolution with this number of maps, enough for any algorithm. Some
// images have an infinity, a NaN, or pixels whose sums just fit float32: these must reach
// the outputs that depend on them and no others.
func notFinite(maps int) []OpCase {
	in, out := engine.Shape{5, maps, 9, 9}, engine.Shape{5, maps + 1, 9, 9}
	weights, biases := engine.Shape{maps + 1, maps, 3, 3}, engine.Shape{maps + 1, 1, 1, 1}
	win := engine.Window{Size: 3, Stride: 1, Pad: 1}
	forward := engine.ConvForward{Window: win, Groups: 1,
		X: working("x", in), W: master("w", weights), B: master("b", biases), Y: working("y", out)}
	backward := engine.ConvBackward{Window: win, Groups: 1,
		X: working("x", in), W: master("w", weights), DY: working("dy", out),
		DW: float32s("dw", weights), DB: float32s("db", biases), DX: working("dx", in)}
	x := Noise("not finite", in.Len())
	x[index(in, 1, 3, 4, 5)] = inf
	x[index(in, 1, 7, 0, 0)] = -inf
	x[index(in, 3, 31, 8, 8)] = nan
	for i := range 4 {
		x[index(in, 4, 0, 2+i/2, 2+i%2)] = 0.8e38
	}
	dy := Noise("not finite", out.Len())
	dy[index(out, 2, 5, 4, 3)] = inf // away from the edge: no product with the padding
	dy[index(out, 4, 8, 6, 6)] = -inf
	return []OpCase{
		{Name: fmt.Sprintf("conv forward/%d maps, infinities and NaN", maps), Op: forward, Data: Memory{forward.X: x}},
		{Name: fmt.Sprintf("conv backward/%d maps, infinities", maps), Op: backward, Data: Memory{backward.DY: dy}},
	}
}

func denseCases() (cases []OpCase) {
	for _, c := range []struct {
		in  engine.Shape
		out int
	}{
		{engine.Shape{1, 1, 1, 1}, 1},
		{engine.Shape{3, 1, 1, 1}, 7},
		{engine.Shape{1, 5, 1, 1}, 3},
		{engine.Shape{3, 4, 3, 2}, 9},     // fc6 reads maps: channel, row, column
		{engine.Shape{1, 129, 3, 3}, 65},  // 1,161 terms, one image
		{engine.Shape{17, 67, 1, 1}, 131}, // nothing a multiple of a register
		{engine.Shape{6, 2050, 1, 1}, 10}, // fc8 of ten classes
		{engine.Shape{130, 36, 1, 1}, 40}, // more images than units
	} {
		name := fmt.Sprintf("%v to %d", c.in, c.out)
		out := engine.Shape{c.in[0], c.out, 1, 1}
		weights := engine.Shape{c.out, c.in[1], c.in[2], c.in[3]}
		biases := engine.Shape{c.out, 1, 1, 1}
		cases = append(cases, OpCase{Name: "dense forward/" + name, Op: engine.DenseForward{
			X: working("x", c.in), W: master("w", weights), B: master("b", biases), Y: working("y", out),
		}})
		for _, first := range []bool{false, true} {
			op := engine.DenseBackward{
				X: working("x", c.in), W: master("w", weights), DY: working("dy", out),
				DW: float32s("dw", weights), DB: float32s("db", biases), DX: working("dx", c.in),
			}
			suffix := ""
			if first {
				op.DX, suffix = nil, ", no dx"
			}
			cases = append(cases, OpCase{Name: "dense backward/" + name + suffix, Op: op})
		}
	}
	return cases
}
