package enginetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"alexnet/engine"
)

// RankOpener opens a fresh context of a kind for one of several ranks.
type RankOpener func(rank int) (engine.Context, error)

// RankCases returns the cases of the ops that exchange tensors between ranks, for n
// ranks. They are not among Cases, since ranks on GPUs need a GPU each.
func RankCases(n int) []RankCase {
	var all []RankCase
	for _, c := range []rankCase{
		{kind: "all-reduce/gradient", x: engine.Shape{7, 5, 3, 3}, y: engine.Shape{7, 5, 3, 3}, typ: engine.Float32, reference: allReduce, op: func(x, y *engine.Tensor, by engine.Group) []engine.Op {
			return []engine.Op{engine.AllReduce{T: x, By: by}, engine.AwaitAllReduce{}}
		}},
		{kind: "all-gather/images", x: engine.Shape{3, 5, 2, 2}, y: engine.Shape{3 * n, 5, 2, 2}, reference: allGather(engine.Images), op: func(x, y *engine.Tensor, by engine.Group) []engine.Op {
			return []engine.Op{engine.AllGather{Axis: engine.Images, X: x, Y: y, By: by}}
		}},
		{kind: "all-gather/maps", x: engine.Shape{4, 6, 1, 1}, y: engine.Shape{4, 6 * n, 1, 1}, reference: allGather(engine.Maps), op: func(x, y *engine.Tensor, by engine.Group) []engine.Op {
			return []engine.Op{engine.AllGather{Axis: engine.Maps, X: x, Y: y, By: by}}
		}},
		{kind: "reduce-scatter/images", x: engine.Shape{3 * n, 5, 2, 2}, y: engine.Shape{3, 5, 2, 2}, reference: reduceScatter(engine.Images), op: func(x, y *engine.Tensor, by engine.Group) []engine.Op {
			return []engine.Op{engine.ReduceScatter{Axis: engine.Images, X: x, Y: y, By: by}}
		}},
		{kind: "reduce-scatter/maps", x: engine.Shape{4, 6 * n, 1, 1}, y: engine.Shape{4, 6, 1, 1}, reference: reduceScatter(engine.Maps), op: func(x, y *engine.Tensor, by engine.Group) []engine.Op {
			return []engine.Op{engine.ReduceScatter{Axis: engine.Maps, X: x, Y: y, By: by}}
		}},
		{kind: "all-to-all/maps", x: engine.Shape{3 * n, 6, 1, 1}, y: engine.Shape{3, 6 * n, 1, 1}, reference: allToAll(engine.Maps), op: func(x, y *engine.Tensor, by engine.Group) []engine.Op {
			return []engine.Op{engine.AllToAll{Axis: engine.Maps, X: x, Y: y, By: by}}
		}},
		{kind: "all-to-all/images", x: engine.Shape{3, 6 * n, 1, 1}, y: engine.Shape{3 * n, 6, 1, 1}, reference: allToAll(engine.Images), op: func(x, y *engine.Tensor, by engine.Group) []engine.Op {
			return []engine.Op{engine.AllToAll{Axis: engine.Images, X: x, Y: y, By: by}}
		}},
	} {
		all = append(all, RankCase{c.kind, func(open RankOpener) error { return c.check(open, n) }})
	}
	return append(all, RankCase{"all-reduce/flag", func(open RankOpener) error { return checkFlag(open, n) }})
}

// A RankCase is one property that contexts of several ranks must have.
type RankCase struct {
	Name  string
	Check func(RankOpener) error
}

// RunRanks runs the cases as subtests.
func RunRanks(t *testing.T, ranks int, open func(t *testing.T, rank int) engine.Context) {
	for _, c := range RankCases(ranks) {
		t.Run(fmt.Sprintf("%s, %d ranks", c.Name, ranks), func(t *testing.T) {
			if err := c.Check(func(rank int) (engine.Context, error) { return open(t, rank), nil }); err != nil {
				t.Error(err)
			}
		})
	}
}

// rankCase is an op, and its result for every rank's X. Numbers are whole, so that sums
// are exact in every precision and order.
type rankCase struct {
	kind      string
	x, y      engine.Shape
	typ       engine.ElemType
	op        func(x, y *engine.Tensor, by engine.Group) []engine.Op
	reference func(xs [][]float64, x, y engine.Shape, rank int) []float64
}

// whole returns a rank's numbers; bfloat16 can hold each.
func whole(kind string, rank, n int) []float64 {
	return integers(fmt.Sprint(kind, rank), n, -15, 15)
}

