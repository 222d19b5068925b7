package enginetest

import (
	"errors"
	"fmt"
	"math"

	"alexnet/engine"
)

// incrementer is an Update that, with V = 1, G = 0 and momentum 1, adds 1 to
// its weights.
func incrementer() engine.Update {
	s := engine.Shape{64, 1, 1, 1}
	return engine.Update{W: master("w", s), V: float32s("v", s), G: float32s("g", s), Rate: 1}
}

func checkEmpty(ctx engine.Context) error {
	if err := ctx.Reserve(0, ctx.Workspace(nil)); err != nil {
		return err
	}
	program, err := ctx.Compile(nil)
	if err != nil {
		return err
	}
	if err := program.Run(engine.Step{}); err != nil {
		return err
	}
	return ctx.Sync()
}

// checkQueueOrder interleaves uploads with runs of two programs: every run must see the
// upload before it, and not the one after it.
func checkQueueOrder(ctx engine.Context) error {
	const n, runs = 4096, 24
	x, y := tensor("x", engine.Working, 1, n, 1, 1), tensor("y", engine.Working, 1, n, 1, 1)
	sum, old := tensor("sum", engine.Working, 1, n, 1, 1), tensor("old", engine.Working, 1, n, 1, 1)
	first := []engine.Op{engine.Activate{Function: engine.ReLU, X: x, Y: y}}
	second := []engine.Op{
		engine.Concat{Parts: []*engine.Tensor{sum}, Y: old},
		engine.SumSlices{Parts: []*engine.Tensor{old, y}, Y: sum},
	}
	_, size := place(ctx, []*engine.Tensor{x, y, sum, old})
	if err := ctx.Reserve(size, max(ctx.Workspace(first), ctx.Workspace(second))); err != nil {
		return err
	}
	a, err := ctx.Compile(first)
	if err != nil {
		return err
	}
	b, err := ctx.Compile(second)
	if err != nil {
		return err
	}
	if err := upload(ctx, sum, repeat(0, n)); err != nil {
		return err
	}
	want := 0.0
	for i := range runs {
		v := float64(i - 4) // some are negative, and ReLU makes them 0
		want += max(v, 0)
		if err := errors.Join(upload(ctx, x, repeat(v, n)), a.Run(engine.Step{}), b.Run(engine.Step{})); err != nil {
			return err
		}
	}
	got, err := download(ctx, sum) // waits for the queue itself
	if err != nil {
		return err
	}
	if i := differ(got, repeat(want, n)); i >= 0 {
		return fmt.Errorf("after %d interleaved uploads and runs element %d is %v, want %v", runs, i, got[i], want)
	}
	return ctx.Sync()
}

// checkManyRuns enqueues a program many times, with and without waiting.
func checkManyRuns(ctx engine.Context) error {
	program, op, err := counter(ctx)
	if err != nil {
		return err
	}
	n := op.W.Shape.Len()
	for i := range 300 {
		if err := program.Run(engine.Step{Momentum: 1}); err != nil {
			return err
		}
		if i%50 == 0 {
			if err := ctx.Sync(); err != nil {
				return err
			}
		}
	}
	got, err := download(ctx, op.W)
	if err != nil {
		return err
	}
	if i := differ(got, repeat(300, n)); i >= 0 {
		return fmt.Errorf("weight %d is %v after 300 increments", i, got[i])
	}
	return nil
}

// checkDropoutSteps runs one compiled dropout with changing steps: the mask depends on
// the run's step.
func checkDropoutSteps(ctx engine.Context) error {
	s := engine.Shape{3, 50, 1, 1}
	op := engine.Dropout{Rate: 0.5, Layer: 3, Width: 50, Train: true, X: working("x", s), Y: working("y", s)}
	_, size := place(ctx, []*engine.Tensor{op.X, op.Y})
	if err := ctx.Reserve(size, ctx.Workspace([]engine.Op{op})); err != nil {
		return err
	}
	program, err := ctx.Compile([]engine.Op{op})
	if err != nil {
		return err
	}
	x := repeat(1, s.Len())
	if err := upload(ctx, op.X, x); err != nil {
		return err
	}
	for _, step := range []engine.Step{{}, {Number: 1}, {Seed: 1}, {Seed: 1, Number: 1 << 40}, {Image: 3}, {Image: 1 << 33}, {}} {
		if err := program.Run(step); err != nil {
			return err
		}
		got, err := download(ctx, op.Y)
		if err != nil {
			return err
		}
		for i, want := range Evaluate(op, Memory{op.X: x}, step)[op.Y] {
			if got[i] != want.Value {
				return fmt.Errorf("seed %d step %d: unit %s is %v, want %v", step.Seed, step.Number, coordinates(s, i), got[i], want.Value)
			}
		}
	}
	return nil
}

