package engine_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/devices"
)

func TestTrainingLearnsAndReports(t *testing.T) {
	r := &recorder{}
	tr := tinyTrainer(t, filepath.Join(t.TempDir(), "checkpoints"), r)
	stop, err := tr.Run(t.Context())
	if err != nil || stop != engine.StopEpochs {
		t.Fatalf("stop %q, error %v", stop, err)
	}
	if r.steps != 8*tinyEpoch || len(r.validations) != 8 {
		t.Errorf("%d steps and %d validations, want 48 and 8", r.steps, len(r.validations))
	}
	first, last := r.logs[0], r.logs[len(r.logs)-1]
	if last.Loss > first.Loss/2 {
		t.Errorf("loss from %.3f to %.3f: nothing learnt", first.Loss, last.Loss)
	}
	if last.Step != 48 || last.Images != 48*tinyBatch || last.Epoch != 8 || last.Split != "train" {
		t.Errorf("last log %+v", last)
	}
	v := r.validations[7]
	if v.Split != "val" || v.Step != 48 || v.Top1Error > 0.2 {
		t.Errorf("last validation %+v", v)
	}
	if math.Abs(r.logs[0].Rate-0.04) > 1e-9 {
		t.Errorf("rate after 4 of 5 warm-up steps is %g, want 0.04", r.logs[0].Rate)
	}
	entries, _ := os.ReadDir(tr.Checkpoints.Dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{"best.safetensors", "last.safetensors", "step-000000042.safetensors", "step-000000048.safetensors"}; !slices.Equal(names, want) {
		t.Errorf("checkpoints %v, want %v", names, want)
	}
	newest, err1 := os.ReadFile(filepath.Join(tr.Checkpoints.Dir, "last.safetensors"))
	step, err2 := os.ReadFile(filepath.Join(tr.Checkpoints.Dir, "step-000000048.safetensors"))
	if err := errors.Join(err1, err2); err != nil || !bytes.Equal(newest, step) {
		t.Errorf("last.safetensors isn't the last checkpoint: %v", err)
	}
}

func TestFlatLossIsHintedOnce(t *testing.T) {
	r := &recorder{}
	tr := tinyTrainer(t, t.TempDir(), r)
	for _, p := range tr.Model.Parameters() {
		if err := tr.Model.Write(engine.Weight, p.Name, make([]float32, p.Len())); err != nil {
			t.Fatal(err)
		}
	}
	tr.Schedule = &engine.Plateau{Ramp: engine.Ramp{Initial: 1e-12}}
	tr.Epochs = 200
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.hints) != 1 || !strings.Contains(r.hints[0], "ln(3) = 1.10") {
		t.Errorf("hints %q, want one about ln(3)", r.hints)
	}
}

func TestEarlyStop(t *testing.T) {
	r := &recorder{}
	tr := tinyTrainer(t, t.TempDir(), r)
	tr.Schedule = &engine.Plateau{Ramp: engine.Ramp{Initial: 1e-12}}
	tr.EarlyStop, tr.Epochs = 2, 50
	stop, err := tr.Run(t.Context())
	if err != nil || stop != engine.StopEarly || len(r.validations) != 3 {
		t.Errorf("stop %q after %d validations, %v; want %q after 3", stop, len(r.validations), err, engine.StopEarly)
	}
}

func TestFrozenLayersStay(t *testing.T) {
	net, err := engine.ReadNet(strings.NewReader(tinyNet))
	if err != nil {
		t.Fatal(err)
	}
	tr := tinyTrainer(t, t.TempDir(), &recorder{})
	contexts, err := devices.Open("cpu", devices.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: tinyBatch, Decay: 0.0005, Freeze: []string{"conv1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.Initialize(engine.InitHe, 7); err != nil {
		t.Fatal(err)
	}
	read := func(name string) []float32 {
		v, err := m.Read(engine.Weight, name)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	frozen, free := read("conv1.weight"), read("fc2.weight")
	tr.Model, tr.Steps, tr.Validate = m, 3, nil
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(frozen, read("conv1.weight")) || slices.Equal(free, read("fc2.weight")) {
		t.Error("want conv1 unchanged and fc2 trained")
	}
	if _, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: 1, Freeze: []string{"conv9"}}); err == nil || !strings.Contains(err.Error(), "conv1, fc2, fc3") {
		t.Errorf("freeze conv9: %v", err)
	}
}

// A path of a run, or of its checkpoints, means the best checkpoint, and the latest
// where nothing was validated.
func TestFindCheckpoint(t *testing.T) {
	run := t.TempDir()
	tr := tinyTrainer(t, filepath.Join(run, "checkpoints"), &recorder{})
	if _, err := engine.FindCheckpoint(run); err == nil || !strings.Contains(err.Error(), "without checkpoints") {
		t.Errorf("an empty folder: %v", err)
	}
	validate := tr.Validate
	tr.Validate, tr.Epochs = nil, 1
	for _, want := range []string{"step-000000006.safetensors", "best.safetensors"} {
		if _, err := tr.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{run, tr.Checkpoints.Dir, filepath.Join(tr.Checkpoints.Dir, want)} {
			c, err := engine.OpenCheckpoint(path)
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
			if c.Path != filepath.Join(tr.Checkpoints.Dir, want) {
				t.Errorf("%s means %s, want %s", path, c.Path, want)
			}
		}
		tr.Validate, tr.Epochs = validate, 2
	}
}
