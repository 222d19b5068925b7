package train

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"alexnet/engine"
)

// changing is small with changes of every kind: eight steps an epoch, four epochs.
func changing(t *testing.T, dir string) Config {
	c := small(t, dir)
	c.Epochs, c.LogEvery, c.Schedule = 6, 1, "constant"
	if err := c.Changes.Set(`[
		{"after": 1, "lr": 0.005, "layer-rates": {"conv1": 0.1}, "jitter": "0.2,0.2,0.2"},
		{"below": 0.99, "momentum": 0.8, "decay": 0.001},
		{"after": 3, "freeze": ["conv1", "conv2"]},
		{"after": 5, "stop": true}
	]`); err != nil {
		t.Fatal(err)
	}
	return c
}

// linesOf are the training lines of metrics.jsonl.
func linesOf(t *testing.T, dir string) (lines []engine.Metrics) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, MetricsName))
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		var m engine.Metrics
		if err := json.Unmarshal(s.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		if m.Split == "train" {
			lines = append(lines, m)
		}
	}
	return lines
}

// weightsOf are a checkpoint's arrays.
func weightsOf(t *testing.T, path, name string) []float32 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	s, err := engine.OpenSafetensors(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.ReadFinite(name)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestChanges: a run with changes has the rates they say, leaves frozen layers alone,
// and ends where they say; run.json and the checkpoint name what was made.
func TestChanges(t *testing.T) {
	dir := t.TempDir()
	c := changing(t, dir)
	c.Keep = 10
	s := &stopper{}
	r, err := Run(t.Context(), c, s)
	if err != nil || r.Stop != StopChange || r.Steps != 40 {
		t.Fatalf("%+v, %v", r, err)
	}
	for i, m := range linesOf(t, c.Run) {
		want := 0.01
		if i >= 8 {
			want = 0.005
		}
		if m.Step != uint64(i+1) || m.Rate != want {
			t.Errorf("step %d has rate %g, want %g", m.Step, m.Rate, want)
		}
	}
	at := func(step string) string { return filepath.Join(c.Run, "checkpoints/step-0000000"+step+".safetensors") }
	for name, frozen := range map[string]bool{"conv1.weight": true, "conv2.bias": true, "fc3.weight": false} {
		if same := reflect.DeepEqual(weightsOf(t, at("24"), name), weightsOf(t, at("40"), name)); same != frozen {
			t.Errorf("%s between epochs 3 and 5: the same is %v", name, same)
		}
	}
	last, err := engine.OpenCheckpoint(at("40"))
	if err != nil {
		t.Fatal(err)
	}
	defer last.Close()
	want := []string{
		"after 1 epoch: lr 0.005, layer-rates conv1=0.1, jitter 0.2,0.2,0.2",
		"once the validation error is below 0.99: momentum 0.8, decay 0.001",
		"after 3 epochs: freeze conv1,conv2",
	}
	if !reflect.DeepEqual(last.Changes, want) {
		t.Errorf("the checkpoint has changes %q, want %q", last.Changes, want)
	}
	record, err := ReadRecord(c.Run)
	if err != nil || record.Finished != string(StopChange) || len(record.Made) != 4 {
		t.Fatalf("%+v, %v", record, err)
	}
	for i, epoch := range []int{1, 1, 3, 5} {
		if m := record.Made[i]; m.Epoch != epoch || m.Step != uint64(8*epoch) {
			t.Errorf("change %d was made at epoch %d, step %d, want epoch %d", i+1, m.Epoch, m.Step, epoch)
		}
	}
	if all := strings.Join(s.told, "\n"); !strings.Contains(all, "from epoch 4: freeze conv1,conv2 (after 3 epochs)") {
		t.Errorf("it was told\n%s", all)
	}
	c.Resume = true
	if r, err := Run(t.Context(), c, nil); err != nil || !r.Before || r.Stop != StopChange {
		t.Errorf("again: %+v, %v", r, err)
	}
}

// TestChangesAreResumes: the stages of a run have the bytes of runs that are ended and
// resumed with other settings by hand.
func TestChangesAreResumes(t *testing.T) {
	dir := t.TempDir()
	c := changing(t, dir)
	if _, err := Run(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	by := small(t, dir)
	by.Run, by.LogEvery, by.Schedule, by.AutoResume = filepath.Join(dir, "by-hand"), 1, "constant", true
	for _, step := range []func(){
		func() { by.Epochs = 1 },
		func() {
			by.Epochs, by.LR, by.LayerRates, by.Momentum, by.Decay = 3, 0.005, "conv1=0.1", 0.8, 0.001
			if err := json.Unmarshal([]byte(`{"jitter": "0.2,0.2,0.2"}`), &by); err != nil {
				t.Fatal(err)
			}
		},
		func() { by.Epochs, by.Freeze = 5, "conv1,conv2" },
	} {
		step()
		if _, err := Run(t.Context(), by, nil); err != nil {
			t.Fatal(err)
		}
	}
	const last = "checkpoints/step-000000040.safetensors"
	for _, p := range []string{"conv1", "conv2", "fc3"} {
		for _, name := range []string{p + ".weight", p + ".bias", p + ".weight.momentum"} {
			if !reflect.DeepEqual(weightsOf(t, filepath.Join(c.Run, last), name), weightsOf(t, filepath.Join(by.Run, last), name)) {
				t.Errorf("%s differs from that of resumes by hand", name)
			}
		}
	}
}

// TestChangesResume: a run that is stopped in any stage, and at every change, ends with
// the bytes of one that was left alone.
func TestChangesResume(t *testing.T) {
	dir := t.TempDir()
	whole := changing(t, dir)
	if _, err := Run(t.Context(), whole, nil); err != nil {
		t.Fatal(err)
	}
	c := changing(t, dir)
	c.Run, c.AutoResume = filepath.Join(dir, "stopped"), true
	for _, at := range []uint64{3, 8, 12, 16, 21, 24, 31, 38} {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := Run(ctx, c, &stopper{at: at, cancel: cancel}); !errors.Is(err, context.Canceled) {
			t.Fatalf("step %d: %v", at, err)
		}
	}
	if r, err := Run(t.Context(), c, nil); err != nil || r.Stop != StopChange || r.Steps != 40 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, name := range []string{"checkpoints/step-000000040.safetensors", "checkpoints/best.safetensors"} {
		a, err1 := os.ReadFile(filepath.Join(whole.Run, name))
		b, err2 := os.ReadFile(filepath.Join(c.Run, name))
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs from that of a run that never stopped: %v", name, err)
		}
	}
	a, err1 := ReadRecord(whole.Run)
	b, err2 := ReadRecord(c.Run)
	if err := errors.Join(err1, err2); err != nil || !reflect.DeepEqual(a.Made, b.Made) {
		t.Errorf("changes %+v, want %+v, %v", b.Made, a.Made, err)
	}
}

// TestChangesRefused: changes that make no sense are said before anything is done.
func TestChangesRefused(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		`[{"lr": 0.1}]`: "want either after, a number of epochs, or below",
		`[{"after": 1, "below": 0.5, "lr": 0.1}]`:          "want either after",
		`[{"after": -1, "lr": 0.1}]`:                       "want after from 1",
		`[{"below": 1.5, "lr": 0.1}]`:                      "want below between 0 and 1",
		`[{"after": 1}]`:                                   "changes nothing: give settings of lr, momentum",
		`[{"after": 1, "batch": 3}]`:                       `"batch" can't change in the course of a run: what can is lr, momentum`,
		`[{"after": 1, "lr": -1}]`:                         `after 1 epoch: "lr": learning rate -1`,
		`[{"after": 1, "momentum": 2}]`:                    "after 1 epoch: momentum 2: want less than 1",
		`[{"after": 1, "layer-rates": "conv1"}]`:           "layer-rates conv1: want layers with factors",
		`[{"after": 1, "layer-rates": "conv1=1,conv1=2"}]`: "each once",
		`[{"after": 1, "noise": "on"}]`:                    "noise on: want sqrt",
		`[{"after": 1, "freeze": "conv9"}]`:                `"freeze": net "tiny" has no layer with weights called "conv9"`,
		`[{"after": 9, "layer-rates": {"fc9": 1}}]`:        `"layer-rates": net "tiny" has no layer`,
	} {
		c := small(t, dir)
		if err := c.Changes.Set(text); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		_, err := Run(t.Context(), c, nil)
		var bad *SettingError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{`{"after": 1}`, `[{"after": "one"}]`, `[{"after": 1, "after": 2}]`, `[1]`, `after 1`, `[{"after": 1, "lr": "x"}]`} {
		if new(Changes).Set(text) == nil {
			t.Errorf("%s is taken for changes", text)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
		t.Error("a refused run has a folder")
	}
	c := small(t, dir)
	c.Val, c.Changes = "", Changes{{Below: 0.5, Stop: true}}
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), `without "val" there is no validation error`) {
		t.Errorf("a bound without validation: %v", err)
	}
}