// checkNaN runs a convolution and a dense layer, each with a ReLU in place, on an image
// of NaN: all outputs must be NaN, so that the loss shows it.
func checkNaN(ctx engine.Context) error {
	in, maps, units := engine.Shape{2, 8, 6, 6}, engine.Shape{2, 16, 6, 6}, engine.Shape{2, 32, 1, 1}
	conv := engine.ConvForward{Window: engine.Window{Size: 3, Stride: 1, Pad: 1}, Groups: 2,
		X: working("x", in), W: master("w", engine.Shape{16, 4, 3, 3}), B: master("b", engine.Shape{16, 1, 1, 1}), Y: working("y", maps)}
	dense := engine.DenseForward{X: conv.Y, W: master("dense.w", engine.Shape{32, 16, 6, 6}), B: master("dense.b", engine.Shape{32, 1, 1, 1}), Y: working("z", units)}
	ops := []engine.Op{
		conv, engine.Activate{Function: engine.ReLU, X: conv.Y, Y: conv.Y},
		dense, engine.Activate{Function: engine.ReLU, X: dense.Y, Y: dense.Y},
	}
	tensors := []*engine.Tensor{conv.X, conv.W, conv.B, conv.Y, dense.W, dense.B, dense.Y}
	_, size := place(ctx, tensors)
	if err := ctx.Reserve(size, ctx.Workspace(ops)); err != nil {
		return err
	}
	program, err := ctx.Compile(ops)
	if err != nil {
		return err
	}
	x := append(repeat(1, in.Row()), repeat(nan, in.Row())...)
	for _, t := range []*engine.Tensor{conv.W, conv.B, dense.W, dense.B} {
		if err := upload(ctx, t, repeat(0.25, t.Shape.Len())); err != nil {
			return err
		}
	}
	if err := errors.Join(upload(ctx, conv.X, x), program.Run(engine.Step{})); err != nil {
		return err
	}
	for _, t := range []*engine.Tensor{conv.Y, dense.Y} {
		got, err := download(ctx, t)
		if err != nil {
			return err
		}
		for i, v := range got {
			if lost := i >= t.Shape.Row(); lost != math.IsNaN(v) {
				return fmt.Errorf("%v: element %s is %v", t, coordinates(t.Shape, i), v)
			}
		}
	}
	return ctx.Sync()
}

// chain is a program of many layers. All its numbers are small whole numbers in any order
// of summation, so that every context must agree to the bit. Its intermediate tensors are
// scratch. Convolution, ReLU in place and pooling follow each other as in the net, so
// that contexts that fuse them are tested, too.
func chain(name string) (ops []engine.Op, data Memory, out []*engine.Tensor) {
	scratch := func(what string, n, c, h, w int) *engine.Tensor {
		return &engine.Tensor{Name: name + " " + what, Type: engine.Working, Life: engine.Scratch, Shape: engine.Shape{n, c, h, w}}
	}
	x := tensor("x", engine.Working, 2, 4, 9, 9)
	w1, b1 := tensor("w1", engine.Master, 6, 2, 3, 3), tensor("b1", engine.Master, 6, 1, 1, 1)
	w2, b2 := tensor("w2", engine.Master, 5, 6, 4, 4), tensor("b2", engine.Master, 5, 1, 1, 1)
	c1, p1 := scratch("c1", 2, 6, 9, 9), scratch("p1", 2, 6, 4, 4)
	at := scratch("at", 2, 6, 4, 4)
	at.Type = engine.Argmax
	d1, dx := scratch("d1", 2, 5, 1, 1), scratch("dx", 2, 6, 4, 4)
	dc := scratch("dc", 2, 6, 9, 9)
	y := tensor("y", engine.Working, 2, 5, 1, 1)
	dw1, db1 := tensor("dw1", engine.Float32, 6, 2, 3, 3), tensor("db1", engine.Float32, 6, 1, 1, 1)
	dw2, db2 := tensor("dw2", engine.Float32, 5, 6, 4, 4), tensor("db2", engine.Float32, 5, 1, 1, 1)
	conv := engine.Window{Size: 3, Stride: 1, Pad: 1}
	pool := engine.Window{Size: 3, Stride: 2}
	ops = []engine.Op{
		engine.ConvForward{Window: conv, Groups: 2, X: x, W: w1, B: b1, Y: c1},
		engine.Activate{Function: engine.ReLU, X: c1, Y: c1},
		engine.MaxPoolForward{Window: pool, X: c1, Y: p1, At: at},
		engine.DenseForward{X: p1, W: w2, B: b2, Y: d1},
		engine.Activate{Function: engine.ReLU, X: d1, Y: d1},
		engine.Concat{Parts: []*engine.Tensor{d1}, Y: y},
		engine.ActivateBackward{Function: engine.ReLU, Y: d1, DY: d1, DX: d1},
		engine.DenseBackward{X: p1, W: w2, DY: d1, DW: dw2, DB: db2, DX: dx},
		engine.MaxPoolBackward{Window: pool, At: at, DY: dx, DX: dc},
		engine.ActivateBackward{Function: engine.ReLU, Y: c1, DY: dc, DX: dc},
		engine.ConvBackward{Window: conv, Groups: 2, X: x, W: w1, DY: dc, DW: dw1, DB: db1},
	}
	// Sparse ±1 weights keep every value below 256, which bfloat16 can hold.
	sparse := integers(name+"w2", w2.Shape.Len(), -8, 8)
	for i, v := range sparse {
		sparse[i] = map[float64]float64{-8: -1, 8: 1}[v]
	}
	data = Memory{
		x:  integers(name+"x", x.Shape.Len(), -1, 1),
		w1: integers(name+"w1", w1.Shape.Len(), -1, 1), b1: integers(name+"b1", 6, -1, 1),
		w2: sparse, b2: integers(name+"b2", 5, 0, 2),
	}
	return ops, data, []*engine.Tensor{y, dw1, db1, dw2, db2}
}

