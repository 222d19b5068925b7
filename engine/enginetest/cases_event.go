package enginetest

import (
	"errors"
	"fmt"

	"alexnet/engine"
)

// eventCases are the cases of two contexts that wait for each other.
func eventCases() []Case {
	return []Case{
		{Name: "events/owner", Check: single(checkOwner)},
		{Name: "events/own event", Check: single(checkOwnEvent)},
		{Name: "events/producer enqueued first", Check: pair(func(a, b engine.Context) error { return checkHandOver(a, b, producerFirst) })},
		{Name: "events/consumer enqueued first", Check: pair(func(a, b engine.Context) error { return checkHandOver(a, b, consumerFirst) })},
		{Name: "events/enqueued in turns", Check: pair(func(a, b engine.Context) error { return checkHandOver(a, b, inTurns) })},
		{Name: "events/exchange both ways", Check: pair(checkExchange)},
		{Name: "events/halt in a peer's memory", Check: pair(checkPeerHalt)},
	}
}

// pair is a case about two contexts of a kind.
func pair(f func(a, b engine.Context) error) func(Opener, Tolerance) (float64, error) {
	return func(open Opener, _ Tolerance) (worst float64, err error) {
		a, err := open()
		if err != nil {
			return 0, err
		}
		b, err := open()
		if err != nil {
			return 0, errors.Join(err, a.Close())
		}
		err = within(func() error { return f(a, b) })
		return 0, errors.Join(err, within(a.Close), within(b.Close))
	}
}

func checkOwner(ctx engine.Context) error {
	if got := ctx.NewEvent().Owner(); got != ctx {
		return fmt.Errorf("the event's owner is %v, want the context that made it", got)
	}
	return nil
}

// checkOwnEvent awaits an event in the context that signals it. This needs no wait, since
// the queue is in order.
func checkOwnEvent(ctx engine.Context) error {
	if err := ctx.Reserve(0, ctx.Workspace(nil)); err != nil {
		return err
	}
	e := ctx.NewEvent()
	program, err := ctx.Compile([]engine.Op{engine.Signal{Event: e}, engine.Await{Event: e}})
	if err != nil {
		return err
	}
	return within(func() error {
		for range 10 {
			if err := program.Run(engine.Step{}); err != nil {
				return err
			}
		}
		return ctx.Sync()
	})
}

// An order enqueues n runs of a producer and a consumer in some order.
type order func(n int, producer, consumer func() error) error

func producerFirst(n int, producer, consumer func() error) error {
	return errors.Join(times(n, producer), times(n, consumer))
}

func consumerFirst(n int, producer, consumer func() error) error {
	return errors.Join(times(n, consumer), times(n, producer))
}

func inTurns(n int, producer, consumer func() error) error {
	return times(n, func() error { return errors.Join(producer(), consumer()) })
}

