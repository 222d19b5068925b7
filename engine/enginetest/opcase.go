package enginetest

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"alexnet/engine"
)

// An OpCase is one op on one set of shapes. It is made again for each run, since
// running it places its tensors in the context.
type OpCase struct {
	Name string
	Op   engine.Op
	Step engine.Step
	// Data holds the contents of the tensors that the op reads. A float tensor
	// without an entry gets noise in [−1, 1).
	Data Memory
}

// guardBytes follow every tensor and must not change. They hold 0xFF, so that a
// kernel that reads them sees NaN.
const guardBytes = 96

// check runs the op twice, over outputs first filled with NaN and then with a large
// number. It compares each result with the reference, both results bit by bit, and
// all other memory with its contents before.
func (c OpCase) check(open Opener, tol Tolerance) (worst float64, err error) {
	ctx, err := open()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(c.explain(ctx, err), ctx.Close()) }()

	tensors := distinct(append(c.Op.Reads(), c.Op.Writes()...))
	guards, size := place(ctx, tensors)
	ops := []engine.Op{c.Op}
	if err := ctx.Reserve(size, ctx.Workspace(ops)); err != nil {
		return 0, err
	}
	program, err := ctx.Compile(ops)
	if err != nil {
		return 0, err
	}

	reads, writes := set(c.Op.Reads()), set(c.Op.Writes())
	var want map[*engine.Tensor][]Sum
	var first map[*engine.Tensor][]float64
	for pass, poison := range []float64{math.NaN(), 1e30} {
		held := Memory{} // contents before the op, in the device's precision
		for _, t := range tensors {
			fill := c.contents(t)
			if !reads[t] {
				fill = filler(t, poison)
			}
			if err := upload(ctx, t, fill); err != nil {
				return 0, err
			}
		}
		for _, g := range guards {
			if err := upload(ctx, g, repeat(0xff, g.Shape.Len())); err != nil {
				return 0, err
			}
		}
		for _, t := range c.Op.Reads() {
			if held[t], err = download(ctx, t); err != nil {
				return 0, err
			}
		}
		if err := program.Run(c.Step); err != nil {
			return 0, err
		}
		if err := ctx.Sync(); err != nil {
			return 0, err
		}
		if pass == 0 {
			want = Evaluate(c.Op, held, c.Step) // the uploaded data don't change
		}
		got := map[*engine.Tensor][]float64{}
		for _, t := range tensors {
			if got[t], err = download(ctx, t); err != nil {
				return 0, err
			}
			if !writes[t] {
				if i := differ(held[t], got[t]); i >= 0 {
					return worst, fmt.Errorf("%s changed its input %v at %s", c.Op.Kind(), t, coordinates(t.Shape, i))
				}
				continue
			}
			share, err := c.compare(t, got[t], want[t], tol)
			worst = max(worst, share)
			if err != nil {
				return worst, err
			}
			if pass > 0 {
				if i := differ(first[t], got[t]); i >= 0 {
					return worst, fmt.Errorf("%s: %v at %s differs between two runs on the same input: %v and %v",
						c.Op.Kind(), t, coordinates(t.Shape, i), first[t][i], got[t][i])
				}
			}
		}
		first = got
		for i, g := range guards {
			v, err := download(ctx, g)
			if err != nil {
				return worst, err
			}
			if j := differ(v, repeat(0xff, len(v))); j >= 0 {
				return worst, fmt.Errorf("%s wrote past the end of %v, byte %d", c.Op.Kind(), tensors[i], j)
			}
		}
	}
	return worst, nil
}

// explain adds to a failure the data that are needed to find its cause elsewhere: the op
// with its tensors, and the context's plans if it has any. The inputs are Noise of the
// case's name, or Data.
func (c OpCase) explain(ctx engine.Context, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%w\nop: %+v", err, c.Op)
	if p, ok := ctx.(interface{ Plans() []string }); ok {
		err = fmt.Errorf("%w\nplans: %s", err, strings.Join(p.Plans(), "; "))
	}
	return err
}

// products is the number of multiplications of an op with weights.
func (c OpCase) products() int {
	return int(engine.FLOP(c.Op)) / 2
}

// shownWrong is the number of wrong elements in an error.
const shownWrong = 4

// compare compares a whole output with the reference. The error names the first wrong
// elements and their number.
func (c OpCase) compare(t *engine.Tensor, got []float64, want []Sum, tol Tolerance) (worst float64, err error) {
	store := unitFP32
	if t.Type == engine.Working {
		store = tol.Store
	}
	wrong := 0
	for i := range got {
		share, e := compare(got[i], want[i], tol.Bound(want[i], store))
		worst = max(worst, share)
		if e == nil {
			continue
		}
		switch wrong++; {
		case wrong == 1:
			err = fmt.Errorf("%s: %v at %s %w", c.Op.Kind(), t, coordinates(t.Shape, i), e)
		case wrong <= shownWrong:
			err = fmt.Errorf("%w; at %s %w", err, coordinates(t.Shape, i), e)
		}
	}
	if wrong > 1 {
		err = fmt.Errorf("%w (%d wrong of %d)", err, wrong, len(got))
	}
	return worst, err
}

// contents returns the case's values for a tensor.
func (c OpCase) contents(t *engine.Tensor) []float64 {
	if v, ok := c.Data[t]; ok {
		return v
	}
	return Noise(c.Name+t.Name, t.Shape.Len())
}

// filler returns filler that an op must overwrite.
func filler(t *engine.Tensor, float float64) []float64 {
	switch t.Type {
	case engine.Int32:
		float = -0x5a5a5a5a
	case engine.Byte, engine.Argmax:
		float = 0xfe
	}
	return repeat(float, t.Shape.Len())
}

// place gives each tensor its own offset, with a guard after it, and returns the guards
// and the number of bytes. (PlanArena would let tensors touch.)
func place(ctx engine.Context, tensors []*engine.Tensor) (guards []*engine.Tensor, size int64) {
	for _, t := range tensors {
		t.Context, t.Offset = ctx, size
		end := size + ctx.Bytes(t)
		size = (end + guardBytes + engine.ArenaAlign - 1) &^ (engine.ArenaAlign - 1)
		guards = append(guards, &engine.Tensor{
			Name: "guard of " + t.Name, Shape: engine.Shape{1, int(size - end), 1, 1},
			Type: engine.Byte, Life: engine.Persistent, Context: ctx, Offset: end,
		})
	}
	return guards, size
}
