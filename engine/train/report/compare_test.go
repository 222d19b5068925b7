package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"alexnet/engine/train"
)

// TestRunTable: a line a run where that fits; else no line is longer than the terminal,
// but for a path.
func TestRunTable(t *testing.T) {
	path := "/home/somebody/pictures/of/pets/and/other/animals/runs/the-first"
	runs := []*RunSummary{
		{Dir: path, Net: "alexnet-mini", Epoch: 60, Step: 1680, Loss: 1e308, Validated: true, Top1Error: .4321, Top5Error: .0625, classes: 10, Speed: 456.7, Finished: "over",
			Differs: map[string]string{"lr": "0.01", "augmentations": "crop=resized:0.35", "schedule": "cosine"}},
		{Dir: "runs/b", Net: "alexnet-mini", Validated: true, Top1Error: .5, Top5Error: .7777, classes: 5, Differs: map[string]string{"lr": "", "schedule": "step"}},
	}
	for _, columns := range []int{0, 50, 80, 160, 300} {
		var b strings.Builder
		if err := RunTable(&b, runs, columns); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		if one := columns == 0 || columns == 300; one != (len(lines) == 3) {
			t.Errorf("%d columns: %d lines", columns, len(lines))
		}
		if columns == 160 && (len(lines) != 5 || lines[2] != "   augmentations=crop=resized:0.35  lr=0.01  schedule=cosine" || lines[4] != "   lr=–  schedule=step") {
			t.Errorf("differences don't stand below their runs:\n%s", b.String())
		}
		for _, l := range lines {
			if n := utf8.RuneCountInString(l); columns > 0 && n > columns && l != path {
				t.Errorf("%d columns: a line of %d: %s", columns, n, l)
			}
		}
		for _, want := range []string{path, "1e+308", "43.21", "6.25", "456.7", "lr=0.01", "lr=–", "schedule=step", "augmentations=crop=resized:0.35", "done", "unfinished"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%d columns: no %q in\n%s", columns, want, b.String())
			}
		}
		if strings.Contains(b.String(), "77.77") {
			t.Errorf("%d columns: a top-5 error of five classes in\n%s", columns, b.String())
		}
	}
}

// TestOwnFolder: that runs have their shards in their own folders tells them not apart.
func TestOwnFolder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		run := filepath.Join(dir, name)
		c := train.Defaults()
		c.Run, c.Train, c.Val = run, filepath.Join(run, "shards", "train"), filepath.Join(dir, "val")
		if name == "b" {
			c.LR = .5
		}
		settings, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		record, err := json.Marshal(map[string]any{"settings": json.RawMessage(settings), "net": map[string]any{"name": "n", "classes": 2}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(run, 0o777); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string][]byte{train.RecordName: record, train.MetricsName: nil} {
			if err := os.WriteFile(filepath.Join(run, file), text, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	runs, err := CompareRuns(t.Context(), []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	if got := runs[1].differs(); len(runs) != 2 || !slices.Equal(got, []string{"lr=0.5"}) {
		t.Errorf("differ in %q", got)
	}
}

// TestNoRecord: a run.json without a net is nobody's record, and the error names it.
func TestNoRecord(t *testing.T) {
	for _, text := range []string{"null", "{}", `{"settings":{}}`, `{"net":null}`} {
		dir := t.TempDir()
		path := filepath.Join(dir, train.RecordName)
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := CompareRuns(t.Context(), []string{dir}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