func times(n int, f func() error) error {
	for range n {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// checkHandOver lets a count in its own memory, and b add up every count that it reads,
// with an event in each direction. b's k-th run must read a's k-th value, neither an
// earlier nor a later one. a has more work than b.
func checkHandOver(a, b engine.Context, enqueue order) error {
	const runs, rounds = 16, 12 // 1 + … + 16 = 136, a whole number in every precision
	s := engine.Shape{2, 16, 13, 13}
	count, next, one := working("count", s), working("next", s), working("one", s)
	sum, old := working("sum", s), working("old", s)
	busy := engine.ConvForward{
		Window: engine.Window{Size: 1, Stride: 1}, Groups: 1,
		X: one, W: tensor("w", engine.Master, 16, 16, 1, 1), B: tensor("b", engine.Master, 16, 1, 1, 1), Y: working("y", s),
	}
	ready, taken := a.NewEvent(), b.NewEvent()
	opsA := []engine.Op{
		busy,
		engine.SumSlices{Parts: []*engine.Tensor{count, one}, Y: next},
		engine.Concat{Parts: []*engine.Tensor{next}, Y: count},
		engine.Signal{Event: ready},
		engine.Await{Event: taken},
	}
	opsB := []engine.Op{
		engine.Concat{Parts: []*engine.Tensor{sum}, Y: old},
		engine.Await{Event: ready},
		engine.SumSlices{Parts: []*engine.Tensor{old, count}, Y: sum},
		engine.Signal{Event: taken},
	}
	_, size := place(a, []*engine.Tensor{count, next, one, busy.W, busy.B, busy.Y})
	if err := a.Reserve(size, a.Workspace(opsA)); err != nil {
		return err
	}
	_, size = place(b, []*engine.Tensor{sum, old})
	if err := b.Reserve(size, b.Workspace(opsB)); err != nil {
		return err
	}
	producer, err := a.Compile(opsA)
	if err != nil {
		return err
	}
	consumer, err := b.Compile(opsB)
	if err != nil {
		return err
	}
	n := s.Len()
	if err := errors.Join(upload(a, one, repeat(1, n)), upload(a, busy.W, repeat(0, busy.W.Shape.Len())), upload(a, busy.B, repeat(0, 16))); err != nil {
		return err
	}
	for round := range rounds {
		if err := errors.Join(upload(a, count, repeat(0, n)), upload(b, sum, repeat(0, n))); err != nil {
			return err
		}
		err := enqueue(runs,
			func() error { return producer.Run(engine.Step{}) },
			func() error { return consumer.Run(engine.Step{}) })
		if err := errors.Join(err, a.Sync(), b.Sync()); err != nil {
			return err
		}
		got, err := download(b, sum)
		if err != nil {
			return err
		}
		if i := differ(got, repeat(runs*(runs+1)/2, n)); i >= 0 {
			return fmt.Errorf("round %d: the counts seen add up to %v, want %v", round, got[i], runs*(runs+1)/2)
		}
	}
	return nil
}

// checkExchange does the same as two towers: each side makes a part, both gather the
// whole and add up slices of the other's.
func checkExchange(a, b engine.Context) error {
	const rounds = 50
	part, whole := engine.Shape{2, 8, 13, 13}, engine.Shape{2, 16, 13, 13}
	contexts := [2]engine.Context{a, b}
	var x, mine, all, gathered, dx [2]*engine.Tensor
	var made, spread [2]engine.Event
	for p, c := range contexts {
		x[p], mine[p] = working("x", part), working("mine", part)
		all[p], gathered[p], dx[p] = working("all", whole), working("gathered", whole), working("dx", part)
		made[p], spread[p] = c.NewEvent(), c.NewEvent()
	}
	for p, c := range contexts {
		place(c, []*engine.Tensor{x[p], mine[p], all[p], gathered[p], dx[p]})
	}
	var programs [2]engine.Program
	for p, c := range contexts {
		ops := []engine.Op{
			engine.Activate{Function: engine.ReLU, X: x[p], Y: mine[p]},
			engine.Signal{Event: made[p]},
			engine.Await{Event: made[1-p]},
			engine.Concat{Parts: mine[:], Y: all[p]},
			engine.Activate{Function: engine.ReLU, X: all[p], Y: gathered[p]},
			engine.Signal{Event: spread[p]},
			engine.Await{Event: spread[1-p]},
			engine.SumSlices{Parts: gathered[:], First: 8 * p, Y: dx[p]},
		}
		_, size := place(c, []*engine.Tensor{x[p], mine[p], all[p], gathered[p], dx[p]})
		if err := c.Reserve(size, c.Workspace(ops)); err != nil {
			return err
		}
		var err error
		if programs[p], err = c.Compile(ops); err != nil {
			return err
		}
	}
	for round := range rounds {
		for p, c := range contexts {
			v := integers(fmt.Sprint("exchange", round, p), part.Len(), -100, 100)
			if err := upload(c, x[p], v); err != nil {
				return err
			}
		}
		first := round % 2
		if err := errors.Join(programs[first].Run(engine.Step{}), programs[1-first].Run(engine.Step{}), a.Sync(), b.Sync()); err != nil {
			return err
		}
		for p, c := range contexts {
			own := integers(fmt.Sprint("exchange", round, p), part.Len(), -100, 100)
			got, err := download(c, dx[p])
			if err != nil {
				return err
			}
			for i, v := range own {
				if want := 2 * max(v, 0); got[i] != want {
					return fmt.Errorf("round %d, context %d at %s: %v, want %v", round, p, coordinates(part, i), got[i], want)
				}
			}
		}
	}
	return nil
}

// checkPeerHalt lets a's loss halt b's update. A finite loss doesn't; one that isn't
// finite does, and so do all later runs until the host clears the flag.
func checkPeerHalt(a, b engine.Context) error {
	logits, one := engine.Shape{2, 3, 1, 1}, engine.Shape{2, 1, 1, 1}
	loss := engine.SoftmaxLoss{
		X: working("x", logits), Labels: tensor("labels", engine.Int32, 2, 1, 1, 1), Probs: float32s("probs", logits),
		Loss: float32s("loss", one), LabelRank: tensor("rank", engine.Int32, 2, 1, 1, 1), DX: working("dx", logits), Halt: halt(), Scale: 1,
	}
	update := incrementer()
	update.Halt = loss.Halt
	lost, updated := a.NewEvent(), b.NewEvent()
	opsA := []engine.Op{loss, engine.Signal{Event: lost}, engine.Await{Event: updated}}
	opsB := []engine.Op{engine.Await{Event: lost}, update, engine.Signal{Event: updated}}
	_, size := place(a, append(distinct(loss.Reads()), loss.Probs, loss.Loss, loss.LabelRank, loss.DX))
	if err := a.Reserve(size, a.Workspace(opsA)); err != nil {
		return err
	}
	_, size = place(b, []*engine.Tensor{update.W, update.V, update.G})
	if err := b.Reserve(size, b.Workspace(opsB)); err != nil {
		return err
	}
	first, err := a.Compile(opsA)
	if err != nil {
		return err
	}
	second, err := b.Compile(opsB)
	if err != nil {
		return err
	}
	n := update.W.Shape.Len()
	if err := errors.Join(upload(b, update.W, repeat(0, n)), upload(b, update.V, repeat(1, n)), upload(b, update.G, repeat(0, n)),
		upload(a, loss.Labels, []float64{0, 1}), upload(a, loss.Halt, []float64{0})); err != nil {
		return err
	}
	for i, c := range []struct {
		logit float64
		clear bool
		want  float64 // number of updates so far
	}{{1, false, 1}, {1, false, 2}, {nan, false, 2}, {1, false, 2}, {1, true, 3}, {inf, false, 3}, {2, true, 4}} {
		if c.clear {
			if err := upload(a, loss.Halt, []float64{0}); err != nil {
				return err
			}
		}
		x := []float64{1, 2, 3, c.logit, 5, 6}
		if err := errors.Join(upload(a, loss.X, x), first.Run(engine.Step{}), second.Run(engine.Step{Momentum: 1})); err != nil {
			return err
		}
		got, err := download(b, update.W)
		if err != nil {
			return err
		}
		if j := differ(got, repeat(c.want, n)); j >= 0 {
			return fmt.Errorf("after run %d the weight is %v, want %v", i, got[j], c.want)
		}
	}
	return a.Sync()
}
