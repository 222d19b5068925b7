package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/internal/setting"
	"alexnet/pipeline/shards/shardstest"
)

// small is a run of 32 steps in dir, on 48 pictures.
func small(t *testing.T, dir string) Config {
	t.Helper()
	c := Defaults()
	c.Train, c.Val, c.Run = filepath.Join(dir, "train"), filepath.Join(dir, "val"), filepath.Join(dir, "run")
	if _, err := os.Stat(c.Train); err != nil {
		shardstest.Stripes(t, c.Train, "train", 3, 16, 32)
		shardstest.Stripes(t, c.Val, "val", 3, 4, 32)
	}
	c.Net, c.Devices, c.Threads, c.Workers = "testdata/tiny.json", "cpu", 1, 1
	c.Batch, c.Epochs, c.Init, c.LR, c.LogEvery = 6, 4, "he", 0.01, 4
	return c
}

// stopper ends a run's context after a step.
type stopper struct {
	Silent
	at     uint64
	cancel context.CancelFunc
	ended  End
	told   []string
	job    *Job
	leaves string
}

func (s *stopper) Note(n Note)  { s.told = append(s.told, n.String()) }
func (s *stopper) Begun(j *Job) { s.job = j }
func (s *stopper) Ended(e End)  { s.ended, s.leaves = e, e.Leaves(s.job).In(setting.Flags{}) }
func (s *stopper) Progress(p Progress) {
	if p.Event == Stepped && p.Step == s.at {
		s.cancel()
	}
}

// holder notes checkpoints that this process has open while it trains.
type holder struct {
	Silent
	held []string
}

func (h *holder) Progress(Progress) {
	files, _ := filepath.Glob("/proc/self/fd/*") // none but on Linux
	for _, f := range files {
		if to, err := os.Readlink(f); err == nil && strings.HasSuffix(to, ".safetensors") {
			h.held = append(h.held, to)
		}
	}
}

