package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/devices"
)

// tinyNet is two towers, dropout and all, on 9-pixel pictures of three classes.
const tinyNet = `{
  "name": "tiny", "input": {"size": 9, "scale": 0.02}, "towers": 2, "classes": 3,
  "layers": [
    {"name": "conv1", "conv": {"maps": 4, "kernel": 3, "stride": 2, "pad": 1, "std": 0.1}},
    {"activate": "relu"},
    {"maxpool": {"kernel": 3, "stride": 2, "pad": 0}},
    {"name": "fc2", "dense": {"units": 6, "std": 0.1}},
    {"activate": "relu"},
    {"dropout": {"rate": 0.5}},
    {"name": "fc3", "dense": {"units": 0, "std": 0.1}}
  ]}`

const (
	tinyBatch  = 4
	tinyEpoch  = 6 // batches
	tinyPixels = 9 * 9 * 3
)

// batches feeds pictures whose colour tells their class, a function of (epoch,
// place) alone.
type batches struct {
	epoch, at, end int
	fail           func(at int) error
	poison         bool
}

func (f *batches) Next(ctx context.Context) (engine.Batch, error) {
	if f.fail != nil {
		if err := f.fail(f.at); err != nil {
			return engine.Batch{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return engine.Batch{}, err
	}
	if f.at == f.end {
		return engine.Batch{}, io.EOF
	}
	r := rand.New(rand.NewPCG(uint64(f.epoch), uint64(f.at)))
	b := engine.Batch{Images: tinyBatch, Pixels: make([]byte, tinyBatch*tinyPixels), Colour: make([]float32, 3*tinyBatch), Labels: make([]int32, tinyBatch)}
	for i := range b.Labels {
		b.Labels[i] = int32(r.IntN(3))
		for p := range tinyPixels {
			b.Pixels[i*tinyPixels+p] = byte(r.IntN(100))
			if p%3 == int(b.Labels[i]) {
				b.Pixels[i*tinyPixels+p] += 120
			}
		}
		if f.poison {
			b.Colour[3*i] = float32(math.NaN())
		}
	}
	f.at++
	return b, nil
}

func (f *batches) Close() error { return nil }

// recorder keeps what the trainer says.
type recorder struct {
	logs, validations []engine.Metrics
	steps             int
	hints             []string
	rates             []float64
	saved             []string
	onStep            func(engine.Metrics)
}

func (r *recorder) Step(m engine.Metrics) {
	r.steps++
	if r.onStep != nil {
		r.onStep(m)
	}
}
func (r *recorder) Log(m engine.Metrics)       { r.logs = append(r.logs, m) }
func (r *recorder) Validating()                {}
func (r *recorder) Validated(m engine.Metrics) { r.validations = append(r.validations, m) }
func (r *recorder) Saved(path string)          { r.saved = append(r.saved, path) }
func (r *recorder) Hint(message string)        { r.hints = append(r.hints, message) }
func (r *recorder) RateChanged(rate float64)   { r.rates = append(r.rates, rate) }

func tinyModel(t *testing.T, devicesList string, inference bool) *engine.Model {
	t.Helper()
	net, err := engine.ReadNet(strings.NewReader(tinyNet))
	if err != nil {
		t.Fatal(err)
	}
	return tinyOn(t, net, devicesList, inference)
}

func tinyOn(t *testing.T, net *engine.Net, devicesList string, inference bool) *engine.Model {
	t.Helper()
	contexts, err := devices.Open(devicesList, devices.Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	mean := make([]float32, 3*net.Input.Size*net.Input.Size)
	for i := range mean {
		mean[i] = 100
	}
	m, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: tinyBatch, Mean: mean, Decay: 0.0005, Inference: inference})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func tinyTrainer(t *testing.T, dir string, o engine.Observer) *engine.Trainer {
	t.Helper()
	m := tinyModel(t, "cpu", false)
	tr := &engine.Trainer{
		Model:       m,
		Schedule:    &engine.Plateau{Ramp: engine.Ramp{Initial: 0.05, Warmup: 5}, Patience: 1},
		Momentum:    0.9,
		Checkpoint:  engine.Checkpoint{Net: m.Net, Mean: m.Config.Mean, Classes: []string{"r", "g", "b"}, Seed: 7},
		Checkpoints: engine.Checkpoints{Dir: dir},
		Epochs:      8,
		Train: func(epoch, first int) (engine.Feeder, error) {
			return &batches{epoch: epoch, at: first, end: tinyEpoch}, nil
		},
		Validate: func() (engine.Feeder, error) { return &batches{epoch: 1000, end: 5}, nil },
		LogEvery: 4,
		Observer: o,
	}
	latest, err := tr.Checkpoints.Latest()
	if err != nil {
		t.Fatal(err)
	}
	if latest == "" {
		if err := m.Initialize(engine.InitHe, 7); err != nil {
			t.Fatal(err)
		}
		return tr
	}
	c, err := engine.OpenCheckpoint(latest)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Restore(m); err != nil {
		t.Fatal(err)
	}
	tr.Checkpoint = c.Checkpoint
	return tr
}

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
	if want := []string{"best.safetensors", "step-000000042.safetensors", "step-000000048.safetensors"}; !slices.Equal(names, want) {
		t.Errorf("checkpoints %v, want %v", names, want)
	}
}

// A run that is stopped anywhere and goes on from its checkpoint in a new
// process ends with the same file, byte for byte.
func TestResumeIsExact(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "whole")
	tr := tinyTrainer(t, whole, &recorder{})
	tr.Steps = 40
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(whole, "step-000000040.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, stops := range [][]uint64{{17}, {18}, {1, 2, 39}, {6, 12, 13}} {
		t.Run(fmt.Sprint(stops), func(t *testing.T) {
			dir := t.TempDir()
			for _, steps := range stops {
				tr := tinyTrainer(t, dir, &recorder{})
				tr.Steps = steps
				if stop, err := tr.Run(t.Context()); err != nil || stop != engine.StopSteps {
					t.Fatalf("stop %q, error %v", stop, err)
				}
			}
			tr := tinyTrainer(t, dir, &recorder{})
			tr.Steps = 40
			if _, err := tr.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(dir, "step-000000040.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Error("the checkpoint after 40 steps differs from the uninterrupted run's")
			}
		})
	}
}

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
	c, err := engine.OpenCheckpoint(filepath.Join(tr.Checkpoints.Dir, "step-000000010.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
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

func TestDivergenceStopsBeforeTheUpdate(t *testing.T) {
	dir := t.TempDir()
	tr := tinyTrainer(t, dir, &recorder{})
	tr.Train = func(epoch, first int) (engine.Feeder, error) {
		return &batches{epoch: epoch, at: first, end: tinyEpoch, poison: epoch == 1}, nil
	}
	_, err := tr.Run(t.Context())
	if !errors.Is(err, engine.ErrDiverged) || !strings.Contains(err.Error(), "step 7") || !strings.Contains(err.Error(), "learning rate") {
		t.Fatalf("error %v", err)
	}
	c, err := engine.OpenCheckpoint(filepath.Join(dir, "step-000000006.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := tinyModel(t, "cpu", false)
	if err := c.Restore(m); err != nil {
		t.Fatal(err)
	}
	w, err := m.Read(engine.Weight, "conv1.weight")
	if err != nil || slices.ContainsFunc(w, func(v float32) bool { return v != v }) {
		t.Errorf("saved weights %v, %v", w, err)
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

// A full device leaves the older checkpoint and no half-written one.
func TestSaveFailureKeepsTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "step.safetensors")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left on device")
	err := engine.ReplaceFile(path, func(w io.Writer) error {
		w.Write(make([]byte, 3<<20))
		return full
	})
	if !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	entries, _ := os.ReadDir(dir)
	if b, _ := os.ReadFile(path); string(b) != "old" || len(entries) != 1 {
		t.Errorf("file %q, %d entries", b, len(entries))
	}
}

func TestCheckpointMovesBetweenPlacements(t *testing.T) {
	dir := t.TempDir()
	tr := tinyTrainer(t, dir, &recorder{})
	tr.Steps = 3
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := engine.OpenCheckpoint(filepath.Join(dir, "step-000000003.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	two := tinyModel(t, "cpu,cpu", false)
	if err := c.Restore(two); err != nil {
		t.Fatal(err)
	}
	for _, f := range []engine.Field{engine.Weight, engine.Velocity} {
		for _, p := range two.Parameters() {
			want, _ := tr.Model.Read(f, p.Name)
			if got, err := two.Read(f, p.Name); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s differs on cpu,cpu: %v", p.Name, err)
			}
		}
	}
}

func TestCheckpointOfAnotherNet(t *testing.T) {
	dir := t.TempDir()
	tr := tinyTrainer(t, dir, &recorder{})
	tr.Steps = 1
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"maps": 4`, `"maps": 8`, "conv1.weight is [4 3 3 3] in the file and [8 3 3 3] in net"},
		{`"classes": 3`, `"classes": 5`, "fc3.weight is [3 6] in the file and [5 6] in net"},
		{`"fc2"`, `"fc7"`, "no fc7.weight, which is [6 16]"},
	} {
		net, err := engine.ReadNet(strings.NewReader(strings.Replace(tinyNet, c.old, c.new, 1)))
		if err != nil {
			t.Fatal(err)
		}
		file, err := engine.OpenCheckpoint(filepath.Join(dir, "step-000000001.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := file.Restore(tinyOn(t, net, "cpu", false)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.new, err, c.want)
		}
	}
}

func TestInferenceModelRestoresWithoutMomentum(t *testing.T) {
	dir := t.TempDir()
	tr := tinyTrainer(t, dir, &recorder{})
	tr.Steps = 30
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := engine.OpenCheckpoint(filepath.Join(dir, "step-000000030.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := tinyModel(t, "cpu", true)
	if err := c.Restore(m); err != nil {
		t.Fatal(err)
	}
	want, err := engine.Evaluate(t.Context(), tr.Model, &batches{epoch: 5, end: 5}, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := engine.Evaluate(t.Context(), m, &batches{epoch: 5, end: 5}, 1)
	if err != nil || got != want || got.Images != 20 {
		t.Errorf("score %+v, want %+v; %v", got, want, err)
	}
}

// A loss that is a number and stays far above chance stops the run; what was
// saved before it is kept.
func TestExplodingLossStops(t *testing.T) {
	dir := t.TempDir()
	tr := tinyTrainer(t, dir, &recorder{})
	tr.Steps = 7
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
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

func TestAdoptLeavesOutTheLastLayer(t *testing.T) {
	dir := t.TempDir()
	tr := tinyTrainer(t, dir, &recorder{})
	tr.Steps = 3
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := engine.OpenCheckpoint(filepath.Join(dir, "step-000000003.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	five := *c.Net
	five.Classes = 5
	m := tinyOn(t, &five, "cpu,cpu", false)
	if err := m.Initialize(engine.InitHe, 9); err != nil {
		t.Fatal(err)
	}
	last, _ := m.Read(engine.Weight, "fc3.weight")
	if err := c.Adopt(m); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"conv1.weight", "conv1.bias", "fc2.weight", "fc2.bias"} {
		want, _ := tr.Model.Read(engine.Weight, name)
		if got, _ := m.Read(engine.Weight, name); !slices.Equal(got, want) {
			t.Errorf("%s was not taken over", name)
		}
	}
	if got, _ := m.Read(engine.Weight, "fc3.weight"); !slices.Equal(got, last) {
		t.Error("fc3.weight has changed")
	}
	wide, err := engine.ReadNet(strings.NewReader(strings.Replace(tinyNet, `"maps": 4`, `"maps": 8`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Adopt(tinyOn(t, wide, "cpu", false)); err == nil || !strings.Contains(err.Error(), "conv1.weight") {
		t.Errorf("another net: %v", err)
	}
}

// Any damaged byte of a checkpoint is noticed before it reaches a model.
func TestDamagedCheckpoint(t *testing.T) {
	dir := t.TempDir()
	tr := tinyTrainer(t, dir, &recorder{})
	tr.Steps = 3
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "step-000000003.safetensors")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header := 8 + int(good[0]) + int(good[1])<<8
	at := bytes.Index(good, []byte(`\"step\":3`))
	if at < 0 {
		t.Fatal("no position in the header")
	}
	m := tinyModel(t, "cpu", true)
	for _, flip := range []struct {
		byte int
		bits byte
	}{{header, 1}, {header + 77, 128}, {len(good) - 1, 4}, {at + 9, 1}} {
		bad := bytes.Clone(good)
		bad[flip.byte] ^= flip.bits
		if err := os.WriteFile(path, bad, 0o666); err != nil {
			t.Fatal(err)
		}
		c, err := engine.OpenCheckpoint(path)
		if err == nil {
			err = c.Restore(m)
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), path) {
			t.Errorf("byte %d of %d flipped: %v", flip.byte, len(good), err)
		}
	}
}