// evaluateAll runs the reference over a whole program and returns the final contents of
// its tensors.
func evaluateAll(ops []engine.Op, data Memory) Memory {
	m := Memory{}
	for t, v := range data {
		m[t] = v
	}
	for _, op := range ops {
		for t, sums := range Evaluate(op, m, engine.Step{}) {
			v := make([]float64, len(sums))
			for i, s := range sums {
				v[i] = s.Value
			}
			m[t] = v
		}
	}
	return m
}

// compileChains plans, reserves and compiles chains as programs of ctx.
func compileChains(ctx engine.Context, chains ...[]engine.Op) ([]engine.Program, error) {
	for _, ops := range chains {
		for _, op := range ops {
			for _, t := range append(op.Reads(), op.Writes()...) {
				t.Context = ctx
			}
		}
	}
	plan := engine.PlanArena(ctx, chains...)
	if err := ctx.Reserve(plan.Arena(), plan.Workspace); err != nil {
		return nil, err
	}
	var programs []engine.Program
	for _, ops := range chains {
		p, err := ctx.Compile(ops)
		if err != nil {
			return nil, err
		}
		programs = append(programs, p)
	}
	return programs, nil
}

// checkScratch runs a chain whose scratch tensors share memory.
func checkScratch(ctx engine.Context) error {
	ops, data, out := chain("chain")
	programs, err := compileChains(ctx, ops)
	if err != nil {
		return err
	}
	return runChain(ctx, programs[0], ops, data, out)
}

// checkOverlay alternates two programs whose scratch tensors share memory.
func checkOverlay(ctx engine.Context) error {
	opsA, dataA, outA := chain("first")
	opsB, dataB, outB := chain("second")
	programs, err := compileChains(ctx, opsA, opsB)
	if err != nil {
		return err
	}
	for range 2 {
		if err := runChain(ctx, programs[0], opsA, dataA, outA); err != nil {
			return err
		}
		if err := runChain(ctx, programs[1], opsB, dataB, outB); err != nil {
			return err
		}
	}
	return nil
}

func runChain(ctx engine.Context, p engine.Program, ops []engine.Op, data Memory, out []*engine.Tensor) error {
	for t, v := range data {
		if err := upload(ctx, t, v); err != nil {
			return err
		}
	}
	if err := errors.Join(p.Run(engine.Step{}), ctx.Sync()); err != nil {
		return err
	}
	want := evaluateAll(ops, data)
	for _, t := range out {
		got, err := download(ctx, t)
		if err != nil {
			return err
		}
		for i := range got {
			if got[i] != want[t][i] {
				return fmt.Errorf("%v at %s is %v, want %v", t, coordinates(t.Shape, i), got[i], want[t][i])
			}
		}
	}
	return nil
}