// A run whose context ends saves, says so, and goes on to the same bytes as one that
// was left alone; a third call finds that nothing is left to do.
func TestRunStopsAndGoesOn(t *testing.T) {
	dir := t.TempDir()
	whole := small(t, dir)
	if r, err := Run(t.Context(), whole, nil); err != nil || r.Stop != engine.StopEpochs || r.Steps != 32 || r.Before {
		t.Fatalf("%+v, %v", r, err)
	}
	c := small(t, dir)
	c.Run, c.AutoResume = filepath.Join(dir, "stopped"), true
	ctx, cancel := context.WithCancelCause(t.Context())
	s := &stopper{at: 13, cancel: func() { cancel(errors.New("a cause of the caller's")) }}
	_, err := Run(ctx, c, s)
	if !errors.As(err, new(*engine.StoppedError)) || !errors.Is(err, context.Canceled) || !errors.Is(s.ended.Err, context.Canceled) || s.ended.Saved == "" || s.ended.Model == nil {
		t.Fatalf("%v; ended with %+v", err, s.ended)
	}
	if want := "saved " + s.ended.Saved + "; the same command goes on"; s.leaves != want {
		t.Errorf("%q, want %q", s.leaves, want)
	}
	for _, before := range []bool{false, true} {
		h := new(holder)
		r, err := Run(t.Context(), c, h)
		if len(h.held) > 0 { // Windows could not replace them, nor other names of them
			t.Errorf("it trains with %q open", h.held)
		}
		if err != nil || r.Steps != 32 || r.Before != before || r.BestCheckpoint == "" {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	const last = "checkpoints/step-000000032.safetensors"
	a, err1 := os.ReadFile(filepath.Join(whole.Run, last))
	b, err2 := os.ReadFile(filepath.Join(c.Run, last))
	if err := errors.Join(err1, err2); err != nil || string(a) != string(b) {
		t.Errorf("the weights differ from those of a run that never stopped: %v", err)
	}
	if all := strings.Join(s.told, "\n"); !strings.Contains(all, `no "pca" file`) || strings.Contains(all, "--") {
		t.Errorf("it was told\n%s", all)
	}
}

// TestEarlyStop: a run that stops before its first validation says that it has no best
// checkpoint.
func TestEarlyStop(t *testing.T) {
	c := small(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	s := &stopper{at: 2, cancel: cancel}
	if _, err := Run(ctx, c, s); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	want := "saved " + s.ended.Saved + " (nothing was validated yet, so there is no best checkpoint); go on with: train-alexnet --run " + c.Run + " --resume"
	if s.leaves != want {
		t.Errorf("%q, want %q", s.leaves, want)
	}
	if got := (End{}).Leaves(s.job).In(setting.Flags{}); got != strings.Replace(want, "saved ", "nothing was saved after ", 1) {
		t.Errorf("of another session: %q", got)
	}
	s.job.c.AutoResume = true
	if got := (End{}).Leaves(s.job).In(setting.Flags{}); !strings.HasSuffix(got, "; the same command goes on") {
		t.Errorf("with --autoresume: %q", got)
	}
}

// Metrics that can't be written are an error, also of the run's last line.
func TestLostMetrics(t *testing.T) {
	l, err := openLog(t.TempDir(), engine.Position{})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	stopped := 0
	w := &watcher{observer: Silent{}, log: l, stop: func() { stopped++ }}
	w.write(Progress{})
	w.write(Progress{})
	s := &session{Job: &Job{made: Changes{{Stop: true}}}, watch: w}
	if o := s.train(t.Context()); o.stop != "" || !errors.Is(o.err, os.ErrClosed) || !o.together || stopped != 1 {
		t.Errorf("%+v after %d stops", o, stopped)
	}
}

// What is wrong with a configuration is a *SettingError that calls settings by
// their names, and nothing is written.
func TestRunRefuses(t *testing.T) {
	dir := t.TempDir()
	for want, change := range map[string]func(*Config){
		`"train" is required`:                                func(c *Config) { c.Train = "" },
		`"run" is required`:                                  func(c *Config) { c.Run = "" },
		`"resume" needs "run" DIR`:                           func(c *Config) { c.Run, c.Resume = "", true },
		"holds no run":                                       func(c *Config) { c.Resume = true },
		"batch 0: want at least 1":                           func(c *Config) { c.Batch = 0 },
		"batch 61: " + dir:                                   func(c *Config) { c.Batch = 61 },
		"momentum 1: want less than 1":                       func(c *Config) { c.Momentum = 1 },
		"init x: want paper or he":                           func(c *Config) { c.Init = "x" },
		`"net": no net called "lenet"`:                       func(c *Config) { c.Net = "lenet" },
		`schedule step needs "drop-at"`:                      func(c *Config) { c.Schedule = "step" },
		"drop-at 3 is of \"schedule\" step, not of schedule": func(c *Config) { c.DropAt = "3" },
		`"lr": learning rate -1`:                             func(c *Config) { c.LR = -1 },
		"accumulate 4: doesn't divide batch 6":               func(c *Config) { c.Accumulate = 4 },
		`"devices": no device called "tpu"`:                  func(c *Config) { c.Devices = "tpu" },
		`precision fp16: want fp32`:                          func(c *Config) { c.Precision = "fp16" },
		`crop "x"`:                                           func(c *Config) { c.Augment[0] = "x" },
		"wire fp64: want fp32 or bf16":                       func(c *Config) { c.Wire = "fp64" },
	} {
		c := small(t, dir)
		change(&c)
		_, err := Run(t.Context(), c, nil)
		var bad *SettingError
		if !errors.As(err, &bad) || !bad.Invalid || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "--") {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
		t.Error("a refused run has a folder")
	}
}

// TestBestInTheWay: what can't become the best checkpoint is refused before the first step,
// not at the first validation.
func TestBestInTheWay(t *testing.T) {
	c := small(t, t.TempDir())
	best := filepath.Join(c.Run, CheckpointsName, "best.safetensors")
	if err := os.MkdirAll(best, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := Run(t.Context(), c, nil)
	if err == nil || !strings.Contains(err.Error(), best+" is a folder") {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(c.Run, MetricsName)); err == nil {
		t.Error("it has begun")
	}
}

// A Config survives its JSON, and a run of an older program, which lacks settings,
// has the defaults.
func TestConfigJSON(t *testing.T) {
	c := Defaults()
	c.MaxTime, c.LR, c.Augment[0] = 90e9, 0.5, "resized"
	text, err := c.MarshalJSON()
	if err != nil || !strings.Contains(string(text), `"max-time":"1m30s"`) || !strings.Contains(string(text), `"crop":"resized"`) {
		t.Fatalf("%s, %v", text, err)
	}
	back := Defaults()
	if err := back.UnmarshalJSON(text); err != nil || back.MaxTime != c.MaxTime || back.LR != c.LR || back.Augment != c.Augment {
		t.Errorf("%+v, %v", back, err)
	}
	old, err := (&Record{Settings: []byte(`{"lr":0.25,"max-time":5000000000}`)}).Config()
	if err != nil || old.LR != 0.25 || old.MaxTime != 5e9 || old.Batch != 128 || old.Schedule != "plateau" {
		t.Errorf("%+v, %v", old, err)
	}
}
