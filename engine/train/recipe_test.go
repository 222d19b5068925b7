package train_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"alexnet/engine"
	"alexnet/engine/train"
	"alexnet/internal/setting"
)

func never(string) bool { return false }

func TestRecipeFor(t *testing.T) {
	for images, want := range map[int]string{1: "small", 9469: "small", 20_000: "small", 20_001: "medium", 50_000: "medium", 300_001: "paper", 1_281_167: "paper"} {
		if got := train.RecipeFor(images).Name; got != want {
			t.Errorf("%d pictures: recipe %s, want %s", images, got, want)
		}
	}
}

// TestRecipeTable: a line for each recipe that changes something, in the words asked for.
func TestRecipeTable(t *testing.T) {
	table := train.RecipeTable(setting.Flags{})
	for _, want := range []string{
		"  small         --init he --input-scale 0.015625 --warmup 50 --batch 16 --lr 0.01 --schedule cosine --epochs 60\n",
		" --drop-at 23,51,78 --epochs 93 and changes on the way\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in the table:\n%s", want, table)
		}
	}
	if got, want := strings.Count(table, "\n"), len(train.RecipeNames())-1; got != want { // paper changes nothing
		t.Errorf("%d lines, want %d:\n%s", got, want, table)
	}
}

// TestRecipesApply: a recipe sets what isn't given, of settings that there are, and
// the paper's is what Defaults has.
func TestRecipesApply(t *testing.T) {
	for _, r := range train.Recipes {
		c := train.Defaults()
		if err := r.Apply(&c, 0, never); err != nil {
			t.Fatal(err)
		}
		c.Train, c.Run = "shards", "run"
		if c.FromLayers != "" {
			c.From = "weights"
		}
		if err := c.Validate(); err != nil {
			t.Errorf("recipe %s: %v", r.Name, err)
		}
	}
	small, err := train.FindRecipe("small")
	if err != nil {
		t.Fatal(err)
	}
	c := train.Defaults()
	c.Batch = 48
	if err := small.Apply(&c, 0, func(name string) bool { return name == "batch" }); err != nil {
		t.Fatal(err)
	}
	if c.Batch != 48 || c.Init != "he" || c.Warmup != 50 || c.Recipe != "small" {
		t.Errorf("batch %d, init %s, warm-up %d, recipe %q", c.Batch, c.Init, c.Warmup, c.Recipe)
	}
	c = train.Defaults()
	c.Train, c.Run, c.From = "shards", "run", "weights"
	if err := errors.Join(small.Apply(&c, 0, never), c.Validate()); err != nil || c.Batch != 16 || c.Init != "he" {
		t.Errorf("recipe small for fine-tuning: error %v, batch %d, init %s", err, c.Batch, c.Init)
	}
	c = train.Defaults()
	c.Steps = 40
	if err := small.Apply(&c, 1000, never); err != nil {
		t.Fatal(err)
	}
	if c.Warmup != 4 {
		t.Errorf("a warm-up of %d steps in a run of 40, want 4", c.Warmup)
	}
	if _, err := train.FindRecipe("tiny"); err == nil {
		t.Error("a recipe that isn't there is found")
	}
}

// TestRunRecipes holds the rates and the noise of run 145 at every epoch against the
// ledgers of the published source (testdata/make_runs.py).
func TestRunRecipes(t *testing.T) {
	const steps = 7
	for _, name := range []string{"run-145-2010", "run-145-2012"} {
		text, err := os.ReadFile("testdata/" + name + ".tsv")
		if err != nil {
			t.Fatal(err)
		}
		c := recipe(t, name)
		rows := strings.Split(strings.TrimSpace(string(text)), "\n")
		if c.Epochs != len(rows) || c.Net != "alexnet-145" || c.Batch != 128 || c.Mean != train.MeanImage {
			t.Errorf("%s: net %s, %d epochs of batches of %d, mean %s; want %d epochs", name, c.Net, c.Epochs, c.Batch, c.Mean, len(rows))
		}
		for i, row := range rows {
			now, err := c.InForce(engine.Position{Epoch: i}, engine.ScheduleState{})
			if err != nil {
				t.Fatal(err)
			}
			noise := map[string]string{train.NoiseSqrt: "0.1", train.NoiseOff: "0"}[now.Noise]
			for _, step := range []uint64{0, steps - 1} {
				rate := rateOf(t, now, steps, uint64(i*steps)+step)
				got := fmt.Sprintf("%d\t%s\t%s\t%s", i+1, plain(rate), plain(rate*factor(now, "conv1")), noise)
				if got != row {
					t.Errorf("%s, step %d of the epoch: %q, want %q", name, step+1, got, row)
				}
			}
		}
	}
}

