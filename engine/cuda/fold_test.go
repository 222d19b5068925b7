package cuda_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
)

// TestInputIsFolded counts kernels: where conv1 alone reads the net's input, it is
// folded from the bytes in training and in inference, and never made as it is. The
// numbers stay the same to the bit (TestGraphsAndFusionsChangeNothing).
func TestInputIsFolded(t *testing.T) {
	kernelsOf := func(o cuda.Options, tap bool) (input, fold, both int) {
		m := machine(t, emulator.Options{})
		o.Deterministic = true
		cfg := engine.ModelConfig{Batch: 2}
		if tap {
			cfg.Tap = "conv1"
		}
		model, err := engine.NewModel(smallNet(), open(t, m, o, 0), cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer model.Close()
		if err := model.Initialize(engine.InitHe, 1); err != nil {
			t.Fatal(err)
		}
		if _, err := model.Train(pictures(model, 1), engine.Step{LearningRate: 0.01}); err != nil {
			t.Fatal(err)
		}
		if _, err := model.Infer(pictures(model, 2)); err != nil {
			t.Fatal(err)
		}
		for _, line := range m.Log() {
			switch {
			case strings.HasPrefix(line, "kernel input_folded"):
				both++
			case strings.HasPrefix(line, "kernel input"):
				input++
			case strings.HasPrefix(line, "kernel fold_input"):
				fold++
			}
		}
		return
	}
	// Of a training step's forward and backward pass, and an inference.
	for _, c := range []struct {
		what string
		o    cuda.Options
		tap  bool
		want [3]int
	}{
		{"fused", cuda.Options{Precision: cuda.BF16}, false, [3]int{0, 0, 3}},
		{"fused, in float32", cuda.Options{}, false, [3]int{0, 0, 3}},
		{"with features read", cuda.Options{Precision: cuda.BF16}, true, [3]int{0, 0, 3}},
		{"separate", cuda.Options{Precision: cuda.BF16, Separate: true}, false, [3]int{2, 3, 0}},
	} {
		input, fold, both := kernelsOf(c.o, c.tap)
		if got := [3]int{input, fold, both}; got != c.want {
			t.Errorf("%s: input, fold_input and input_folded ran %v times, want %v", c.what, got, c.want)
		}
	}
}

// TestInputWanted makes the input as it is when somebody else reads it too, when
// it lasts, and when the convolution isn't folded.
func TestInputWanted(t *testing.T) {
	for _, c := range []struct {
		what           string
		life           engine.Life
		stride         int
		other, further bool
		twice          bool // a second convolution
		want           bool // the unfolded input
	}{
		{"read by the convolution alone", engine.Scratch, 2, false, false, false, false},
		{"read by two convolutions", engine.Scratch, 2, false, false, true, false},
		{"lasting", engine.Persistent, 2, false, false, false, true},
		{"read by another op too", engine.Scratch, 2, true, false, false, true},
		{"not read at once", engine.Scratch, 2, false, true, false, true},
		{"of stride 1", engine.Scratch, 1, false, false, false, true},
	} {
		m := machine(t, emulator.Options{})
		ctx := open(t, m, cuda.Options{Deterministic: true}, 0)[0]
		tensor := func(name string, typ engine.ElemType, life engine.Life, s ...int) *engine.Tensor {
			return &engine.Tensor{Name: name, Type: typ, Life: life, Shape: engine.Shape(s), Context: ctx}
		}
		win := engine.Window{Size: 3, Stride: c.stride, Pad: 1}
		x := tensor("x", engine.Working, c.life, 2, 3, 8, 8)
		y := tensor("y", engine.Working, engine.Persistent, 2, 8, win.Out(8), win.Out(8))
		z := tensor("z", engine.Working, engine.Persistent, 2, 3, 8, 8)
		in := engine.Input{Scale: 1, Y: x,
			Pixels: tensor("pixels", engine.Byte, engine.Persistent, 2, 8, 8, 3),
			Colour: tensor("colour", engine.Float32, engine.Persistent, 2, 3, 1, 1),
			Mean:   tensor("mean", engine.Float32, engine.Persistent, 1, 3, 8, 8)}
		conv := engine.ConvForward{Window: win, Groups: 1, X: x, Y: y,
			W: tensor("w", engine.Master, engine.Persistent, 8, 3, 3, 3), B: tensor("b", engine.Master, engine.Persistent, 8, 1, 1, 1)}
		ops := []engine.Op{in, conv}
		if c.other {
			ops = append(ops, engine.Activate{X: x, Y: z})
		}
		if c.further {
			ops = slices.Insert(ops, 1, engine.Op(engine.Activate{X: z, Y: z}))
		}
		again := tensor("again", engine.Working, engine.Persistent, y.Shape[:]...)
		if c.twice {
			second := conv
			second.Y = again
			ops = append(ops, second)
		}
		plan := engine.PlanArena(ctx, ops)
		if err := ctx.Reserve(plan.Arena(), plan.Workspace); err != nil {
			t.Fatal(err)
		}
		p, err := ctx.Compile(ops)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Run(engine.Step{}); err != nil {
			t.Fatal(err)
		}
		if err := ctx.Sync(); err != nil {
			t.Fatal(err)
		}
		if c.twice {
			for _, x := range []*engine.Tensor{in.Mean, in.Colour, conv.W, conv.B} {
				if err := ctx.Upload(x, fractions(x.Shape.Len())); err != nil {
					t.Fatal(err)
				}
			}
			first, second := make([]float32, y.Shape.Len()), make([]float32, y.Shape.Len())
			pixels := make([]byte, in.Pixels.Shape.Len())
			for i := range pixels {
				pixels[i] = byte(7 * i)
			}
			if err := errors.Join(ctx.Upload(in.Pixels, pixels), p.Run(engine.Step{}), ctx.Download(first, y), ctx.Download(second, again), ctx.Sync()); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(first, second) || slices.ContainsFunc(first, func(v float32) bool { return v != v }) {
				t.Errorf("an input %s: the second differs", c.what)
			}
		}
		made := slices.ContainsFunc(m.Log(), func(line string) bool {
			return strings.HasPrefix(line, "kernel input_") && !strings.HasPrefix(line, "kernel input_folded")
		})
		if made != c.want {
			t.Errorf("an input %s: made as it is %v, want %v", c.what, made, c.want)
		}
		if err := ctx.Close(); err != nil {
			t.Error(err)
		}
	}
}

// fractions are n different numbers.
func fractions(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(i%13) / 8
	}
	return out
}
