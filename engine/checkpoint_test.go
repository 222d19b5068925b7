package engine_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/internal/file"
)

// tinyFile is the checkpoint of a step.
func tinyFile(t *testing.T, dir string, step int) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("step-%09d.safetensors", step)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A run that is stopped anywhere and goes on from its checkpoint in a new
// process ends with the same file, byte for byte.
func TestResumeIsExact(t *testing.T) {
	whole := t.TempDir()
	tinyRun(t, whole, 40)
	want := tinyFile(t, whole, 40)
	for _, stops := range [][]uint64{{17}, {18}, {1, 2, 39}, {6, 12, 13}} {
		t.Run(fmt.Sprint(stops), func(t *testing.T) {
			dir := t.TempDir()
			for _, steps := range append(stops, 40) {
				tinyRun(t, dir, steps)
			}
			if !bytes.Equal(tinyFile(t, dir, 40), want) {
				t.Error("the checkpoint after 40 steps differs from the uninterrupted run's")
			}
		})
	}
}

// What a run saves as it goes is what it would have ended with there, though it
// works a step ahead.
func TestSavesOnTheWayAreExact(t *testing.T) {
	bySteps, byTime := t.TempDir(), t.TempDir()
	tr := tinyTrainer(t, bySteps, &recorder{})
	tr.Steps, tr.SaveSteps, tr.Checkpoints.Keep = 16, 3, 100
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	tr = tinyTrainer(t, byTime, &recorder{})
	tr.Steps, tr.SaveAfter, tr.Checkpoints.Keep = 16, 1, 100 // after every step
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, steps := range []int{3, 9, 12, 15} {
		alone := t.TempDir()
		tinyRun(t, alone, uint64(steps))
		for _, dir := range []string{bySteps, byTime} {
			if !bytes.Equal(tinyFile(t, dir, steps), tinyFile(t, alone, steps)) {
				t.Errorf("the checkpoint after %d steps differs from that of a run which ends there", steps)
			}
		}
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
	err := file.Write(path, func(w io.Writer) error {
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
	tr := tinyRun(t, dir, 3)
	c := tinyCheckpoint(t, tr, 3)
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
	tinyRun(t, dir, 1)
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
	tr := tinyRun(t, dir, 30)
	c := tinyCheckpoint(t, tr, 30)
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

func TestAdoptLeavesOutTheLastLayer(t *testing.T) {
	dir := t.TempDir()
	tr := tinyRun(t, dir, 3)
	c := tinyCheckpoint(t, tr, 3)
	five := *c.Net
	five.Classes = 5
	m := tinyOn(t, &five, "cpu,cpu", false)
	if err := m.Initialize(engine.InitHe, 9); err != nil {
		t.Fatal(err)
	}
	last, _ := m.Read(engine.Weight, "fc3.weight")
	a, err := c.Adoption(&five, nil)
	if err != nil || !slices.Equal(a.Kept, []string{"conv1", "fc2"}) || !slices.Equal(a.Fresh, []string{"fc3"}) || len(a.Left) > 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	if err := c.Adopt(m, a.Kept); err != nil {
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
	if a, err := c.Adoption(wide, nil); err != nil || len(a.Kept) > 0 || !strings.Contains(a.Why["conv1"], "conv1.weight is [4 3 ") || !strings.Contains(a.Why["conv1"], "there and [8 3 ") {
		t.Errorf("another net: %+v, %v", a, err)
	}
	if err := c.Adopt(tinyOn(t, wide, "cpu", false), []string{"conv1"}); err == nil || !strings.Contains(err.Error(), "conv1.weight") {
		t.Errorf("another net: %v", err)
	}
}

// Any damaged byte of a checkpoint is noticed before it reaches a model.
func TestDamagedCheckpoint(t *testing.T) {
	dir := t.TempDir()
	tinyRun(t, dir, 3)
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

// A run that is killed in the middle of saving its best checkpoint has it, or the step
// isn't saved either and is done again.
func TestBestIsSavedFirst(t *testing.T) {
	tr := tinyTrainer(t, t.TempDir(), &recorder{})
	c := tr.Checkpoint
	c.Position.Step = 3
	blocked := filepath.Join(tr.Checkpoints.Dir, "step-000000003.safetensors")
	if err := os.Mkdir(blocked, 0o777); err != nil { // nothing can have its name
		t.Fatal(err)
	}
	if _, err := tr.Checkpoints.Save(tr.Model, &c, true); err == nil {
		t.Fatal("saved over a folder")
	}
	best, err := engine.OpenCheckpoint(tr.Checkpoints.Best())
	if err != nil {
		t.Fatal(err)
	}
	if best.Close(); best.Position.Step != 3 {
		t.Errorf("the best checkpoint is of step %d", best.Position.Step)
	}
}

// What a run that was killed in its last save left is removed when it goes on, though
// there is nothing to do.
func TestLastSaveIsMadeGood(t *testing.T) {
	dir := t.TempDir()
	tr := tinyTrainer(t, dir, &recorder{})
	tr.Epochs = 1
	if _, err := tr.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	latest, err := tr.Checkpoints.Latest()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(latest)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []int{1, 2, 3} {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("step-%09d.safetensors", step)), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	tr = tinyTrainer(t, dir, &recorder{})
	tr.Epochs = 1
	if stop, err := tr.Run(t.Context()); err != nil || stop != engine.StopEpochs {
		t.Fatal(stop, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "step-*")); len(left) != 2 || left[1] != latest {
		t.Errorf("left are %v", left)
	}
}
