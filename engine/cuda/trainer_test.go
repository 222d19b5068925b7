package cuda_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
	"alexnet/engine/cuda/internal/gpu"
)

// feeder yields batches of noise, and calls each before the next.
type feeder struct {
	m          *engine.Model
	next, last int
	each       func(step int)
}

func (f *feeder) Next(context.Context) (engine.Batch, error) {
	if f.next == f.last {
		return engine.Batch{}, io.EOF
	}
	f.each(f.next)
	f.next++
	return pictures(f.m, uint64(f.next)), nil
}

func (f *feeder) Close() error { return nil }

// silent ignores all events.
type silent struct{}

func (silent) Step(engine.Metrics)      {}
func (silent) Log(engine.Metrics)       {}
func (silent) Validating()              {}
func (silent) Validated(engine.Metrics) {}
func (silent) Saved(string)             {}
func (silent) Hint(string)              {}
func (silent) RateChanged(float64)      {}

// TestTrainerLosesItsGPU takes a GPU away in the tenth step of a run that saves
// every four: the run ends with the driver's words, and what was saved can be
// read and resumed from.
func TestTrainerLosesItsGPU(t *testing.T) {
	dir := t.TempDir()
	m := machine(t, emulator.Options{Devices: 2})
	model := newModel(t, "small", 2, open(t, m, cuda.Options{Precision: cuda.BF16}, 0, 1))
	trainer := engine.Trainer{
		Model: model, Momentum: 0.9, Epochs: 1, SaveSteps: 4, Observer: silent{},
		Schedule:    &engine.Plateau{Ramp: engine.Ramp{Initial: 0.001}},
		Checkpoint:  engine.Checkpoint{Net: model.Net, Mean: make([]float32, 3*16*16), Classes: []string{"a", "b", "c"}},
		Checkpoints: engine.Checkpoints{Dir: dir},
		Train: func(int, int) (engine.Feeder, error) {
			return &feeder{model, 0, 20, func(step int) {
				if step == 10 {
					m.Device(1).Lose()
				}
			}}, nil
		},
	}
	inTime(t, func() {
		_, err := trainer.Run(t.Context())
		if !errors.Is(err, gpu.ErrLost) || !strings.Contains(err.Error(), "unspecified launch failure (emulated)") || !strings.Contains(err.Error(), "step ") {
			t.Errorf("error %v", err)
		}
		t.Log(err)
		_ = model.Close() // a lost GPU can't free anything in order
	})
	latest, err := trainer.Checkpoints.Latest()
	if err != nil || filepath.Base(latest) != "step-000000008.safetensors" {
		t.Fatalf("the latest checkpoint is %q, %v; want step 8's", latest, err)
	}
	c, err := engine.OpenCheckpoint(latest)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	other := newModel(t, "small", 2, open(t, machine(t, emulator.Options{}), cuda.Options{}, 0))
	defer other.Close()
	if err := c.Restore(other); err != nil {
		t.Error(err)
	}
}
