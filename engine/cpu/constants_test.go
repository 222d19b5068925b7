package cpu_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// TestConstants: weights that are kept packed are made anew after an upload, after
// a program that updates them, and after another program has used the workspace.
// Every result is that of a context which has never seen other weights.
func TestConstants(t *testing.T) {
	var all []cpu.Options
	for _, kernels := range usable() {
		all = append(all, cpu.Options{Kernels: kernels})
	}
	for _, s := range cpu.Kernels("bf16") {
		if s.Usable {
			all = append(all, cpu.Options{Kernels: s.Name, Precision: "bf16"})
		}
	}
	for _, opts := range all {
		t.Run(opts.Kernels+opts.Precision, func(t *testing.T) {
			for _, window := range []engine.Window{
				{Size: 11, Stride: 4, Pad: 2}, // by definition
				{Size: 3, Stride: 1, Pad: 1},  // Winograd's, over slices of maps
				{},                            // a dense layer
			} {
				checkConstants(t, opts, window)
			}
		})
	}
}

// constants are programs of one context that share a layer's weights.
type constants struct {
	engine.Context
	w, y                   *engine.Tensor
	infer, intrude, change engine.Program
}

func newConstants(t *testing.T, opts cpu.Options, window engine.Window) *constants {
	t.Helper()
	c := &constants{Context: open(t, opts)}
	const in, out, side = 33, 40, 23
	n := &net{c.Context, 1}
	var fill []*engine.Tensor
	layer := func() (op engine.Op, w, y *engine.Tensor) {
		x, b := n.maps(in, side), n.tensor(engine.Master, out)
		if window.Size == 0 {
			w, y = n.tensor(engine.Master, out, in, side, side), n.tensor(engine.Working, 1, out)
			op = engine.DenseForward{X: x, Y: y, W: w, B: b}
		} else {
			w, y = n.tensor(engine.Master, out, in, window.Size, window.Size), n.maps(out, window.Out(side))
			op = engine.ConvForward{Window: window, Groups: 1, X: x, Y: y, W: w, B: b}
		}
		fill = append(fill, x, b)
		return op, w, y
	}
	op, w, y := layer()
	other, otherW, _ := layer()
	c.w, c.y = w, y
	moving := func() *engine.Tensor {
		t := n.tensor(engine.Float32)
		t.Shape = w.Shape
		return t
	}
	update := engine.Update{W: w, V: moving(), G: moving(), Rate: 1}
	programs := [][]engine.Op{{op}, {other}, {update}}
	plan := engine.PlanArena(c.Context, programs...)
	if err := c.Reserve(plan.Arena(), plan.Workspace); err != nil {
		t.Fatal(err)
	}
	for i, p := range []*engine.Program{&c.infer, &c.intrude, &c.change} {
		var err error
		if *p, err = c.Compile(programs[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i, tensor := range append(fill, otherW, update.V, update.G) {
		c.fill(t, tensor, uint64(i))
	}
	return c
}

// fill uploads values that depend on the seed.
func (c *constants) fill(t *testing.T, tensor *engine.Tensor, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 3))
	x := make([]float32, tensor.Shape.Len())
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	if err := c.Upload(tensor, x); err != nil {
		t.Fatal(err)
	}
}

func (c *constants) run(t *testing.T, p engine.Program) {
	t.Helper()
	if err := p.Run(engine.Step{LearningRate: .5, Momentum: .25}); err != nil {
		t.Fatal(err)
	}
}

// result infers and returns the output.
func (c *constants) result(t *testing.T) []float32 {
	t.Helper()
	c.run(t, c.infer)
	y := make([]float32, c.y.Shape.Len())
	if err := errors.Join(c.Download(y, c.y), c.Sync()); err != nil {
		t.Fatal(err)
	}
	return y
}

func checkConstants(t *testing.T, opts cpu.Options, window engine.Window) {
	fresh := func(seed uint64, prepare func(c *constants)) []float32 {
		c := newConstants(t, opts, window)
		c.fill(t, c.w, seed)
		prepare(c)
		return c.result(t)
	}
	first, second := fresh(100, func(*constants) {}), fresh(200, func(*constants) {})
	updated := fresh(200, func(c *constants) { c.run(t, c.change) })
	if slices.Equal(first, second) || slices.Equal(second, updated) {
		t.Fatal("other weights have the same result")
	}
	c := newConstants(t, opts, window)
	check := func(what string, want []float32) {
		t.Helper()
		for range 2 {
			if !slices.Equal(c.result(t), want) {
				t.Errorf("%d×%d: after %s the result is another", window.Size, window.Size, what)
			}
		}
	}
	c.fill(t, c.w, 100)
	check("an upload", first)
	c.run(t, c.intrude)
	check("another program", first)
	c.fill(t, c.w, 200)
	check("a second upload", second)
	c.run(t, c.change)
	check("an update", updated)
}