// TestPretrainingRecipes holds rates by layer against the ledgers of run 146's files.
func TestPretrainingRecipes(t *testing.T) {
	for name, want := range map[string]map[int]string{ // by epoch: conv1, conv5, conv6, fc8, noise
		"run-146-2009": {1: "0.001 0.001 0.01 0.01 sqrt", 2: "0.001 0.001 0.01 0.01 sqrt", 3: "0.001 0.001 0.001 0.001 sqrt", 7: "0.001 0.001 0.001 0.001 sqrt"},
		"run-146-2011": {1: "0.001 0.001 0.001 0.01 sqrt", 6: "0.001 0.001 0.001 0.01 sqrt", 7: "0.001 0.001 0.001 0.001 sqrt", 8: "0.001 0.001 0.001 0.001 sqrt"},
		"run-146-2012": {
			1: "0.0001 0.001 0.001 0.01 sqrt", 5: "0.0001 0.001 0.001 0.01 sqrt", 6: "0.00001 0.001 0.001 0.01 sqrt", 8: "0 0.001 0.001 0.01 sqrt",
			10: "0 0.001 0.001 0.001 sqrt", 22: "0 0.001 0.001 0.001 sqrt", 23: "0 0.0001 0.0001 0.0001 sqrt", 38: "0 0.0001 0.0001 0.0001 sqrt",
			39: "0 0.0001 0.0001 0.0001 off", 42: "0 0.0001 0.0001 0.0001 off", 43: "0 0.00001 0.00001 0.00001 off", 54: "0 0.00001 0.00001 0.00001 off",
		},
	} {
		c := recipe(t, name)
		for epoch, row := range want {
			now, err := c.InForce(engine.Position{Epoch: epoch - 1}, engine.ScheduleState{})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, layer := range []string{"conv1", "conv5", "conv6", "fc8"} {
				got += plain(rateOf(t, now, 1, uint64(epoch-1))*factor(now, layer)) + " "
			}
			if got += now.Noise; got != row {
				t.Errorf("%s, epoch %d: %s, want %s", name, epoch, got, row)
			}
		}
		if last := slices.Max(slices.Collect(maps.Keys(want))); c.Epochs != last || c.Net != "alexnet-146" {
			t.Errorf("%s: %d epochs of %s, want %d", name, c.Epochs, c.Net, last)
		}
		c.Train, c.Run = "shards", "run"
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), `needs "from" FILE`) {
			t.Errorf("%s without weights to begin with: %v", name, err)
		}
	}
}

// TestCIFARRecipes holds the recipes' rates against the layer files of cuda-convnet.
func TestCIFARRecipes(t *testing.T) {
	for name, want := range map[string]struct {
		rates map[int]string // from an epoch on
		last  int
		crops bool
	}{
		"cifar-13pct": {map[int]string{1: "0.001", 501: "0.0001", 511: "0.00001"}, 520, true},
		"cifar-11pct": {map[int]string{1: "0.001", 501: "0.0001", 511: "0.00001"}, 520, true},
		"cifar-18pct": {map[int]string{1: "0.001", 121: "0.0001", 131: "0.00001"}, 140, false},
		"figure-1":    {map[int]string{1: "0.001"}, 40, false},
	} {
		c := recipe(t, name)
		rate := ""
		for epoch := 1; epoch <= c.Epochs; epoch++ {
			rate = cmp.Or(want.rates[epoch], rate)
			if got := plain(rateOf(t, c, 3, uint64(3*epoch-3))); got != rate {
				t.Errorf("%s: epoch %d has rate %s, want %s", name, epoch, got, rate)
			}
		}
		if crops := !strings.Contains(c.Without, "crops"); c.Epochs != want.last || crops != want.crops || c.Noise != train.NoiseOff || c.Momentum != 0.9 {
			t.Errorf("%s: %d epochs, crops %v, noise %s, momentum %g", name, c.Epochs, crops, c.Noise, c.Momentum)
		}
		net, err := c.BuildNet(10)
		if err != nil {
			t.Fatal(err)
		}
		decays := name != "figure-1"
		if strings.Contains(string(net.JSON()), `"decay"`) != decays {
			t.Errorf("%s: the net's layers decay: want %v\n%s", name, decays, net.JSON())
		}
	}
}

