package ablate

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/pipeline/shards/shardstest"
)

// small is a study of a small net on 48 pictures.
func small(t *testing.T, parts ...string) Study {
	t.Helper()
	dir := t.TempDir()
	c := train.Defaults()
	c.Train, c.Val = filepath.Join(dir, "train"), filepath.Join(dir, "val")
	shardstest.Stripes(t, c.Train, "train", 3, 16, 32)
	shardstest.Stripes(t, c.Val, "val", 3, 4, 32)
	c.Net, c.Devices, c.Threads, c.Workers = "../testdata/tiny.json", "cpu", 1, 1
	c.Batch, c.Epochs, c.Init, c.LR = 6, 2, "he", 0.01
	return Study{Config: c, Out: filepath.Join(dir, "out"), Parts: parts, Seeds: 2}
}

// TestParts: every part that a run can do without is an ablation, and a row of it.
func TestParts(t *testing.T) {
	want := train.AblationNames()
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(Names())); !slices.Equal(got, want) {
		t.Errorf("the table has %v, runs can do without %v", got, want)
	}
}

// TestStudy: each row's errors are those of its runs, the changes those of pairs, and
// the same call again trains nothing.
func TestStudy(t *testing.T) {
	s := small(t, "relu", "crops", "decay")
	var trained []string
	s.Train = func(ctx context.Context, c train.Config) error {
		r, err := train.Run(ctx, c, nil)
		if err == nil && !r.Before {
			trained = append(trained, filepath.Base(c.Run))
		}
		return err
	}
	a, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Rows) != 4 || !a.Rows[3].ByTraining {
		t.Fatalf("rows %+v", a.Rows)
	}
	for i, part := range []string{"whole", "relu", "crops", "decay"} {
		for k, seed := range []string{"1", "2"} {
			metrics, err := report.ReadMetrics(filepath.Join(s.Out, part+"-seed"+seed, train.MetricsName))
			if err != nil {
				t.Fatal(err)
			}
			var sum, n, lowest float64 = 0, 0, 1
			for _, m := range metrics {
				if m.Split == "val" {
					lowest = min(lowest, m.Top1Error)
				} else if m.Epoch == 2 {
					sum, n = sum+m.Top1Error, n+1 // a line of as many steps each
				}
			}
			r := a.Rows[i]
			if math.Abs(r.Top1[k]-lowest) > 1e-12 || math.Abs(r.Training[k]-sum/n) > 1e-12 {
				t.Errorf("%s, seed %s: errors %g and %g, want %g and %g", part, seed, r.Top1[k], r.Training[k], lowest, sum/n)
			}
		}
		if c := a.Rows[i].Change1; i > 0 && math.Abs(c.Mean-(a.Rows[i].Top1[0]-a.Rows[0].Top1[0]+a.Rows[i].Top1[1]-a.Rows[0].Top1[1])/2) > 1e-12 {
			t.Errorf("%s: change %+v", part, c)
		}
	}
	if len(trained) != 8 {
		t.Errorf("trained %v", trained)
	}
	table, err := os.ReadFile(filepath.Join(s.Out, TableName))
	if err != nil || strings.Count(string(table), "\n| ") != 5 {
		t.Errorf("the table is\n%s, %v", table, err)
	}
	if _, err := s.Run(t.Context()); err != nil || len(trained) != 8 {
		t.Errorf("again: trained %v, %v", trained, err)
	}
	// A run with other settings is no part of the study, finished or not.
	other := s
	other.Config.LR = 0.02
	var bad *train.SettingError
	if _, err := other.Run(t.Context()); !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), s.Out) || !strings.Contains(err.Error(), "lr 0.02: ") || !strings.HasSuffix(err.Error(), "was begun with 0.01: give that value, or other folders for other runs") {
		t.Errorf("another learning rate: %v", err)
	}
	s.Config.Epochs, s.Config.LogEvery, s.Parts = 3, 5, []string{"crops"}
	if a, err = s.Run(t.Context()); err != nil || len(trained) != 12 || len(a.Rows) != 2 {
		t.Errorf("one pass more: trained %v, %v", trained, err)
	}
}

// TestStoppedStudy: a study that was stopped in a run goes on there, and refuses to with
// other settings, which would make that run another experiment than the rest.
func TestStoppedStudy(t *testing.T) {
	s := small(t, "crops")
	s.Seeds = 1
	stopped := s
	stopped.Train = func(ctx context.Context, c train.Config) error {
		c.Steps = 3
		if _, err := train.Run(ctx, c, nil); err != nil {
			return err
		}
		return context.Canceled
	}
	if _, err := stopped.Run(t.Context()); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*train.Config){
		"lr": func(c *train.Config) { c.LR = 0.02 }, "momentum": func(c *train.Config) { c.Momentum = 0.5 },
		"noise": func(c *train.Config) { c.Noise = train.NoiseOff }, "batch": func(c *train.Config) { c.Batch = 4 },
	} {
		other := s
		change(&other.Config)
		if _, err := other.Run(t.Context()); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "was begun with") {
			t.Errorf("another %s: %v", name, err)
		}
	}
	a, err := s.Run(t.Context())
	if err != nil || len(a.Rows) != 2 {
		t.Fatal(a, err)
	}
	fresh := s
	fresh.Out = filepath.Join(t.TempDir(), "fresh")
	b, err := fresh.Run(t.Context())
	if err != nil || !slices.Equal(a.Rows[0].Top1, b.Rows[0].Top1) || !slices.Equal(a.Rows[0].Training, b.Rows[0].Training) {
		t.Errorf("stopped once: %+v, never: %+v, %v", a.Rows[0], b.Rows[0], err)
	}
}

