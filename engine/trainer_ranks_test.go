package engine_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/enginetest"
)

// share is a rank's rows of every batch.
type share struct {
	batches
	rank, ranks int
}

func (f *share) Next(ctx context.Context) (engine.Batch, error) {
	b, err := f.batches.Next(ctx)
	if err != nil {
		return b, err
	}
	n := b.Images / f.ranks
	lo, hi := f.rank*n, (f.rank+1)*n
	return engine.Batch{Images: n, Pixels: b.Pixels[lo*tinyPixels : hi*tinyPixels], Colour: b.Colour[3*lo : 3*hi], Labels: b.Labels[lo:hi]}, nil
}

// rankTrainers returns the trainers of a job on this number of ranks, which share dir and
// continue the run in it.
func rankTrainers(t *testing.T, ranks int, dir string, records []*recorder, hybrid bool) []*engine.Trainer {
	t.Helper()
	net, err := engine.ReadNet(strings.NewReader(tinyNet))
	if err != nil {
		t.Fatal(err)
	}
	var trainers []*engine.Trainer
	for rank, c := range enginetest.Ranks(ranks) {
		tr := tinyTrainer(t, dir, records[rank])
		contexts, err := devices.Open("cpu", devices.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		cfg := tr.Model.Config
		cfg.Batch, cfg.Group, cfg.Hybrid = tinyBatch/ranks, &seat{Peer: c}, hybrid
		if tr.Model, err = engine.NewModel(net, contexts, cfg); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { tr.Model.Close() })
		begin(t, tr)
		tr.Train = func(epoch, first int) (engine.Feeder, error) {
			return &share{batches{epoch: epoch, at: first, end: tinyEpoch}, rank, ranks}, nil
		}
		tr.Validate = func() (engine.Feeder, error) { return &share{batches{epoch: 1000, end: 5}, rank, ranks}, nil }
		trainers = append(trainers, tr)
	}
	return trainers
}

// runRanks runs all trainers, each with its context.
func runRanks(trainers []*engine.Trainer, contexts []context.Context) ([]engine.Stop, []error) {
	stops, errs := make([]engine.Stop, len(trainers)), make([]error, len(trainers))
	var wg sync.WaitGroup
	for rank, tr := range trainers {
		wg.Go(func() { stops[rank], errs[rank] = tr.Run(contexts[rank]) })
	}
	wg.Wait()
	return stops, errs
}

func close1(a, b float64) bool { return math.Abs(a-b) <= 1e-4*max(1, math.Abs(a)) }

// Ranks report what one process does, to rounding, and each rank what the others
// do, to the bit. Only rank 0 saves.
func TestTrainerOnRanks(t *testing.T) {
	one := &recorder{}
	alone := tinyTrainer(t, t.TempDir(), one)
	if _, err := alone.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, ranks := range []int{2, 4} {
		dir := t.TempDir()
		records := make([]*recorder, ranks)
		contexts := make([]context.Context, ranks)
		for i := range records {
			records[i], contexts[i] = &recorder{}, t.Context()
		}
		trainers := rankTrainers(t, ranks, dir, records, false)
		logs := one.logs
		if ranks == 4 { // rank 0 saves, and logs, after every step: the others keep its pace
			trainers[0].SaveAfter, logs = 1, nil
		}
		stops, errs := runRanks(trainers, contexts)
		for rank, r := range records {
			if errs[rank] != nil || stops[rank] != engine.StopEpochs || len(r.validations) != 8 || logs != nil && len(r.logs) != len(logs) {
				t.Fatalf("%d ranks, rank %d: %q, %v, %d logs and %d validations", ranks, rank, stops[rank], errs[rank], len(r.logs), len(r.validations))
			}
			for i, w := range logs {
				m := r.logs[i]
				if !close1(m.Loss, w.Loss) || m.Step != w.Step || m.Images != w.Images || m.Top1Error != w.Top1Error {
					t.Errorf("%d ranks, rank %d: logged %+v, alone %+v", ranks, rank, m, w)
				}
				if m.Loss != records[0].logs[i].Loss {
					t.Errorf("%d ranks: rank %d has loss %v, rank 0 %v", ranks, rank, m.Loss, records[0].logs[i].Loss)
				}
			}
			for i, m := range r.validations {
				if w := one.validations[i]; !close1(m.Loss, w.Loss) || m.Top1Error != w.Top1Error {
					t.Errorf("%d ranks, rank %d: validated %+v, alone %+v", ranks, rank, m, w)
				}
			}
			if saves := len(r.saved) > 0; saves != (rank == 0) {
				t.Errorf("%d ranks: rank %d saved %d times", ranks, rank, len(r.saved))
			}
		}
		same(t, alone.Model, trainers[0].Model, engine.Weight, 1e-3)
		if _, err := os.Stat(filepath.Join(dir, "step-000000048.safetensors")); err != nil {
			t.Error(err)
		}
	}
}

