package report

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"alexnet/engine"
	"alexnet/engine/train"
	"alexnet/internal/printable"
)

// RunSummary is the part of a run that is compared with other runs.
type RunSummary struct {
	Dir       string            `json:"dir"`
	Net       string            `json:"net"`
	Epoch     int               `json:"epoch"` // passes begun
	Step      uint64            `json:"step"`
	Loss      float64           `json:"train_loss"` // of the last steps
	Validated bool              `json:"validated"`
	Top1Error float64           `json:"top1_error"` // lowest of all validations
	Top5Error float64           `json:"top5_error"` // at the same time
	Speed     float64           `json:"images_per_s"`
	Finished  string            `json:"finished"`
	Differs   map[string]string `json:"differs"` // settings that the compared runs don't share
	classes   int
	settings  map[string]string
}

// CompareRuns reads the runs at the paths, or in folders below them, returns them
// with the best first, and fills in Differs.
func CompareRuns(paths []string) ([]*RunSummary, error) {
	var runs []*RunSummary
	for _, path := range paths {
		dirs := []string{path}
		if _, err := os.Stat(filepath.Join(path, train.RecordName)); errors.Is(err, fs.ErrNotExist) {
			found, err := filepath.Glob(filepath.Join(path, "*", train.RecordName))
			if err != nil || len(found) == 0 {
				return nil, fmt.Errorf("%s holds no run (no %s)", path, train.RecordName)
			}
			dirs = nil
			for _, f := range found {
				dirs = append(dirs, filepath.Dir(f))
			}
		}
		for _, dir := range dirs {
			r, err := readRun(dir)
			if err != nil {
				return nil, err
			}
			runs = append(runs, r)
		}
	}
	slices.SortStableFunc(runs, func(a, b *RunSummary) int {
		if a.Validated != b.Validated {
			return map[bool]int{true: -1, false: 1}[a.Validated]
		}
		return cmp.Or(cmp.Compare(a.Top1Error, b.Top1Error), cmp.Compare(a.Dir, b.Dir))
	})
	tellApart(runs)
	return runs, nil
}

// readRun reads the summary of the run in dir.
func readRun(dir string) (*RunSummary, error) {
	record, err := train.ReadRecord(dir)
	if err != nil {
		return nil, err
	}
	metrics, err := ReadMetrics(filepath.Join(dir, train.MetricsName))
	if err != nil {
		return nil, err
	}
	r := &RunSummary{Dir: dir, Net: record.Net.Name, Finished: record.Finished, classes: record.Net.Classes, settings: map[string]string{}}
	rows, err := settingRows(record.Settings)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, train.RecordName), err)
	}
	for _, row := range rows {
		r.settings[row.Name] = row.Value
	}
	last, lowest, speed := Summary(metrics)
	if last != nil {
		r.Epoch, r.Step, r.Loss, r.Speed = last.Epoch, last.Step, last.Loss, speed
	}
	if lowest != nil {
		r.Validated, r.Top1Error, r.Top5Error = true, lowest.Top1Error, lowest.Top5Error
	}
	return r, nil
}

// tellApart finds the settings in which the runs differ.
func tellApart(runs []*RunSummary) {
	names := map[string]bool{}
	for _, r := range runs {
		for name := range r.settings {
			names[name] = name != "run"
		}
	}
	for _, r := range runs {
		r.Differs = map[string]string{}
		for name, wanted := range names {
			if wanted && slices.ContainsFunc(runs, func(o *RunSummary) bool { return o.settings[name] != r.settings[name] }) {
				r.Differs[name] = r.settings[name]
			}
		}
	}
}

// RunTable writes runs for people: a line each, or several where a line would be longer
// than columns. 0 columns set no limit.
func RunTable(w io.Writer, runs []*RunSummary, columns int) error {
	var table bytes.Buffer
	if err := runLines(&table, runs); err != nil {
		return err
	}
	for line := range bytes.Lines(table.Bytes()) {
		if columns > 0 && utf8.RuneCount(bytes.TrimRight(line, " \n")) > columns {
			return runParagraphs(w, runs, columns)
		}
	}
	_, err := w.Write(table.Bytes())
	return err
}

// runParagraphs writes the runs' names, and below each its figures in as many lines as
// they need.
func runParagraphs(w io.Writer, runs []*RunSummary, columns int) error {
	const indent = "   "
	for _, r := range runs {
		if _, err := printable.Fprintf(w, "%s\n", r.Dir); err != nil {
			return err
		}
		var parts []string
		if r.Validated {
			parts = append(parts, fmt.Sprintf("top-1 error %.2f %%", 100*r.Top1Error))
		}
		if r.Validated && engine.Top5Tells(r.classes) {
			parts = append(parts, fmt.Sprintf("top-5 error %.2f %%", 100*r.Top5Error))
		}
		parts = append(parts, fmt.Sprintf("train loss %.3f", r.Loss), "net "+r.Net, fmt.Sprintf("epoch %d", r.Epoch), fmt.Sprintf("step %d", r.Step),
			fmt.Sprintf("%.1f images/s", r.Speed), r.state())
		line := indent
		for _, part := range append(parts, r.differs()...) {
			part = printable.Name(part)
			if line != indent && utf8.RuneCountInString(line+"  "+part) > columns {
				if _, err := fmt.Fprintln(w, line); err != nil {
					return err
				}
				line = indent
			}
			if line != indent {
				line += "  "
			}
			line += part
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// state says whether the run is over.
func (r *RunSummary) state() string {
	if r.Finished != "" {
		return "done"
	}
	return "unfinished"
}

// differs lists what tells the run from the others.
func (r *RunSummary) differs() (all []string) {
	for _, name := range slices.Sorted(maps.Keys(r.Differs)) {
		all = append(all, fmt.Sprintf("%s=%s", name, cmp.Or(r.Differs[name], "–")))
	}
	return all
}

// runLines writes the runs, a line each.
func runLines(w io.Writer, runs []*RunSummary) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "run\tnet\tepoch\tstep\ttrain loss\ttop-1 error %\ttop-5 error %\timages/s\tstate\tdiffers in")
	for _, r := range runs {
		top1, top5 := "–", "–"
		if r.Validated {
			top1 = fmt.Sprintf("%.2f", 100*r.Top1Error)
		}
		if r.Validated && engine.Top5Tells(r.classes) {
			top5 = fmt.Sprintf("%.2f", 100*r.Top5Error)
		}
		printable.Fprintf(t, "%s\t%s\t%d\t%d\t%.3f\t%s\t%s\t%.1f\t%s\t%s\n", r.Dir, r.Net, r.Epoch, r.Step, r.Loss, top1, top5, r.Speed, r.state(), strings.Join(r.differs(), " "))
	}
	return t.Flush()
}
