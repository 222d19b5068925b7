package python_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/enginetest"
	"alexnet/engine/train"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
	"alexnet/pipeline/synthetic"
)

// truth is a training: how test_truth.py repeats it with PyTorch, and its losses in
// float64.
type truth struct {
	Classes  int     `json:"classes"`
	PerClass int     `json:"per_class"`
	Stored   int     `json:"stored"` // pixels a side
	Batch    int     `json:"batch"`
	Seed     uint64  `json:"seed"`
	Rate     float64 `json:"rate"`
	Scale    float64 `json:"scale"`

	Losses []float64 `json:"losses"`
}

// TestTruthGolden trains as train-alexnet does, by train.Run on shards, with every op
// of the engine computed in float64 from its definition, and holds tests/truth.json to
// the losses. UPDATE_GOLDEN=1 in the environment writes it.
func TestTruthGolden(t *testing.T) {
	if testing.Short() {
		t.Skip("a training in plain loops takes some seconds")
	}
	const name = "tests/truth.json"
	g := truth{Classes: 4, PerClass: 8, Stored: 24, Batch: 4, Seed: 5, Rate: 0.005, Scale: 1. / 64}
	dir := t.TempDir()
	c := train.Defaults()
	c.Train, c.PCA, c.Run, c.Net = filepath.Join(dir, "shards"), filepath.Join(dir, "pca.json"), filepath.Join(dir, "run"), "tests/truth-net.json"
	g.prepare(t, c.Train, c.PCA)
	c.Devices, c.Batch, c.Seed, c.LR, c.InputScale, c.Init, c.Steps = "cpu", g.Batch, g.Seed, g.Rate, g.Scale, "he", 100
	device := &exact{}
	c.Open = func(string, devices.Options) ([]engine.Context, error) { return []engine.Context{device}, nil }
	if _, err := train.Run(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	g.Losses = device.losses
	if os.Getenv("UPDATE_GOLDEN") != "" {
		text, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var want truth
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if len(g.Losses) != int(c.Steps) || len(want.Losses) != len(g.Losses) {
		t.Fatalf("%d losses, %s has %d, want %d", len(g.Losses), name, len(want.Losses), c.Steps)
	}
	for i, w := range want.Losses {
		// Processors that fuse a product and a sum round otherwise.
		if off := math.Abs(g.Losses[i]-w) / w; !(off <= 1e-10) {
			t.Fatalf("the loss of step %d is %v, %s has %v: UPDATE_GOLDEN=1 go test ./tools/python", i, g.Losses[i], name, w)
		}
	}
}

// prepare makes the shards and their colour statistics.
func (g *truth) prepare(t *testing.T, shards, pca string) {
	t.Helper()
	pictures := filepath.Join(t.TempDir(), "pictures")
	if _, err := synthetic.Write(t.Context(), pictures, synthetic.Config{Classes: g.Classes, PerClass: g.PerClass}, nil); err != nil {
		t.Fatal(err)
	}
	src, err := source.Open(t.Context(), filepath.Join(pictures, "train"), source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := pipeline.Shard(t.Context(), pipeline.ShardConfig{Out: shards, Size: g.Stored}, src, nil); err != nil {
		t.Fatal(err)
	}
	d, err := pipeline.OpenDataset(shards)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	p, err := augment.FromSums(d.Meta().Statistics)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pca, text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// exact is a device context in float64, whose kernels are the definitions of the ops.
// It does at once what it is told, and keeps the mean loss of every training step.
type exact struct {
	arena  []float64
	losses []float64
}

func (c *exact) Name() string                                    { return "exact" }
func (c *exact) Bytes(t *engine.Tensor) int64                    { return 8 * int64(t.Shape.Len()) }
func (c *exact) Workspace([]engine.Op) int64                     { return 0 }
func (c *exact) Merged([]engine.Op, int) int                     { return 1 }
func (c *exact) Room() (engine.Room, error)                      { return engine.Room{}, nil }
func (c *exact) Estimate()                                       {}
func (c *exact) Reserve(arena, _ int64) error                    { c.arena = make([]float64, arena/8); return nil }
func (c *exact) Compile(ops []engine.Op) (engine.Program, error) { return program{c, ops}, nil }
func (c *exact) Mark() engine.Mark                               { return done{} }
func (c *exact) NewEvent() engine.Event                          { return event{c} }
func (c *exact) Sync() error                                     { return nil }
func (c *exact) Close() error                                    { return nil }

// at is a tensor's place in the arena.
func (c *exact) at(t *engine.Tensor) []float64 { return c.arena[t.Offset/8:][:t.Shape.Len()] }

func (c *exact) Upload(t *engine.Tensor, src any) error {
	to := c.at(t)
	switch s := src.(type) {
	case []float32:
		convert(to, s)
	case []int32:
		convert(to, s)
	case []byte:
		convert(to, s)
	default:
		return fmt.Errorf("upload of %T", src)
	}
	return nil
}

func (c *exact) Download(dst any, t *engine.Tensor) error {
	from := c.at(t)
	switch d := dst.(type) {
	case []float32:
		convert(d, from)
	case []int32:
		convert(d, from)
	case []byte:
		convert(d, from)
	default:
		return fmt.Errorf("download to %T", dst)
	}
	return nil
}

func convert[D, S float64 | float32 | int32 | byte](to []D, from []S) {
	for i, v := range from {
		to[i] = D(v)
	}
}

type program struct {
	*exact
	ops []engine.Op
}

func (p program) Run(step engine.Step) error {
	for _, op := range p.ops {
		m := enginetest.Memory{}
		for _, t := range op.Reads() {
			m[t] = p.at(t)
		}
		for t, sums := range enginetest.Evaluate(op, m, step) {
			to := p.at(t)
			for i, s := range sums {
				to[i] = s.Value
			}
		}
		if loss, ok := op.(engine.SoftmaxLoss); ok && loss.DX != nil {
			mean := 0.0
			for _, v := range p.at(loss.Loss) {
				mean += v / float64(loss.Loss.Shape.Len())
			}
			p.losses = append(p.losses, mean)
		}
	}
	return nil
}

type (
	done  struct{}
	event struct{ owner *exact }
)

func (done) Wait() error              { return nil }
func (e event) Owner() engine.Context { return e.owner }
