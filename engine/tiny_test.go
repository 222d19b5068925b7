package engine_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
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
	poisoned       func(at int) bool
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
		if f.poisoned != nil && f.poisoned(f.at) {
			b.Colour[3*i] = float32(math.NaN())
		}
	}
	f.at++
	return b, nil
}

func (f *batches) Close() error { return nil }

// recorder keeps the trainer's events.
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

func (r *recorder) Log(m engine.Metrics) { r.logs = append(r.logs, m) }

func (r *recorder) Validating() {}

func (r *recorder) Validated(m engine.Metrics) { r.validations = append(r.validations, m) }

func (r *recorder) Saved(path string) { r.saved = append(r.saved, path) }

func (r *recorder) Hint(message string) { r.hints = append(r.hints, message) }

func (r *recorder) RateChanged(rate float64) { r.rates = append(r.rates, rate) }

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
	begin(t, tr)
	return tr
}

// begin gives a trainer's model its first weights, or those of the last
// checkpoint.
func begin(t *testing.T, tr *engine.Trainer) {
	t.Helper()
	latest, err := tr.Checkpoints.Latest()
	if err != nil {
		t.Fatal(err)
	}
	if latest == "" {
		if err := tr.Model.Initialize(engine.InitHe, 7); err != nil {
			t.Fatal(err)
		}
		return
	}
	c, err := engine.OpenCheckpoint(latest)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Restore(tr.Model); err != nil {
		t.Fatal(err)
	}
	tr.Checkpoint = c.Checkpoint
}

// tinyRun continues the run in dir up to this step.
func tinyRun(t *testing.T, dir string, steps uint64) *engine.Trainer {
	t.Helper()
	tr := tinyTrainer(t, dir, &recorder{})
	tr.Steps = steps
	if stop, err := tr.Run(t.Context()); err != nil || stop != engine.StopSteps {
		t.Fatalf("stop %q, error %v", stop, err)
	}
	return tr
}

// tinyCheckpoint opens a trainer's checkpoint of this step.
func tinyCheckpoint(t *testing.T, tr *engine.Trainer, step int) *engine.CheckpointFile {
	t.Helper()
	c, err := engine.OpenCheckpoint(filepath.Join(tr.Checkpoints.Dir, fmt.Sprintf("step-%09d.safetensors", step)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
