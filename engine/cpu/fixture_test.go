package cpu_test

import (
	"testing"

	"alexnet/engine"
)

// layerBench is an op of the paper's net for benchmarks and tests.
type layerBench struct {
	name string
	ops  func(*net) []engine.Op
	flop float64 // of one image
}

// net makes the tensors of benchmarked ops.
type net struct {
	c engine.Context
	n int
}

func (b *net) tensor(typ engine.ElemType, s ...int) *engine.Tensor {
	t := &engine.Tensor{Name: "t", Type: typ, Context: b.c, Life: engine.Persistent, Shape: engine.Shape{1, 1, 1, 1}}
	copy(t.Shape[:], s)
	return t
}

func (b *net) maps(c, side int) *engine.Tensor { return b.tensor(engine.Working, b.n, c, side, side) }

// conv benchmarks a convolution of c maps of side² into o maps.
func conv(name string, c, side, o, groups int, win engine.Window, dx bool) []layerBench {
	out := win.Out(side)
	flop := 2 * float64(o*out*out) * float64(c/groups*win.Size*win.Size)
	forward := func(b *net) []engine.Op {
		y := b.maps(o, out)
		return []engine.Op{
			engine.ConvForward{Window: win, Groups: groups, X: b.maps(c, side), Y: y,
				W: b.tensor(engine.Master, o, c/groups, win.Size, win.Size), B: b.tensor(engine.Master, o)},
			engine.Activate{X: y, Y: y},
		}
	}
	backward := func(dw bool) func(b *net) []engine.Op {
		return func(b *net) []engine.Op {
			op := engine.ConvBackward{Window: win, Groups: groups, X: b.maps(c, side), DY: b.maps(o, out),
				W:  b.tensor(engine.Master, o, c/groups, win.Size, win.Size),
				DW: b.tensor(engine.Float32, o, c/groups, win.Size, win.Size), DB: b.tensor(engine.Float32, o)}
			if !dw {
				op.DX = b.maps(c, side)
			}
			return []engine.Op{op}
		}
	}
	l := []layerBench{{name + "/forward", forward, flop}, {name + "/weights", backward(true), flop}}
	if dx {
		l = append(l, layerBench{name + "/backward", backward(false), 2 * flop})
	}
	return l
}

func dense(name string, in, out int) []layerBench {
	flop := 2 * float64(in) * float64(out)
	return []layerBench{{name + "/forward", func(b *net) []engine.Op {
		return []engine.Op{engine.DenseForward{X: b.maps(in, 1), W: b.tensor(engine.Master, out, in),
			B: b.tensor(engine.Master, out), Y: b.maps(out, 1)}}
	}, flop}, {name + "/backward", func(b *net) []engine.Op {
		return []engine.Op{engine.DenseBackward{X: b.maps(in, 1), W: b.tensor(engine.Master, out, in), DY: b.maps(out, 1),
			DW: b.tensor(engine.Float32, out, in), DB: b.tensor(engine.Float32, out), DX: b.maps(in, 1)}}
	}, 2 * flop}, {name + "/update", func(b *net) []engine.Op {
		return []engine.Op{engine.Update{W: b.tensor(engine.Master, out, in), V: b.tensor(engine.Float32, out, in),
			G: b.tensor(engine.Float32, out, in), Decay: .0005, Rate: 1}}
	}, 0}}
}