func (c *rankCase) check(open RankOpener, ranks int) error {
	xs := make([][]float64, ranks)
	for r := range xs {
		xs[r] = whole(c.kind, r, c.x.Len())
	}
	return onRanks(open, ranks, func(ctx engine.Context, by engine.Group) error {
		x, y := tensor("x", c.typ, c.x[0], c.x[1], c.x[2], c.x[3]), tensor("y", c.typ, c.y[0], c.y[1], c.y[2], c.y[3])
		result := y
		if c.typ == engine.Float32 { // in place
			result = x
		}
		_, size := place(ctx, []*engine.Tensor{x, y})
		ops := c.op(x, y, by)
		program, err := prepareRank(ctx, by, size, ops)
		if err != nil {
			return err
		}
		want := c.reference(xs, c.x, c.y, by.Rank())
		for round := range 3 { // eager, captured, replayed
			if err := errors.Join(upload(ctx, x, xs[by.Rank()]), program.Run(engine.Step{})); err != nil {
				return err
			}
			got, err := download(ctx, result)
			if err != nil {
				return err
			}
			if i := differ(got, want); i >= 0 {
				return fmt.Errorf("round %d, rank %d: %s is %g, want %g", round, by.Rank(), coordinates(result.Shape, i), got[i], want[i])
			}
		}
		return nil
	})
}

func prepareRank(ctx engine.Context, by engine.Group, arena int64, ops []engine.Op) (engine.Program, error) {
	if err := ctx.Reserve(arena, ctx.Workspace(ops)); err != nil {
		return nil, err
	}
	program, err := ctx.Compile(ops)
	if err != nil {
		return nil, err
	}
	if j, ok := ctx.(engine.Joiner); ok {
		err = j.Join(by)
	}
	return program, err
}

// onRanks runs f on every rank at once.
func onRanks(open RankOpener, ranks int, f func(engine.Context, engine.Group) error) error {
	errs := make([]error, ranks)
	var all sync.WaitGroup
	contexts := make([]engine.Context, ranks)
	for r := range contexts {
		var err error
		if contexts[r], err = open(r); err != nil {
			for _, c := range contexts[:r] {
				err = errors.Join(err, c.Close())
			}
			return err
		}
	}
	for r, by := range Ranks(ranks) {
		all.Go(func() {
			errs[r] = within(func() error { return f(contexts[r], by) })
			errs[r] = errors.Join(errs[r], within(contexts[r].Close))
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// checkFlag: a flag is 1 on all ranks when one of them has it.
func checkFlag(open RankOpener, ranks int) error {
	return onRanks(open, ranks, func(ctx engine.Context, by engine.Group) error {
		flag := tensor("flag", engine.Int32, 1, 1, 1, 1)
		_, size := place(ctx, []*engine.Tensor{flag})
		program, err := prepareRank(ctx, by, size, []engine.Op{engine.AllReduce{T: flag, By: by}, engine.AwaitAllReduce{}})
		if err != nil {
			return err
		}
		for raised := range ranks + 1 { // in the last round no rank raises it
			own, want := 0., 1.
			if raised == by.Rank() {
				own = 1
			}
			if raised == ranks {
				want = 0
			}
			if err := errors.Join(upload(ctx, flag, []float64{own}), program.Run(engine.Step{})); err != nil {
				return err
			}
			if got, err := download(ctx, flag); err != nil || got[0] != want {
				return fmt.Errorf("rank %d: the flag is %v, want %g: %v", by.Rank(), got, want, err)
			}
		}
		return nil
	})
}

func allReduce(xs [][]float64, _, _ engine.Shape, _ int) []float64 {
	sum := make([]float64, len(xs[0]))
	for _, x := range xs {
		for i, v := range x {
			sum[i] += v
		}
	}
	return sum
}

func allGather(axis engine.Axis) func(xs [][]float64, x, y engine.Shape, rank int) []float64 {
	return func(xs [][]float64, x, y engine.Shape, _ int) []float64 {
		if axis == engine.Images {
			return slices.Concat(xs...)
		}
		var out []float64
		for n := range x[0] {
			for _, v := range xs {
				out = append(out, v[n*x.Row():(n+1)*x.Row()]...)
			}
		}
		return out
	}
}

func reduceScatter(axis engine.Axis) func(xs [][]float64, x, y engine.Shape, rank int) []float64 {
	return func(xs [][]float64, x, y engine.Shape, rank int) []float64 {
		sum := allReduce(xs, x, y, rank)
		if axis == engine.Images {
			return sum[rank*y.Len() : (rank+1)*y.Len()]
		}
		var out []float64
		for n := range y[0] {
			out = append(out, sum[n*x.Row()+rank*y.Row():][:y.Row()]...)
		}
		return out
	}
}

func allToAll(axis engine.Axis) func(xs [][]float64, x, y engine.Shape, rank int) []float64 {
	return func(xs [][]float64, x, y engine.Shape, rank int) []float64 {
		out := make([]float64, y.Len())
		for q, v := range xs {
			if axis == engine.Maps {
				for n := range y[0] {
					copy(out[n*y.Row()+q*x.Row():], v[(rank*y[0]+n)*x.Row():][:x.Row()])
				}
				continue
			}
			for n := range x[0] {
				copy(out[(q*x[0]+n)*y.Row():][:y.Row()], v[n*x.Row()+rank*y.Row():])
			}
		}
		return out
	}
}
