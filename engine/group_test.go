package engine_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"alexnet/engine"
	"alexnet/engine/enginetest"
)

// seat is a rank that records the lengths of its sums and gathers, or fails.
type seat struct {
	*enginetest.Peer
	calls    []int
	gathered []int
	fail     error
}

func (s *seat) AllGather(values []float32) func() error {
	s.gathered = append(s.gathered, len(values))
	return s.Peer.AllGather(values)
}

func (s *seat) AllReduce(values []float32) func() error {
	if s.fail != nil {
		return func() error { return s.fail }
	}
	s.calls = append(s.calls, len(values))
	return s.Peer.AllReduce(values)
}

// Two ranks of half the batch are one of the whole: to rounding, dropout
// included, however each rank's net is placed and its batch cut. The ranks are
// equal to the bit.
func TestRanks(t *testing.T) {
	const ranks, batch = 2, 4
	net := preset(t, "alexnet-mini", 10)
	for _, c := range []struct {
		list   string
		pieces int
	}{{"cpu", 1}, {"cpu", 2}, {"cpu,cpu", 1}, {"cpu,cpu", 2}} {
		t.Run(fmt.Sprintf("%s in %d", c.list, c.pieces), func(t *testing.T) {
			if testing.Short() && c.list == "cpu" {
				t.Skip("the two contexts do the same and more")
			}
			cfg := engine.ModelConfig{Batch: batch, InputScale: 1. / 64, Decay: 5e-4}
			whole := newModel(t, net, "cpu", cfg)
			cfg.Batch, cfg.Accumulate = batch/ranks, c.pieces
			seats, models := make([]*seat, ranks), make([]*engine.Model, ranks)
			for r, together := range enginetest.Ranks(ranks) {
				seats[r] = &seat{Peer: together}
				cfg.Group = seats[r]
				models[r] = newModel(t, net, c.list, cfg)
			}
			for _, m := range append(models, whole) {
				if err := m.Initialize(engine.InitHe, 7); err != nil {
					t.Fatal(err)
				}
			}
			for step := range uint64(3) {
				trainAlike(t, whole, models, batch, step)
				same(t, whole, models[0], engine.Gradient, 1e-4)
			}
			same(t, whole, models[0], engine.Weight, 1e-4)
			sameWeights(t, "rank 1", weights(t, models[1]), weights(t, models[0]))
			checkCalls(t, models[0], seats[0].calls, len(seats[1].calls))
		})
	}
}

// trainAlike trains one step on one model and on ranks. The losses agree to rounding.
func trainAlike(t *testing.T, whole *engine.Model, models []*engine.Model, batch int, number uint64) {
	t.Helper()
	b := randomBatch(whole.Net, batch, number)
	s := engine.Step{Seed: 1, Number: number, LearningRate: .01, Momentum: .9}
	want, err := whole.Train(b, s)
	if err != nil {
		t.Fatal(err)
	}
	var losses []float32
	for _, o := range trainRanks(t, models, b, s) {
		losses = append(losses, o.Loss...)
	}
	for i, w := range want.Loss {
		if math.Abs(float64(losses[i]-w)) > 1e-4 {
			t.Errorf("step %d, image %d: loss %g on ranks, %g in one", number, i, losses[i], w)
		}
	}
}

// trainRanks takes one step on every rank, each with its share of b.
func trainRanks(t *testing.T, models []*engine.Model, b engine.Batch, s engine.Step) []engine.Outcome {
	t.Helper()
	n := b.Images / len(models)
	pixels := len(b.Pixels) / b.Images
	outcomes, errs := make([]engine.Outcome, len(models)), make([]error, len(models))
	var all sync.WaitGroup
	for r, m := range models {
		share := engine.Batch{Images: n, Pixels: b.Pixels[r*n*pixels:], Colour: b.Colour[r*n*3:], Labels: b.Labels[r*n:]}
		all.Go(func() { outcomes[r], errs[r] = m.Train(share, s) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// checkCalls checks that the gradients of one step come in order, last layers first,
// every context's share by itself, and the flag at the end.
func checkCalls(t *testing.T, m *engine.Model, calls []int, others int) {
	t.Helper()
	var want []int
	params := m.Parameters()
	for i := len(params) - 2; i >= 0; i -= 2 {
		shares := len(m.Plans())
		if strings.HasPrefix(params[i].Name, "fc8") {
			shares = 1
		}
		for range shares {
			want = append(want, params[i].Len()/shares, params[i+1].Len()/shares)
		}
	}
	want = append(want, 1)
	if !slices.Equal(calls, slices.Repeat(want, 3)) || others != len(calls) {
		t.Errorf("sums of %v values in 3 steps, %d on the other rank; want 3 times %v", calls, others, want)
	}
}

// A loss that isn't finite on one rank halts them all.
func TestRanksHalt(t *testing.T) {
	net := preset(t, "alexnet-mini", 10)
	var models []*engine.Model
	for _, rank := range enginetest.Ranks(2) {
		m := newModel(t, net, "cpu", engine.ModelConfig{Batch: 1, InputScale: 1. / 64, Group: rank})
		if err := m.Initialize(engine.InitHe, 7); err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	before := weights(t, models[0])
	b := randomBatch(net, 2, 1)
	b.Colour[3] = float32(math.Inf(1)) // rank 1's
	outcomes := trainRanks(t, models, b, engine.Step{LearningRate: .01})
	if !outcomes[0].Halted || !outcomes[1].Halted || outcomes[0].Loss[0] != outcomes[0].Loss[0] {
		t.Errorf("outcomes %+v: want both halted, and rank 0's loss a number", outcomes)
	}
	for r, m := range models {
		sameWeights(t, fmt.Sprint("rank ", r), weights(t, m), before)
	}
	b.Colour[3] = 0
	if o := trainRanks(t, models, b, engine.Step{LearningRate: .01}); o[0].Halted || o[1].Halted {
		t.Error("halted in the step after")
	}
}

func TestRankLost(t *testing.T) {
	net := preset(t, "alexnet-mini", 10)
	lost := errors.New("rank 1 of 2 is gone")
	m := newModel(t, net, "cpu", engine.ModelConfig{Batch: 1, Group: &seat{Peer: enginetest.Ranks(2)[0], fail: lost}})
	if err := m.Initialize(engine.InitHe, 7); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Train(randomBatch(net, 1, 1), engine.Step{}); !errors.Is(err, lost) || !strings.Contains(err.Error(), "over ranks") {
		t.Errorf("error %v", err)
	}
}