// What one rank is asked, all do, at the same step.
func TestRanksStopTogether(t *testing.T) {
	for name, ask := range map[string]func(tr *engine.Trainer, cancel func()) func(engine.Metrics){
		"cancel": func(_ *engine.Trainer, cancel func()) func(engine.Metrics) {
			return func(m engine.Metrics) {
				if m.Step == 9 {
					cancel()
				}
			}
		},
		"time": func(tr *engine.Trainer, _ func()) func(engine.Metrics) {
			tr.MaxTime = time.Hour
			return func(m engine.Metrics) {
				if m.Step == 9 {
					tr.MaxTime = 1
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			records := []*recorder{{}, {}, {}, {}}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			contexts := []context.Context{t.Context(), t.Context(), ctx, t.Context()}
			dir := t.TempDir()
			trainers := rankTrainers(t, 4, dir, records, false)
			records[2].onStep = ask(trainers[2], cancel)
			stops, errs := runRanks(trainers, contexts)
			for rank, tr := range trainers {
				// Rank 2 tells its wish with step 10; step 11 has been started then.
				if step := tr.Checkpoint.Position.Step; step != 11 {
					t.Errorf("rank %d stopped after step %d, want 11", rank, step)
				}
				if name == "cancel" && !errors.Is(errs[rank], context.Canceled) || name == "time" && (errs[rank] != nil || stops[rank] != engine.StopTime) {
					t.Errorf("rank %d: %q, %v", rank, stops[rank], errs[rank])
				}
			}
			tinyCheckpoint(t, trainers[0], 11)
		})
	}
}

// A rank that is cancelled during validation takes the others with it.
func TestRanksStopDuringValidation(t *testing.T) {
	records := []*recorder{{}, {}}
	ctx, cancel := context.WithCancel(t.Context())
	trainers := rankTrainers(t, 2, t.TempDir(), records, false)
	trainers[1].Validate = func() (engine.Feeder, error) {
		return &share{batches{epoch: 1000, end: 5, fail: func(at int) error {
			if at == 2 {
				cancel()
			}
			return nil
		}}, 1, 2}, nil
	}
	_, errs := runRanks(trainers, []context.Context{t.Context(), ctx})
	for rank, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
	tinyCheckpoint(t, trainers[0], tinyEpoch)
}

// mute is rank 0 of two of which the other has failed.
type mute struct{ engine.Group }

func (mute) Rank() int                            { return 0 }
func (mute) Size() int                            { return 2 }
func (mute) Gather(data []byte) ([][]byte, error) { return [][]byte{data, nil}, nil }

// A rank that comes to a step late, when another has given up, says so.
func TestRankHasFailed(t *testing.T) {
	tr := tinyTrainer(t, t.TempDir(), &recorder{})
	tr.Model.Config.Group = mute{}
	if _, err := tr.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "step 1: rank 1 has failed and leaves the job") {
		t.Errorf("error %v", err)
	}
}

// asking is rank 0 of two, the other of which wants to stop.
type asking struct{ mute }

func (asking) Gather(data []byte) ([][]byte, error) {
	other := slices.Clone(data)
	other[0] = 1
	return [][]byte{data, other}, nil
}

// A rank whose pictures fail just when all have agreed to stop has failed: the others
// have started another step, and wait for it there.
func TestAgreedStopAndFailure(t *testing.T) {
	tr := tinyTrainer(t, t.TempDir(), &recorder{})
	tr.Model.Config.Group = asking{}
	damaged := errors.New("picture 4 is damaged")
	tr.Train = failingAt(1, func() error { return damaged })
	_, err := tr.Run(t.Context())
	if !errors.Is(err, damaged) || errors.As(err, new(*engine.StoppedError)) {
		t.Errorf("error %v", err)
	}
	tinyCheckpoint(t, tr, 1)
}
