package engine_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"alexnet/engine"
)

// When step 9 is told, step 10 has been started.
func TestCancelFinishesWhatIsStartedAndSaves(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := &recorder{onStep: func(m engine.Metrics) {
		if m.Step == 9 {
			cancel()
		}
	}}
	tr := tinyTrainer(t, t.TempDir(), r)
	_, err := tr.Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want context.Canceled", err)
	}
	c := tinyCheckpoint(t, tr, 10)
	if want := (engine.Position{Step: 10, Images: 40, Epoch: 1, EpochStep: 4}); c.Position != want {
		t.Errorf("position %+v, want %+v", c.Position, want)
	}
}

// A run cancelled during validation repeats it, and nothing else.
func TestCancelDuringValidation(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	tr := tinyTrainer(t, dir, &recorder{})
	tr.Validate = func() (engine.Feeder, error) {
		return &batches{end: 5, fail: func(at int) error {
			if at == 2 {
				cancel()
			}
			return nil
		}}, nil
	}
	if _, err := tr.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	r := &recorder{}
	tr = tinyTrainer(t, dir, r)
	tr.Steps = tinyEpoch
	if tr.Checkpoint.Position.EpochStep != tinyEpoch || tr.Checkpoint.Position.Epoch != 0 {
		t.Fatalf("position %+v", tr.Checkpoint.Position)
	}
	tr.Steps, tr.Epochs = 0, 1
	if stop, err := tr.Run(t.Context()); err != nil || stop != engine.StopEpochs || r.steps != 0 || len(r.validations) != 1 {
		t.Errorf("stop %q, %v; %d steps, %d validations, want 0 and 1", stop, err, r.steps, len(r.validations))
	}
}

// A limit on time ends after a whole step, with what a run of as many steps has.
func TestTimeLimit(t *testing.T) {
	dir, alone := t.TempDir(), t.TempDir()
	r := &recorder{}
	tr := tinyTrainer(t, dir, r)
	tr.MaxTime = 30 * time.Millisecond
	tr.Train = func(epoch, first int) (engine.Feeder, error) {
		return &batches{epoch: epoch, at: first, end: tinyEpoch, fail: func(int) error {
			time.Sleep(8 * time.Millisecond)
			return nil
		}}, nil
	}
	stop, err := tr.Run(t.Context())
	if err != nil || stop != engine.StopTime || r.steps == 0 {
		t.Fatalf("stop %q after %d steps, %v", stop, r.steps, err)
	}
	tinyRun(t, alone, uint64(r.steps))
	if !bytes.Equal(tinyFile(t, dir, r.steps), tinyFile(t, alone, r.steps)) {
		t.Errorf("the checkpoint differs from that of a run which ends after step %d", r.steps)
	}
}

func TestBadBatchSavesWhatIsDone(t *testing.T) {
	dir := t.TempDir()
	tr := tinyTrainer(t, dir, &recorder{})
	damaged := errors.New("shard.00000.mds: damaged")
	tr.Train = func(epoch, first int) (engine.Feeder, error) {
		return &batches{epoch: epoch, at: first, end: tinyEpoch, fail: func(at int) error {
			if at == 3 {
				return damaged
			}
			return nil
		}}, nil
	}
	if _, err := tr.Run(t.Context()); !errors.Is(err, damaged) {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "step-000000003.safetensors")); err != nil {
		t.Error(err)
	}
}

func TestDivergenceStopsBeforeTheUpdate(t *testing.T) {
	dir := t.TempDir()
	tr := tinyTrainer(t, dir, &recorder{})
	tr.Train = func(epoch, first int) (engine.Feeder, error) {
		return &batches{epoch: epoch, at: first, end: tinyEpoch, poisoned: func(int) bool { return epoch == 1 }}, nil
	}
	_, err := tr.Run(t.Context())
	if !errors.Is(err, engine.ErrDiverged) || !strings.Contains(err.Error(), "step 7") || !strings.Contains(err.Error(), "learning rate") {
		t.Fatalf("error %v", err)
	}
	c := tinyCheckpoint(t, tr, 6)
	m := tinyModel(t, "cpu", false)
	if err := c.Restore(m); err != nil {
		t.Fatal(err)
	}
	w, err := m.Read(engine.Weight, "conv1.weight")
	if err != nil || slices.ContainsFunc(w, func(v float32) bool { return v != v }) {
		t.Errorf("saved weights %v, %v", w, err)
	}
}

// The step behind a bad one has been started when the loss is known; the error
// names the bad one, and what is saved is the state before it, as if the run had
// ended there.
func TestDivergenceInMidEpoch(t *testing.T) {
	dir, alone := t.TempDir(), t.TempDir()
	r := &recorder{}
	tr := tinyTrainer(t, dir, r)
	tr.Train = func(epoch, first int) (engine.Feeder, error) {
		return &batches{epoch: epoch, at: first, end: tinyEpoch, poisoned: func(at int) bool { return epoch == 1 && at == 2 }}, nil
	}
	_, err := tr.Run(t.Context())
	if !errors.Is(err, engine.ErrDiverged) || !strings.Contains(err.Error(), "step 9: the loss is NaN") {
		t.Fatalf("error %v, want one about step 9", err)
	}
	if r.steps != 8 {
		t.Errorf("%d steps were told, want 8", r.steps)
	}
	tinyRun(t, alone, 8)
	if !bytes.Equal(tinyFile(t, dir, 8), tinyFile(t, alone, 8)) {
		t.Error("the checkpoint differs from that of a run which ends after step 8")
	}
}

// A loss that is a number and stays far above chance stops the run; what was
// saved before it is kept.
func TestExplodingLossStops(t *testing.T) {
	dir := t.TempDir()
	tr := tinyRun(t, dir, 7)
	bias := []float32{1e4, 0, -1e4}
	tr = tinyTrainer(t, dir, &recorder{})
	if err := tr.Model.Write(engine.Weight, "fc3.bias", bias); err != nil {
		t.Fatal(err)
	}
	tr.Schedule = &engine.Plateau{Ramp: engine.Ramp{Initial: 1e-12}}
	tr.Momentum, tr.Epochs, tr.SaveSteps = 0, 1000, 1
	_, err := tr.Run(t.Context())
	if !errors.Is(err, engine.ErrDiverged) || !strings.Contains(err.Error(), "for 50 steps") || !strings.Contains(err.Error(), "step-000000007.safetensors") {
		t.Fatalf("error %v", err)
	}
	if latest, err := tr.Checkpoints.Latest(); err != nil || filepath.Base(latest) != "step-000000007.safetensors" {
		t.Errorf("latest is %s, %v: a state with an exploding loss was saved", latest, err)
	}
}

// A picture that can't be read just when a run is stopped is told of.
func TestCancelAndFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tr := tinyTrainer(t, t.TempDir(), &recorder{})
	damaged := errors.New("picture 12 is damaged")
	tr.Train = failingAt(3, func() error { cancel(); return damaged })
	_, err := tr.Run(ctx)
	if want := "stopped after step 3; just then: picture 12 is damaged"; !errors.Is(err, context.Canceled) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	tinyCheckpoint(t, tr, 3)
}

// failingAt are batches of which one fails.
func failingAt(n int, fail func() error) func(epoch, first int) (engine.Feeder, error) {
	return func(epoch, first int) (engine.Feeder, error) {
		return &batches{epoch: epoch, at: first, end: tinyEpoch, fail: func(at int) error {
			if at == n {
				return fail()
			}
			return nil
		}}, nil
	}
}