// TestCIFARRecipesTrain trains each net of them for some steps as its recipe says, on a
// set of CIFAR-10's shape, with a change in the middle.
func TestCIFARRecipesTrain(t *testing.T) {
	dir := syntheticShards(10)
	defer os.RemoveAll(dir)
	for _, name := range []string{"cifar-13pct", "cifar-11pct", "cifar-18pct", "figure-1"} {
		c := recipe(t, name)
		c.Train, c.Val, c.Run = filepath.Join(dir, "train"), filepath.Join(dir, "val"), filepath.Join(dir, name)
		c.Devices, c.Threads, c.Workers, c.Batch, c.Epochs = "cpu", 1, 1, 30, 2
		if err := c.Changes.Set(`[{"after": 1, "lr": 0.0001}]`); err != nil {
			t.Fatal(err)
		}
		r, err := train.Run(t.Context(), c, nil)
		if err != nil || r.Steps != 2 || r.Config.Recipe != name {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		saved, err := engine.OpenCheckpoint(r.BestCheckpoint)
		if err != nil {
			t.Fatal(err)
		}
		saved.Close()
		if saved.Net.Name != c.Net || saved.PictureSize != 32 || len(saved.Mean) != 3*saved.Net.Input.Size*saved.Net.Input.Size {
			t.Errorf("%s: net %s, pictures of %d, mean of %d values", name, saved.Net.Name, saved.PictureSize, len(saved.Mean))
		}
	}
}

// recipe applies a recipe to the defaults.
func recipe(t *testing.T, name string) train.Config {
	t.Helper()
	r, err := train.FindRecipe(name)
	if err != nil {
		t.Fatal(err)
	}
	c := train.Defaults()
	if err := r.Apply(&c, 1_200_000, never); err != nil {
		t.Fatal(err)
	}
	return c
}

// rateOf is the learning rate at a step, of a schedule that waits for no validation.
func rateOf(t *testing.T, c train.Config, epochSteps int, step uint64) float64 {
	t.Helper()
	kind, err := engine.ScheduleNamed(c.Schedule)
	if err != nil {
		t.Fatal(err)
	}
	s := engine.ScheduleSettings{Ramp: engine.Ramp{Initial: c.LR, Warmup: c.Warmup}, EpochSteps: uint64(epochSteps)}
	for _, epoch := range train.SplitList(c.DropAt) {
		n, err := strconv.Atoi(epoch)
		if err != nil {
			t.Fatal(err)
		}
		s.DropAt = append(s.DropAt, n)
	}
	return kind.New(s).Rate(step)
}

// factor is a layer's rate divided by the run's.
func factor(c train.Config, layer string) float64 {
	if slices.Contains(train.SplitList(c.Freeze), layer) {
		return 0
	}
	for _, word := range train.SplitList(c.LayerRates) {
		if value, ok := strings.CutPrefix(word, layer+"="); ok {
			f, _ := strconv.ParseFloat(value, 64)
			return f
		}
	}
	return 1
}

// plain is a rate without an exponent, of six digits.
func plain(rate float64) string {
	rate, _ = strconv.ParseFloat(strconv.FormatFloat(rate, 'g', 6, 64), 64)
	return strconv.FormatFloat(rate, 'f', -1, 64)
}

// TestProgressFits: the second form fits 80 columns and the last 50 while numbers are
// those of a long run.
func TestProgressFits(t *testing.T) {
	p := train.Progress{Event: train.Stepped, Epochs: 90, Steps: 900_720, Left: 130 * time.Hour, Pace: train.Pace{Bottleneck: "training"}}
	p.Epoch, p.Step, p.Loss, p.Top1Error, p.ImagesPerSec = 45, 450_360, 2.345, .1234, 1234.5
	forms := p.Forms()
	for i, most := range map[int]int{1: 79, len(forms) - 2: 62, len(forms) - 1: 49} {
		if n := utf8.RuneCountInString(forms[i]); n > most {
			t.Errorf("%q has %d characters, want at most %d", forms[i], n, most)
		}
		for _, word := range []string{"error 12.3 %", "left"} {
			if !strings.Contains(forms[i], word) {
				t.Errorf("%q lacks %q", forms[i], word)
			}
		}
	}
	v := p
	v.Event, v.Best = train.Validated, true
	if forms := v.Forms(); utf8.RuneCountInString(forms[1]) > 79 || utf8.RuneCountInString(forms[2]) > 49 || !strings.Contains(forms[2], "validation error 12.3 %  (best)") {
		t.Errorf("%q don't fit 80 and 50 columns", forms[1:])
	}
	p.Pace.Bottleneck = "decode"
	if f := p.Forms()[1]; !strings.Contains(f, "limit: decode") {
		t.Errorf("%q doesn't name what limits the rate", f)
	}
}

// TestTop5InProgress: among five classes the top-5 error is always 0 and isn't shown.
func TestTop5InProgress(t *testing.T) {
	for classes, want := range map[int]bool{2: false, 5: false, 6: true, 1000: true} {
		for _, e := range []train.Event{train.Logged, train.Validated} {
			p := train.Progress{Event: e, Classes: classes}
			if text := p.String(); strings.Contains(text, "top-5") != want || !strings.Contains(text, "top-1 error 0.0 %") {
				t.Errorf("%d classes: %q", classes, text)
			}
		}
	}
}
