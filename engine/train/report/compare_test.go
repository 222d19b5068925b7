package report

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestRunTable: a line a run where that fits; else no line is longer than the terminal,
// but for a path.
func TestRunTable(t *testing.T) {
	path := "/home/somebody/pictures/of/pets/and/other/animals/runs/the-first"
	runs := []*RunSummary{
		{Dir: path, Net: "alexnet-mini", Epoch: 60, Step: 1680, Loss: 1.5, Validated: true, Top1Error: .4321, Top5Error: .0625, classes: 10, Speed: 456.7, Finished: "over",
			Differs: map[string]string{"lr": "0.01", "augmentations": "crop=resized:0.35", "schedule": "cosine"}},
		{Dir: "runs/b", Net: "alexnet-mini", Validated: true, Top1Error: .5, Top5Error: .7777, classes: 5, Differs: map[string]string{"lr": "", "schedule": "step"}},
	}
	for _, columns := range []int{0, 50, 80, 120, 300} {
		var b strings.Builder
		if err := RunTable(&b, runs, columns); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		if one := columns == 0 || columns == 300; one != (len(lines) == 3) {
			t.Errorf("%d columns: %d lines", columns, len(lines))
		}
		for _, l := range lines {
			if n := utf8.RuneCountInString(l); columns > 0 && n > columns && l != path {
				t.Errorf("%d columns: a line of %d: %s", columns, n, l)
			}
		}
		for _, want := range []string{path, "43.21", "6.25", "456.7", "lr=0.01", "lr=–", "schedule=step", "augmentations=crop=resized:0.35", "done", "unfinished"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%d columns: no %q in\n%s", columns, want, b.String())
			}
		}
		if strings.Contains(b.String(), "77.77") {
			t.Errorf("%d columns: a top-5 error of five classes in\n%s", columns, b.String())
		}
	}
}