func pointwise(name string, c, side int, pool bool) []layerBench {
	r := engine.Response{Size: 5, K: 2, Alpha: 1e-4, Beta: .75}
	win := engine.Window{Size: 3, Stride: 2}
	out := win.Out(side)
	l := []layerBench{
		{name + "/lrn-forward", func(b *net) []engine.Op {
			return []engine.Op{engine.LRNForward{Response: r, Groups: 2, X: b.maps(c, side), Y: b.maps(c, side)}}
		}, 0},
		{name + "/lrn-backward", func(b *net) []engine.Op {
			return []engine.Op{engine.LRNBackward{Response: r, Groups: 2, X: b.maps(c, side), DY: b.maps(c, side), DX: b.maps(c, side)}}
		}, 0},
		{name + "/relu-backward", func(b *net) []engine.Op {
			dy := b.maps(c, side)
			return []engine.Op{engine.ActivateBackward{Y: b.maps(c, side), DY: dy, DX: dy}}
		}, 0},
	}
	if pool {
		l = append(l, layerBench{name + "/pool-forward", func(b *net) []engine.Op {
			return []engine.Op{engine.MaxPoolForward{Window: win, X: b.maps(c, side), Y: b.maps(c, out),
				At: b.tensor(engine.Argmax, b.n, c, out, out)}}
		}, 0}, layerBench{name + "/pool-backward", func(b *net) []engine.Op {
			return []engine.Op{engine.MaxPoolBackward{Window: win, DX: b.maps(c, side), DY: b.maps(c, out),
				At: b.tensor(engine.Argmax, b.n, c, out, out)}}
		}, 0}, layerBench{name + "/lrn-pool-forward", func(b *net) []engine.Op {
			y := b.maps(c, side)
			y.Life = engine.Scratch
			return []engine.Op{engine.LRNForward{Response: r, Groups: 2, X: b.maps(c, side), Y: y},
				engine.MaxPoolForward{Window: win, X: y, Y: b.maps(c, out), At: b.tensor(engine.Argmax, b.n, c, out, out)}}
		}, 0}, layerBench{name + "/lrn-pool-backward", func(b *net) []engine.Op {
			x, d := b.maps(c, side), b.maps(c, side)
			return []engine.Op{
				engine.MaxPoolBackward{Window: win, DX: d, DY: b.maps(c, out), At: b.tensor(engine.Argmax, b.n, c, out, out)},
				engine.LRNBackward{Response: r, Groups: 2, X: x, DY: d, DX: d},
				engine.ActivateBackward{Y: x, DY: d, DX: d}}
		}, 0})
	}
	return l
}

func layers() (l []layerBench) {
	l = append(l, layerBench{"input", func(b *net) []engine.Op {
		return []engine.Op{engine.Input{Pixels: b.tensor(engine.Byte, b.n, 224, 224, 3), Colour: b.tensor(engine.Float32, b.n, 3),
			Mean: b.tensor(engine.Float32, 1, 3, 224, 224), Y: b.maps(3, 224), Scale: 1}}
	}, 0})
	l = append(l, conv("conv1", 3, 224, 96, 1, engine.Window{Size: 11, Stride: 4, Pad: 2}, false)...)
	l = append(l, pointwise("conv1", 96, 55, true)...)
	l = append(l, conv("conv2", 96, 27, 256, 2, engine.Window{Size: 5, Stride: 1, Pad: 2}, true)...)
	l = append(l, pointwise("conv2", 256, 27, true)...)
	l = append(l, conv("conv3", 256, 13, 384, 1, engine.Window{Size: 3, Stride: 1, Pad: 1}, true)...)
	l = append(l, conv("conv4", 384, 13, 384, 2, engine.Window{Size: 3, Stride: 1, Pad: 1}, true)...)
	l = append(l, conv("conv5", 384, 13, 256, 2, engine.Window{Size: 3, Stride: 1, Pad: 1}, true)...)
	l = append(l, dense("fc6", 9216, 4096)...)
	l = append(l, dense("fc7", 4096, 4096)...)
	l = append(l, dense("fc8", 4096, 1000)...)
	l = append(l, layerBench{"fc6/dropout", func(b *net) []engine.Op {
		x := b.maps(4096, 1)
		return []engine.Op{engine.Dropout{Rate: .5, Width: 4096, Train: true, X: x, Y: x}}
	}, 0}, layerBench{"softmax", func(b *net) []engine.Op {
		one := func(t engine.ElemType) *engine.Tensor { return b.tensor(t, b.n) }
		return []engine.Op{engine.SoftmaxLoss{X: b.maps(1000, 1), Labels: one(engine.Int32), Probs: b.tensor(engine.Float32, b.n, 1000),
			Loss: one(engine.Float32), LabelRank: one(engine.Int32), DX: b.maps(1000, 1)}}
	}, 0})
	return l
}

// prepare plans, reserves and compiles ops, and fills their tensors.
func prepare(b testing.TB, c engine.Context, ops []engine.Op) engine.Program {
	plan := engine.PlanArena(c, ops)
	if err := c.Reserve(plan.Arena(), plan.Workspace); err != nil {
		b.Fatal(err)
	}
	for i, t := range plan.Tensors {
		if t.Type == engine.Working || t.Type == engine.Float32 || t.Type == engine.Master {
			x := make([]float32, t.Shape.Len())
			for j := range x {
				x[j] = float32((j*7+i)%31-15) / 16
			}
			if err := c.Upload(t, x); err != nil {
				b.Fatal(err)
			}
		}
	}
	p, err := c.Compile(ops)
	if err != nil {
		b.Fatal(err)
	}
	return p
}
