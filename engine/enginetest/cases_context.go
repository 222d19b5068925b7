package enginetest

import (
	"errors"
	"fmt"
	"math"
	"time"

	"alexnet/engine"
)

// patience is how long a case may take before it counts as hung.
const patience = 2 * time.Minute

// contextCases lists the promises of engine.Context and engine.Program that
// are not about one op.
func contextCases() []Case {
	cases := []Case{
		{Name: "context/name", Check: single(checkName)},
		{Name: "context/transfer errors", Check: single(checkTransferErrors)},
		{Name: "context/close", Check: checkClose},
		{Name: "context/downloads in order", Check: single(checkDownloads)},
		{Name: "context/marks", Check: single(checkMarks)},
		{Name: "context/host memory", Check: single(checkHostMemory)},
		{Name: "program/empty", Check: single(checkEmpty)},
		{Name: "program/queue order", Check: single(checkQueueOrder)},
		{Name: "program/many runs", Check: single(checkManyRuns)},
		{Name: "program/dropout follows the step", Check: single(checkDropoutSteps)},
		{Name: "program/ReLU behind products keeps NaN", Check: single(checkNaN)},
		{Name: "program/scratch memory is shared", Check: single(checkScratch)},
		{Name: "program/two programs over the same memory", Check: single(checkOverlay)},
	}
	for _, typ := range []engine.ElemType{engine.Working, engine.Float32, engine.Int32, engine.Byte, engine.Argmax, engine.Master} {
		cases = append(cases, Case{Name: "context/round trip " + typ.String(), Check: single(func(ctx engine.Context) error {
			return checkRoundTrip(ctx, typ)
		})})
	}
	for _, m := range malformed() {
		cases = append(cases, Case{Name: "compile/" + m.what, Check: single(m.check)})
	}
	return append(cases, eventCases()...)
}

// single is a case about one context.
func single(f func(engine.Context) error) func(Opener, Tolerance) (float64, error) {
	return func(open Opener, _ Tolerance) (worst float64, err error) {
		ctx, err := open()
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, ctx.Close()) }()
		return 0, f(ctx)
	}
}

// within fails if f takes longer than patience. f's context is then abandoned, since
// nothing can stop it.
func within(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return fmt.Errorf("hung for %v", patience)
	}
}

func checkName(ctx engine.Context) error {
	if ctx.Name() == "" {
		return errors.New("the context has no name")
	}
	return nil
}

func checkRoundTrip(ctx engine.Context, typ engine.ElemType) error {
	// Values that every working precision holds exactly.
	patterns := map[engine.ElemType][]float64{
		engine.Working: {0, math.Copysign(0, -1), 1, -1, 0.5, 255, -256, inf, -inf, nan, 0x1p-100, -0x1p100},
		engine.Float32: {0, math.Copysign(0, -1), 1, float64(float32(0.1)), math.MaxFloat32, -math.MaxFloat32,
			math.SmallestNonzeroFloat32, inf, -inf, nan, 16777217 - 2},
		engine.Int32: {0, 1, -1, math.MaxInt32, math.MinInt32, 999},
		engine.Byte:  {0, 1, 127, 128, 255},
	}
	patterns[engine.Master], patterns[engine.Argmax] = patterns[engine.Float32], patterns[engine.Byte]
	var tensors []*engine.Tensor
	for _, s := range []engine.Shape{{1, 1, 1, 1}, {3, 1, 1, 1}, {2, 3, 5, 7}, {1, 257, 1, 1}, {2, 3, 64, 64}} {
		tensors = append(tensors, &engine.Tensor{Name: "t", Type: typ, Shape: s, Life: engine.Persistent})
	}
	_, size := place(ctx, tensors)
	if err := ctx.Reserve(size, ctx.Workspace(nil)); err != nil {
		return err
	}
	pattern := patterns[typ]
	fill := func(t *engine.Tensor, turn int) []float64 {
		v := make([]float64, t.Shape.Len())
		for i := range v {
			v[i] = pattern[(i+turn)%len(pattern)]
		}
		return v
	}
	for turn := range 3 {
		for _, t := range tensors {
			if err := upload(ctx, t, fill(t, turn)); err != nil {
				return err
			}
		}
		if turn == 1 { // with an empty queue
			if err := ctx.Sync(); err != nil {
				return err
			}
		}
		for _, t := range tensors {
			got, err := download(ctx, t)
			if err != nil {
				return err
			}
			want := fill(t, turn)
			if i := differ(want, got); i >= 0 {
				return fmt.Errorf("%v at %s: uploaded %v, downloaded %v", t, coordinates(t.Shape, i), want[i], got[i])
			}
		}
	}
	return nil
}

// checkTransferErrors calls Upload and Download with arguments that they must refuse, and
// checks that the tensor keeps its contents.
func checkTransferErrors(ctx engine.Context) error {
	floats := tensor("floats", engine.Working, 1, 4, 1, 1)
	weights := tensor("weights", engine.Float32, 1, 4, 1, 1)
	ints := tensor("ints", engine.Int32, 1, 4, 1, 1)
	bytes := tensor("bytes", engine.Byte, 1, 4, 1, 1)
	all := []*engine.Tensor{floats, weights, ints, bytes}
	_, size := place(ctx, all)
	if err := ctx.Reserve(size, ctx.Workspace(nil)); err != nil {
		return err
	}
	held := []float64{1, 2, 3, 4}
	for _, t := range all {
		if err := upload(ctx, t, held); err != nil {
			return err
		}
	}
	for _, c := range []struct {
		t    *engine.Tensor
		host any
	}{
		{floats, make([]float32, 3)},
		{floats, make([]float32, 5)},
		{floats, make([]float32, 0)},
		{floats, make([]float64, 4)},
		{floats, make([]int32, 4)},
		{floats, nil},
		{weights, make([]byte, 4)},
		{weights, [4]float32{}},
		{ints, make([]float32, 4)},
		{ints, make([]int64, 4)},
		{ints, make([]int32, 3)},
		{bytes, make([]int32, 4)},
		{bytes, make([]byte, 5)},
	} {
		if ctx.Upload(c.t, c.host) == nil {
			return fmt.Errorf("upload of %T to %s tensor %v: no error", c.host, c.t.Type, c.t)
		}
		if ctx.Download(c.host, c.t) == nil {
			return fmt.Errorf("download of %s tensor %v to %T: no error", c.t.Type, c.t, c.host)
		}
	}
	for _, t := range all {
		got, err := download(ctx, t)
		if err != nil {
			return err
		}
		if differ(held, got) >= 0 {
			return fmt.Errorf("after refused transfers %v holds %v, want %v", t, got, held)
		}
	}
	return ctx.Sync()
}

// checkClose closes contexts twice, in every state.
func checkClose(open Opener, _ Tolerance) (float64, error) {
	for _, state := range []string{"fresh", "reserved", "with queued work"} {
		ctx, err := open()
		if err != nil {
			return 0, err
		}
		if state != "fresh" {
			op := incrementer()
			_, size := place(ctx, distinct(op.Reads()))
			if err := ctx.Reserve(size, ctx.Workspace([]engine.Op{op})); err != nil {
				return 0, err
			}
			if state == "with queued work" {
				program, err := ctx.Compile([]engine.Op{op})
				if err != nil {
					return 0, err
				}
				for range 10 {
					if err := program.Run(engine.Step{}); err != nil {
						return 0, err
					}
				}
			}
		}
		for _, turn := range []string{"first", "second"} {
			if err := within(ctx.Close); err != nil {
				return 0, fmt.Errorf("%s close of a context %s: %w", turn, state, err)
			}
		}
	}
	return 0, nil
}
