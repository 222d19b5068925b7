package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"alexnet/engine"
	"alexnet/engine/enginetest"
)

// hybridModels are a net on ranks whose fully connected layers are split.
func hybridModels(t *testing.T, net *engine.Net, ranks int, cfg engine.ModelConfig) ([]*engine.Model, []*seat) {
	t.Helper()
	var models []*engine.Model
	var seats []*seat
	for _, together := range enginetest.Ranks(ranks) {
		s := &seat{Peer: together}
		cfg.Group, cfg.Hybrid = s, true
		m := newModel(t, net, "cpu", cfg)
		if err := m.Initialize(engine.InitHe, 7); err != nil {
			t.Fatal(err)
		}
		models, seats = append(models, m), append(seats, s)
	}
	return models, seats
}

// onAll calls f on every rank at once.
func onAll[T any](t *testing.T, models []*engine.Model, f func(rank int, m *engine.Model) (T, error)) []T {
	t.Helper()
	results, errs := make([]T, len(models)), make([]error, len(models))
	var all sync.WaitGroup
	for r, m := range models {
		all.Go(func() { results[r], errs[r] = f(r, m) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return results
}

// sameField compares a parameter's field with every rank's: to a relative
// tolerance with that of one, and to the bit among the ranks.
func sameField(t *testing.T, one *engine.Model, models []*engine.Model, f engine.Field, tolerance float64) {
	t.Helper()
	for _, q := range one.Parameters() {
		want, err := one.Read(f, q.Name)
		if err != nil {
			t.Fatal(err)
		}
		got := onAll(t, models, func(_ int, m *engine.Model) ([]float32, error) { return m.Read(f, q.Name) })
		var diff, norm float64
		for i, w := range want {
			d := float64(got[0][i]) - float64(w)
			diff, norm = diff+d*d, norm+float64(w)*float64(w)
		}
		if !(math.Sqrt(diff) <= tolerance*math.Sqrt(norm)) || norm == 0 {
			t.Errorf("%s: relative difference %g, want at most %g", q.Name, math.Sqrt(diff/norm), tolerance)
		}
		for r := range got {
			if !slices.Equal(got[r], got[0]) {
				t.Errorf("%s: rank %d has other values than rank 0", q.Name, r)
			}
		}
	}
}

// Ranks that split the fully connected layers compute the steps of one process,
// to rounding, dropout included; they send no gradients of what is split.
func TestHybrid(t *testing.T) {
	const batch = 8
	net := preset(t, "alexnet-mini", 10)
	for _, ranks := range []int{2, 4} {
		t.Run(fmt.Sprint(ranks), func(t *testing.T) {
			cfg := engine.ModelConfig{Batch: batch, InputScale: 1. / 64, Decay: 5e-4, Smoothing: .1}
			whole := newModel(t, net, "cpu", cfg)
			if err := whole.Initialize(engine.InitHe, 7); err != nil {
				t.Fatal(err)
			}
			cfg.Batch /= ranks
			models, seats := hybridModels(t, net, ranks, cfg)
			if !models[0].Split() || whole.Split() {
				t.Fatal("who is split?")
			}
			for step := range uint64(3) {
				trainAlike(t, whole, models, batch, step)
				sameField(t, whole, models, engine.Gradient, 1e-4)
			}
			sameField(t, whole, models, engine.Weight, 1e-4)
			sameField(t, whole, models, engine.Velocity, 1e-4)
			checkHybridCalls(t, whole, seats[0].calls, 3)

			// Inference has the weights of the start until they are assembled.
			b := randomBatch(net, cfg.Batch, 99)
			infer := func(_ int, m *engine.Model) ([]float32, error) {
				o, err := m.Infer(b)
				return slices.Clone(o.Probs), err
			}
			before := onAll(t, models[:1], infer)[0] // by itself: no other rank takes part
			onAll(t, models, func(_ int, m *engine.Model) (bool, error) { return true, m.Assemble() })
			after := onAll(t, models[1:2], infer)[0]
			b.Images = cfg.Batch
			o, err := whole.Infer(b)
			if err != nil {
				t.Fatal(err)
			}
			var moved float64
			for i, w := range o.Probs[:len(after)] {
				if math.Abs(float64(after[i]-w)) > 1e-4 {
					t.Fatalf("probability %d: %g on a rank, %g in one", i, after[i], w)
				}
				moved = max(moved, math.Abs(float64(before[i]-w)))
			}
			if moved < 1e-3 {
				t.Errorf("inference moved by %g in three steps: has it been assembled before?", moved)
			}
		})
	}
}

// checkHybridCalls checks the sums of all parameters that aren't split.
func checkHybridCalls(t *testing.T, m *engine.Model, calls []int, steps int) {
	t.Helper()
	var want []int
	params := m.Parameters()
	for i := len(params) - 2; i >= 0; i -= 2 {
		if name := params[i].Name; strings.HasPrefix(name, "conv") || i == len(params)-2 {
			want = append(want, params[i].Len(), params[i+1].Len())
		}
	}
	if want = append(want, 1); !slices.Equal(calls, slices.Repeat(want, steps)) {
		t.Errorf("sums of %v values in %d steps; want %v in each", calls, steps, want)
	}
}

// oddNet has fully connected layers in unusual places: one first, one before a layer that
// reads all maps; and tanh.
const oddNet = `{
  "name": "odd", "input": {"size": 9, "scale": 0.02}, "towers": 1, "classes": 3,
  "layers": [
    {"name": "fc1", "dense": {"units": 12, "std": 0.1}},
    {"activate": "tanh"},
    {"name": "conv2", "conv": {"maps": 8, "kernel": 1, "stride": 1, "pad": 0, "std": 0.3}},
    {"lrn": {"size": 3, "k": 2, "alpha": 0.1, "beta": 0.75}},
    {"name": "fc3", "dense": {"units": 6, "std": 0.3}},
    {"maxpool": {"kernel": 1, "stride": 1, "pad": 0}},
    {"dropout": {"rate": 0.25, "inverted": true}},
    {"name": "fc4", "dense": {"units": 0, "std": 0.3}}
  ]}`

func TestHybridOddNet(t *testing.T) {
	net, err := engine.ReadNet(strings.NewReader(oddNet))
	if err != nil {
		t.Fatal(err)
	}
	const batch, ranks = 6, 3
	whole := newModel(t, net, "cpu", engine.ModelConfig{Batch: batch})
	if err := whole.Initialize(engine.InitHe, 7); err != nil {
		t.Fatal(err)
	}
	models, _ := hybridModels(t, net, ranks, engine.ModelConfig{Batch: batch / ranks})
	for step := range uint64(4) {
		trainAlike(t, whole, models, batch, step)
		sameField(t, whole, models, engine.Gradient, 1e-4)
	}
	sameField(t, whole, models, engine.Weight, 1e-4)
}

func TestHybridRefused(t *testing.T) {
	net := preset(t, "alexnet-mini", 10)
	for _, c := range []struct {
		list, want    string
		ranks, pieces int
	}{
		{"cpu,cpu", "give every rank one device, not 2", 2, 1},
		{"cpu", "they can't be cut into pieces", 2, 2},
		{"cpu", "units: they don't divide over 7 ranks", 7, 1},
	} {
		contexts := open(t, c.list)
		_, err := engine.PlanModel(net, contexts, engine.ModelConfig{Batch: 4, Accumulate: c.pieces, Hybrid: true, Group: enginetest.Ranks(c.ranks)[0]})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s on %d ranks in %d pieces: %v, want %s", c.list, c.ranks, c.pieces, err, c.want)
		}
	}
	// Alone there is nothing to split, and everything is allowed.
	if _, err := engine.PlanModel(net, open(t, "cpu,cpu"), engine.ModelConfig{Batch: 4, Accumulate: 2, Hybrid: true}); err != nil {
		t.Error(err)
	}
}

// A trainer on hybrid ranks reports and saves what one process does, to
// rounding; its checkpoint is whole, so that one process goes on from it, and
// ranks do.
func TestTrainerHybrid(t *testing.T) {
	one := &recorder{}
	alone := tinyTrainer(t, t.TempDir(), one)
	if _, err := alone.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	records := []*recorder{{}, {}}
	contexts := []context.Context{t.Context(), t.Context()}
	trainers := rankTrainers(t, 2, dir, records, true)
	for _, tr := range trainers {
		tr.Steps = 20
	}
	stops, errs := runRanks(trainers, contexts)
	for rank, r := range records {
		if errs[rank] != nil || stops[rank] != engine.StopSteps || len(r.validations) != 3 {
			t.Fatalf("rank %d: %q, %v, %d validations", rank, stops[rank], errs[rank], len(r.validations))
		}
		for i, m := range r.validations {
			if w := one.validations[i]; !close1(m.Loss, w.Loss) || m.Top1Error != w.Top1Error {
				t.Errorf("rank %d: validated %+v, alone %+v", rank, m, w)
			}
		}
	}

	alsoAlone := t.TempDir()
	if err := os.CopyFS(alsoAlone, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	on := tinyTrainer(t, alsoAlone, &recorder{})
	if _, err := on.Run(t.Context()); err != nil || on.Checkpoint.Position.Step != 8*tinyEpoch {
		t.Fatalf("%+v, %v", on.Checkpoint.Position, err)
	}
	same(t, alone.Model, on.Model, engine.Weight, 1e-3)

	trainers = rankTrainers(t, 2, dir, records, true)
	stops, errs = runRanks(trainers, contexts)
	if err := errors.Join(errs...); err != nil || stops[0] != engine.StopEpochs {
		t.Fatalf("%q, %v", stops, err)
	}
	sameField(t, alone.Model, []*engine.Model{trainers[0].Model, trainers[1].Model}, engine.Weight, 1e-3)
}

// A checkpoint gathers what is split once, and nothing else.
func TestSavingGathersOnce(t *testing.T) {
	gathered := func(steps, every uint64) (all []int) {
		trainers := rankTrainers(t, 2, t.TempDir(), []*recorder{{}, {}}, true)
		for _, tr := range trainers {
			tr.Steps, tr.SaveSteps = steps, every
		}
		if _, errs := runRanks(trainers, []context.Context{t.Context(), t.Context()}); errors.Join(errs...) != nil {
			t.Fatal(errs)
		}
		for _, tr := range trainers {
			all = append(all, tr.Model.Config.Group.(*seat).gathered...)
		}
		return all
	}
	const fc2 = 6*16 + 6 // weights and biases
	seldom, often := 0, 0
	for _, n := range gathered(4, 4) {
		seldom += n
	}
	for _, n := range gathered(4, 1) {
		often += n
	}
	if got, want := often-seldom, 2*3*2*fc2; got != want {
		t.Errorf("on two ranks three checkpoints gather %d values, want %d: the weights and velocities of fc2", got, want)
	}
}

// All ranks of a split model write a checkpoint by the same call: it is the one of
// a whole model with the same weights.
func TestWriteCheckpointOfSplitModel(t *testing.T) {
	net, err := engine.ReadNet(strings.NewReader(tinyNet))
	if err != nil {
		t.Fatal(err)
	}
	state := &engine.Checkpoint{Net: net, Classes: []string{"a", "b", "c"}}
	one := newModel(t, net, "cpu", engine.ModelConfig{Batch: 4})
	if err := one.Initialize(engine.InitHe, 7); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	whole, split := filepath.Join(dir, "whole"), filepath.Join(dir, "split")
	if err := engine.WriteCheckpoint(whole, one, state); err != nil {
		t.Fatal(err)
	}
	models, _ := hybridModels(t, net, 2, engine.ModelConfig{Batch: 2})
	onAll(t, models, func(_ int, m *engine.Model) (any, error) { return nil, engine.WriteCheckpoint(split, m, state) })
	want, err1 := os.ReadFile(whole)
	got, err2 := os.ReadFile(split)
	if err := errors.Join(err1, err2); err != nil || !bytes.Equal(got, want) {
		t.Errorf("a split model's file of %d bytes isn't the whole one's of %d: %v", len(got), len(want), err)
	}
}
