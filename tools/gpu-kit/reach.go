package main

import (
	"fmt"
	"math"
)

// batches are the sizes that speeds are wanted at.
var batches = []int{128, 512}

// goal is one thing that is wanted of a GPU, and what was measured.
type goal struct {
	What     string  `json:"what"`
	Want     string  `json:"want"`
	Measured bool    `json:"measured"`
	Got      float64 `json:"got"`
	Text     string  `json:"text"` // of Got
	Met      bool    `json:"met"`
}

// reach compares what was measured with what is wanted.
func (r *report) reach() []goal {
	var goals []goal
	note := func(what, want string, measured bool, got float64, format string, met bool) {
		g := goal{What: what, Want: want, Measured: measured, Got: got, Text: "not measured"}
		if measured {
			g.Text, g.Met = fmt.Sprintf(format, got), met && !r.Rehearsal
		}
		goals = append(goals, g)
	}
	add := func(what, want string, got float64, format string, met bool) {
		note(what, want, got > 0, got, format, met)
	}
	for _, w := range []struct {
		precision string
		times     float64
	}{{"bf16", 1.3}, {"tf32", 1.2}} {
		for _, batch := range batches {
			times := r.times(fmt.Sprintf("speed in %s, batch %d", w.precision, batch))
			add(fmt.Sprintf("training in %s, batch %d, to PyTorch's best", w.precision, batch), fmt.Sprintf("at least %.1f×", w.times), times, "%.2f×", times >= w.times)
		}
	}
	for _, batch := range batches {
		share := r.worst("roofline", batch, func(m rate) float64 { return m.Train / m.Roofline })
		add(fmt.Sprintf("training in bf16, batch %d, of the roofline", batch), "at least 40 %", 100*share, "%.0f %%", share >= 0.4)
	}
	for _, batch := range batches {
		slower := r.slower(batch)
		add(fmt.Sprintf("time of cuda:0,cuda:0 to cuda:0 in bf16, batch %d", batch), "at most 1.25×", slower, "%.2f×", slower <= 1.25)
	}
	for _, batch := range batches {
		share := r.worst("training from shards", batch, func(m rate) float64 { return m.FromData / m.FromMemory })
		add(fmt.Sprintf("from shards on %d cores, batch %d, of the rate from memory", r.Cores, batch), "at least 95 % on 16", 100*share, "%.1f %%", share >= 0.95)
	}
	apart, spread, n := r.seeds()
	want := "within a standard deviation"
	if n > 1 {
		want = fmt.Sprintf("at most %.2f points, a standard deviation", 100*spread)
	}
	note(fmt.Sprintf("Imagenette's top-1 error to PyTorch's, means of %d seeds", n), want, n > 1, 100*apart, "%.2f points", apart <= spread)
	return goals
}

// part is the part of a name; an empty one where there is none.
func (r *report) part(name string) *part {
	for _, p := range r.Parts {
		if p.Name == name {
			return p
		}
	}
	return new(part)
}

// times is ours, the mean of its turns, to the best of PyTorch's; 0 without both.
func (r *report) times(name string) float64 {
	ours, best := means(r.part(name).Rates)
	if best == 0 {
		return 0
	}
	return ours / best
}

// worst is the least ratio of a part's rates at a batch; 0 where none was measured.
func (r *report) worst(name string, batch int, ratio func(rate) float64) float64 {
	least := math.Inf(1)
	for _, m := range r.part(name).Rates {
		if v := ratio(m); m.Batch == batch && v > 0 && !math.IsInf(v, 0) {
			least = min(least, v)
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}

// slower is the time of a step on two contexts to that on one, whose turns are
// averaged.
func (r *report) slower(batch int) float64 {
	var one, two []float64
	for _, m := range r.part("two contexts on one GPU").Rates {
		switch {
		case m.Batch != batch:
		case m.Devices == "cuda:0":
			one = append(one, m.Train)
		default:
			two = append(two, m.Train)
		}
	}
	if len(one) == 0 || len(two) == 0 {
		return 0
	}
	a, _ := spread(one)
	b, _ := spread(two)
	return a / b
}

// seeds compares the seeds that both have trained: how far the means are apart, and
// the larger standard deviation.
func (r *report) seeds() (apart, deviation float64, n int) {
	var ours, theirs []float64
	for _, p := range r.Parts {
		if s := p.Seed; s != nil && s.Ours > 0 && s.PyTorch > 0 {
			ours, theirs = append(ours, s.Ours), append(theirs, s.PyTorch)
		}
	}
	if len(ours) == 0 {
		return 0, 0, 0
	}
	a, da := spread(ours)
	b, db := spread(theirs)
	return math.Abs(a - b), max(da, db), len(ours)
}

// spread is the mean of values and their standard deviation, 0 of one.
func spread(values []float64) (mean, deviation float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean)
	}
	if len(values) > 1 {
		deviation = math.Sqrt(deviation / float64(len(values)-1))
	}
	return mean, deviation
}
