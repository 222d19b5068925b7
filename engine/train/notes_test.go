package train

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/pipeline"
	"alexnet/pipeline/shards/shardstest"
)

// notes returns the notes of a run of c before it begins.
func notes(t *testing.T, c Config) string {
	t.Helper()
	var s stopper
	c.Dry = true
	j, err := Prepare(t.Context(), c, &s)
	if err != nil {
		t.Fatal(err)
	}
	j.Close()
	return strings.Join(s.told, "\n")
}

func TestOddities(t *testing.T) {
	dir := t.TempDir()
	c := small(t, dir)
	c.InputScale = 0.02
	c.Steps = 0
	c.Epochs = 60
	if got := notes(t, c); strings.Contains(got, "same pictures") || strings.Contains(got, "place") || strings.Contains(got, "wild") || strings.Contains(got, "hint") {
		t.Errorf("a good run is told\n%s", got)
	}
	other := filepath.Join(dir, "other")
	shardstest.Stripes(t, other, "train", 3, 9, 32)
	d, err := pipeline.OpenDataset(c.Train)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	pca, err := augment.FromSums(d.Meta().Statistics)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string) string {
		text, err := json.Marshal(pca)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}
	own := write("own.json")
	pca.Mean[1] += 3
	foreign := write("foreign.json")
	for _, o := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Val = c.Train }, "hold the same pictures"},
		{func(c *Config) { c.Train, c.Val, c.Batch = c.Val, c.Train, 3 }, "may be in each other's place"},
		{func(c *Config) { c.PCA = foreign }, "is of other pictures than"},
		{func(c *Config) { c.InputScale = 1 }, "give input-scale 0.015625 too"},
		{func(c *Config) { c.Steps = 1 }, "hint: 1 step of 6 pictures is too few for"},
		{func(c *Config) { c.Epochs = 2 }, "hint: 16 steps of 6 pictures are too few for a net that begins from nothing; paste: recipe small epochs 134"},
		{func(c *Config) { c.Epochs, c.Recipe = 2, "small" }, "paste: epochs 50"},
		{func(c *Config) { c.Steps, c.Recipe = 30, "small" }, "paste: steps 400"},
		{func(c *Config) { c.Recipe, c.Epochs = "figure-1", 2 }, "are too few for a net that begins from nothing; paste: epochs 50"},
		{func(c *Config) { c.Init, c.Recipe = "paper", "small" }, "480 steps of 6 pictures are too few"},
	} {
		changed := c
		o.change(&changed)
		if got := notes(t, changed); !strings.Contains(got, o.want) {
			t.Errorf("want %q, told\n%s", o.want, got)
		}
	}
	c.PCA = own
	if got := notes(t, c); strings.Contains(got, "other pictures") {
		t.Errorf("its own statistics:\n%s", got)
	}
}

// A warm-up as long as the run, which a cosine can't have, comes with one that fits.
func TestWarmupLongerThanTheRun(t *testing.T) {
	c := small(t, t.TempDir())
	c.Schedule, c.Warmup = "cosine", 50
	_, err := Prepare(t.Context(), c, nil)
	if err == nil || !strings.Contains(err.Error(), "warmup 50 takes all of the run's 32 steps, and schedule cosine wants some more: give warmup 3, or more \"epochs\"") {
		t.Errorf("%v", err)
	}
}

// looker opens, when it may draw, the checkpoint of the validated step.
type looker struct {
	Silent
	job    *Job
	latest []string
}

func (l *looker) Begun(j *Job) { l.job = j }
func (l *looker) Progress(p Progress) {
	if p.Event == Validated {
		l.latest = append(l.latest, "validated")
	}
}

func (l *looker) Validated(*engine.Model) {
	path, _ := l.job.Checkpoints().Latest()
	l.latest = append(l.latest, filepath.Base(path))
}

// Where a disk gets full, the weights come before the pictures.
func TestWeightsBeforePictures(t *testing.T) {
	c := small(t, t.TempDir())
	c.Epochs = 2
	l := new(looker)
	if _, err := Run(t.Context(), c, l); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(l.latest, " "); got != "validated step-000000008.safetensors validated step-000000016.safetensors" {
		t.Errorf("order %q", got)
	}
}