// TestPairs: runs of one seed, with a part and without, begin with the same weights
// where both have them, and see the same pictures in the same order.
func TestPairs(t *testing.T) {
	first := func(c train.Config, name string) map[string][]float32 {
		t.Helper()
		c.Net, c.Without = "cifar-11pct", name
		n, err := c.BuildNet(10)
		if err != nil {
			t.Fatal(err)
		}
		contexts, err := devices.Open("cpu", devices.Options{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		m, err := engine.NewModel(n, contexts, engine.ModelConfig{Batch: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := m.Initialize(engine.Initialization(c.Init), c.Seed); err != nil {
			t.Fatal(err)
		}
		values := map[string][]float32{}
		for _, p := range m.Parameters() {
			if values[p.Name], err = m.Read(engine.Weight, p.Name); err != nil {
				t.Fatal(err)
			}
		}
		return values
	}
	s := small(t, "lrn")
	whole := first(s.Config, "")
	for part, missing := range map[string]int{"lrn": 0, "middle": 2, "relu": 0, "decay": 0, "crops": 0} {
		without := first(s.Config, part)
		if len(whole)-len(without) != missing {
			t.Errorf("without %s: %d parameters of %d", part, len(without), len(whole))
		}
		for name, values := range without {
			if !slices.Equal(values, whole[name]) {
				t.Errorf("without %s: %s begins otherwise", part, name)
			}
		}
	}
	// A rate of nearly 0 leaves the errors to the pictures and the first weights.
	s.Config.LR, s.Config.Epochs, s.Config.LogEvery = 1e-30, 1, 1
	s.Parts = []string{"decay"}
	a, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, seed := range []string{"1", "2"} {
		var losses [2][]float64
		for i, name := range []string{"whole", "decay"} {
			metrics, err := report.ReadMetrics(filepath.Join(s.Out, name+"-seed"+seed, train.MetricsName))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range metrics {
				losses[i] = append(losses[i], m.Loss)
			}
		}
		if len(losses[0]) != 9 || !slices.Equal(losses[0], losses[1]) {
			t.Errorf("seed %s: losses %v and %v", seed, losses[0], losses[1])
		}
	}
	if a.Rows[0].Training[0] == a.Rows[0].Training[1] && a.Rows[0].Top1[0] == a.Rows[0].Top1[1] {
		t.Errorf("two seeds have the same errors: %+v", a.Rows[0])
	}
}

func TestStudyRefuses(t *testing.T) {
	for want, change := range map[string]func(*Study){
		"parts magic: want lrn":  func(s *Study) { s.Parts = []string{"magic"} },
		`without "pca" FILE`:     func(s *Study) { s.Parts = []string{"pca"} },
		"seeds 0":                func(s *Study) { s.Seeds = 0 },
		"seeds 1001":             func(s *Study) { s.Seeds = 1001 },
		"lrn is there twice":     func(s *Study) { s.Parts = []string{"lrn", "relu", "lrn"} },
		"response normalisation": func(s *Study) {}, // which the net has not
		"relu is there twice":    func(s *Study) { s.Parts, s.Config.Without = []string{"crops", "relu"}, "relu" },
		`"parts" is empty`:       func(s *Study) { s.Parts = nil },
		`"out" and "val"`:        func(s *Study) { s.Config.Val = "" },
	} {
		s := small(t, "lrn")
		s.Train = untrained(t)
		change(&s)
		_, err := s.Run(t.Context())
		var bad *train.SettingError
		if !errors.As(err, &bad) || !bad.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// untrained is a Runs.Train for studies that must be refused before any run.
func untrained(t *testing.T) func(context.Context, train.Config) error {
	return func(_ context.Context, c train.Config) error {
		t.Errorf("%s is trained", c.Run)
		return errors.New("trained")
	}
}

// TestResultsFirst: what can't become a result's file is refused before any run, and so is
// the last run that can't be trained.
func TestResultsFirst(t *testing.T) {
	for _, name := range []string{TableName, FiguresName, PictureName, Figure1Picture, Figure1Figures} {
		for kind, plant := range map[string]func(path string) error{
			"a folder": func(path string) error { return os.Mkdir(path, 0o777) },
			"a link":   func(path string) error { return os.Symlink("elsewhere", path) },
		} {
			s := small(t, "relu", "crops")
			s.Train = untrained(t)
			must(t, os.Mkdir(s.Out, 0o777))
			must(t, plant(filepath.Join(s.Out, name)))
			var err error
			if strings.HasPrefix(name, "figure-1") {
				_, err = Figure1{Config: s.Config, Out: s.Out, Rates: []float64{0.01}, Runs: s.Runs}.Run(t.Context())
			} else {
				_, err = s.Run(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), name+" is "+kind) {
				t.Errorf("%s in place of %s: %v", kind, name, err)
			}
		}
	}
	s := small(t, "relu", "crops")
	s.Train = untrained(t)
	last := filepath.Join(s.Out, "crops-seed2")
	must(t, os.MkdirAll(last, 0o777))
	must(t, os.WriteFile(filepath.Join(last, train.RecordName), []byte("{"), 0o666))
	if _, err := s.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), last+": ") {
		t.Errorf("a damaged record of the last run: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
