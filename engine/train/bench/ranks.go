package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"alexnet/engine"
)

// Ranks is the measurement on several ranks: medians of one step.
type Ranks struct {
	Ranks    int    `json:"ranks"`
	Parallel string `json:"parallel"`
	Wire     string `json:"wire"` // of gradients

	Step     float64 `json:"step_ms"`
	Compute  float64 `json:"compute_ms"`  // the same step with nothing sent
	Exchange float64 `json:"exchange_ms"` // the exchanges of a step, with nothing computed
	Hidden   float64 `json:"hidden"`      // part of the exchange that the step doesn't wait for, 0–1
	SentMB   float64 `json:"sent_mb"`     // by a rank, in a step; 0 if contexts send without the host
}

// measure times training steps of m over the ranks and, in turns with them, their
// parts. m was made with by; all ranks call it. For contexts that join the ranks by
// themselves the parts can't be timed.
func (r *Ranks) measure(ctx context.Context, f *measurement, by *meter, m *engine.Model, b engine.Batch) error {
	s := engine.Step{Seed: 1, LearningRate: 1e-4, Momentum: .9}
	step := func() error {
		s.Number++
		by.calls = nil
		_, err := m.Train(b, s)
		return err
	}
	if err := step(); err != nil { // warms up
		return err
	}
	sent := f.Group.Sent()
	if err := step(); err != nil {
		return err
	}
	r.SentMB = float64(f.Group.Sent()-sent) / 1e6
	silent := func() error {
		learning := s
		s.LearningRate, s.Momentum = 0, 0 // updates of one rank would make it differ from the others
		by.silent = true
		err := step()
		by.silent = false
		s.LearningRate, s.Momentum = learning.LearningRate, learning.Momentum
		return err
	}
	turns := []func() error{step}
	if exchange := by.replay(); exchange != nil {
		turns = append(turns, silent, exchange)
	}
	times := make([][]float64, len(turns))
	for range f.Steps {
		for i, turn := range turns {
			began := time.Now()
			if err := errors.Join(ctx.Err(), turn()); err != nil {
				return err
			}
			times[i] = append(times[i], time.Since(began).Seconds())
		}
	}
	r.Step = 1e3 * median(times[0])
	if len(turns) == 1 {
		return nil
	}
	r.Compute, r.Exchange = 1e3*median(times[1]), 1e3*median(times[2])
	r.Hidden = min(1, max(0, (r.Compute+r.Exchange-r.Step)/r.Exchange))
	return nil
}

func (r *Ranks) print(w io.Writer) {
	fmt.Fprintf(w, "%d ranks    %s parallel, gradients in %s, %.0f ms a step", r.Ranks, r.Parallel, r.Wire, r.Step)
	if r.SentMB > 0 {
		fmt.Fprintf(w, ", %.1f MB sent by a rank", r.SentMB)
	}
	if r.Exchange > 0 {
		fmt.Fprintf(w, "; %.0f ms without exchanges, which take %.0f ms by themselves: %.0f %% hidden", r.Compute, r.Exchange, 100*r.Hidden)
	}
	fmt.Fprintln(w)
}

// meter is a group that records the calls of the last step. It can also send nothing:
// the other ranks' blocks are then copies of its own, since the contents of the
// memory need not be numbers.
type meter struct {
	engine.Group
	silent bool
	calls  []rankCall
}

// rankCall is a call of a group with its kind and its number of values.
type rankCall struct {
	kind   callKind
	values int
}

type callKind uint8

const (
	allReduce callKind = iota
	allGather
	allToAll
)

func (m *meter) note(kind callKind, values int) {
	m.calls = append(m.calls, rankCall{kind, values})
}

func (m *meter) AllReduce(values []float32) func() error {
	if m.silent {
		return nothing
	}
	m.note(allReduce, len(values))
	return m.Group.AllReduce(values)
}

func (m *meter) AllGather(values []float32) func() error {
	if m.silent {
		n := len(values) / m.Size()
		own := values[m.Rank()*n:][:n]
		for r := range m.Size() {
			copy(values[r*n:], own)
		}
		return nothing
	}
	m.note(allGather, len(values))
	return m.Group.AllGather(values)
}

func (m *meter) AllToAll(dst, src []float32) func() error {
	if m.silent {
		copy(dst, src)
		return nothing
	}
	m.note(allToAll, len(src))
	return m.Group.AllToAll(dst, src)
}

func nothing() error { return nil }

// replay returns a function that makes the calls of the last step again, with nothing
// computed between them: sums together, exchanges one after the other, as in a step.
// It is nil if there were no calls.
func (m *meter) replay() func() error {
	if len(m.calls) == 0 {
		return nil
	}
	calls := m.calls
	values, received := make([][]float32, len(calls)), make([][]float32, len(calls))
	for i, c := range calls {
		values[i] = make([]float32, c.values)
		if c.kind == allToAll {
			received[i] = make([]float32, c.values)
		}
	}
	return func() error {
		var sums []func() error
		var errs []error
		for i, c := range calls {
			switch c.kind {
			case allReduce:
				sums = append(sums, m.Group.AllReduce(values[i]))
			case allGather:
				errs = append(errs, m.Group.AllGather(values[i])())
			case allToAll:
				errs = append(errs, m.Group.AllToAll(received[i], values[i])())
			}
		}
		for _, wait := range sums {
			errs = append(errs, wait())
		}
		return errors.Join(errs...)
	}
}