// TestChangesJSON: changes survive a Config's JSON, and none are a list without any.
func TestChangesJSON(t *testing.T) {
	c := changing(t, t.TempDir())
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	back := Defaults()
	if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back.Changes.texts(), c.Changes.texts()) {
		t.Errorf("%v, %v, want %v", back.Changes.texts(), err, c.Changes.texts())
	}
	if err := back.Changes.Set(`[{"after": 2, "lr": "1e-3", "erase": 0.25, "layer-rates": {"b": 0, "a": 0.5}, "freeze": ["a", "b"]}]`); err != nil ||
		back.Changes[0].String() != "after 2 epochs: lr 0.001, layer-rates a=0.5,b=0, freeze a,b, erase 0.25" {
		t.Errorf("%v, %v", back.Changes, err)
	}
	if text, err = json.Marshal(Defaults()); err != nil || !strings.Contains(string(text), `"changes":[]`) {
		t.Errorf("%s, %v", text, err)
	}
}

// TestManyChanges: checking changes takes memory and time in proportion to their number.
func TestManyChanges(t *testing.T) {
	taken := func(n int) uint64 {
		c := changing(t, t.TempDir())
		c.Changes = nil
		for i := range n {
			rates, err := json.Marshal("conv1=0." + strings.Repeat("1", 500))
			if err != nil {
				t.Fatal(err)
			}
			c.Changes = append(c.Changes, Change{After: i + 1, Settings: map[string]json.RawMessage{"layer-rates": rates}})
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	few, many := taken(mostChanges/10), taken(mostChanges)
	if many > 20*few {
		t.Errorf("ten times as many changes take %d bytes instead of %d", many, few)
	}
}
