package cuda_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
	"alexnet/engine/enginetest"
)

// rankModel is smallNet on some of the machine's devices, joined with the other
// ranks.
func rankModel(m *emulator.Machine, o cuda.Options, cfg engine.ModelConfig, devices ...int) (*engine.Model, error) {
	contexts, err := tryOpen(m, o, devices...)
	if err != nil {
		return nil, err
	}
	net := smallNet()
	net.Input.Scale = 1.0 / 64
	model, err := engine.NewModel(net, contexts, cfg)
	if err == nil {
		err = errors.Join(model.Initialize(engine.InitHe, 3), model.Join())
	}
	if err != nil {
		for _, c := range contexts {
			err = errors.Join(err, c.Close())
		}
		return nil, err
	}
	return model, nil
}

// share is a rank's part of a batch.
func share(b engine.Batch, rank, ranks int) engine.Batch {
	n, pixels := b.Images/ranks, len(b.Pixels)/b.Images
	lo := rank * n
	return engine.Batch{Images: n, Pixels: b.Pixels[lo*pixels : (lo+n)*pixels], Colour: b.Colour[3*lo : 3*(lo+n)], Labels: b.Labels[lo : lo+n]}
}

// steps trains a model that has its share of every batch, always with one step
// started before the last one is finished, and closes it.
func steps(m *engine.Model, whole, rank, ranks, n int) (r trained, err error) {
	defer func() { err = errors.Join(err, m.Close()) }()
	finish := func() error {
		o, err := m.Finish()
		if err == nil {
			r.loss = append(r.loss, o.Loss...)
		}
		return err
	}
	sizes := *m
	sizes.Config.Batch = whole
	for i := range n {
		step := engine.Step{Seed: 5, Number: uint64(i), LearningRate: 0.001, Momentum: 0.9}
		if err := m.Start(share(pictures(&sizes, uint64(i)), rank, ranks), step); err != nil {
			return r, err
		}
		if i > 0 {
			if err := finish(); err != nil {
				return r, err
			}
		}
	}
	if n > 0 {
		if err := finish(); err != nil {
			return r, err
		}
	}
	r.weights = map[string][]float32{}
	for _, p := range m.Parameters() {
		if r.weights[p.Name], err = m.Read(engine.Weight, p.Name); err != nil {
			return r, err
		}
	}
	return r, nil
}

// onRanks runs f for every rank at once.
func onRanks(n int, f func(by *enginetest.Peer) error) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for r, by := range enginetest.Ranks(n) {
		all.Go(func() { errs[r] = f(by) })
	}
	all.Wait()
	return errs
}

// TestTrainingOnRanks: ranks that share a batch do what one context does with all
// of it, however each is placed, and are equal to the bit. Float32 differs by the
// order of sums. In bfloat16 the gradient of a rank's images is rounded before it
// is added: relative to how far training went, by up to 2⁻⁸ twice. Logits that are
// about 1 in bfloat16 are themselves known to 2⁻⁸, and losses to two of these.
func TestTrainingOnRanks(t *testing.T) {
	const batch, n = 8, 4
	run := func(o cuda.Options, placed [][]int, pieces, n int) []trained {
		t.Helper()
		count := 0
		for _, d := range placed {
			count += len(d)
		}
		m := machine(t, emulator.Options{Devices: count, Delay: 100 * time.Microsecond})
		results := make([]trained, len(placed))
		inTime(t, func() {
			for _, err := range onRanks(len(placed), func(by *enginetest.Peer) (err error) {
				cfg := engine.ModelConfig{Batch: batch / len(placed), Decay: 0.0005, Accumulate: pieces}
				if len(placed) > 1 {
					cfg.Group = by
				}
				model, err := rankModel(m, o, cfg, placed[by.Rank()]...)
				if err == nil {
					results[by.Rank()], err = steps(model, batch, by.Rank(), by.Size(), n)
				}
				return err
			}) {
				if err != nil {
					t.Error(err)
				}
			}
		})
		return results
	}
	for _, c := range []struct {
		precision, wire cuda.Precision
		placed          [][]int
		pieces          int
		weights, loss   float64
	}{
		{cuda.FP32, cuda.FP32, [][]int{{0}, {1}}, 1, 1e-4, 1e-5},
		{cuda.FP32, cuda.FP32, [][]int{{0}, {1}}, 2, 1e-4, 1e-5},
		{cuda.FP32, cuda.FP32, [][]int{{0, 1}, {2, 3}}, 1, 1e-4, 1e-5},
		{cuda.FP32, cuda.FP32, [][]int{{0}, {1}, {2}, {3}}, 1, 1e-4, 1e-5},
		{cuda.FP32, cuda.BF16, [][]int{{0}, {1}}, 1, 0.008, 1e-3},
		{cuda.BF16, cuda.BF16, [][]int{{0, 1}, {2, 3}}, 2, 0.008, 0.01},
	} {
		t.Run(fmt.Sprintf("%v, gradients in %v, on %v in %d", c.precision, c.wire, c.placed, c.pieces), func(t *testing.T) {
			o := cuda.Options{Precision: c.precision, Wire: c.wire, Deterministic: true}
			start, want := run(o, [][]int{{0}}, 1, 0)[0], run(o, [][]int{{0}}, 1, n)[0]
			got := run(o, c.placed, c.pieces, n)
			if t.Failed() {
				return
			}
			joined := got[0]
			joined.loss = nil
			for i := range n { // in the order of the whole batch
				for _, r := range got {
					each := len(r.loss) / n
					joined.loss = append(joined.loss, r.loss[i*each:(i+1)*each]...)
				}
			}
			weights, at, loss := apart(start, want, joined)
			t.Logf("weights %.2g of their way apart (%s), losses %.2g", weights, at, loss)
			if !(weights <= c.weights && loss <= c.loss) {
				t.Errorf("weights %.3g of their way apart (%s), losses %.3g; allowed %g and %g", weights, at, loss, c.weights, c.loss)
			}
			for r := range got {
				if !maps.EqualFunc(got[r].weights, got[0].weights, slices.Equal) {
					t.Errorf("rank %d's weights differ from rank 0's", r)
				}
			}
		})
	}
}
