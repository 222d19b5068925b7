package report

import (
	"bytes"
	"cmp"
	"context"
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
func CompareRuns(ctx context.Context, paths []string) ([]*RunSummary, error) {
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
			if err := ctx.Err(); err != nil {
				return nil, err
			}
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
	own := ""
	if at := slices.IndexFunc(rows, func(f Figure) bool { return f.Name == "run" }); at >= 0 {
		own = rows[at].Value
	}
	for _, row := range rows {
		r.settings[row.Name] = row.Value
		if inside, ok := strings.CutPrefix(row.Value, own+string(filepath.Separator)); ok && own != "" {
			r.settings[row.Name] = "in the run: " + inside // as in other runs
		}
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
	differ := map[string]bool{}
	for _, r := range runs {
		for _, settings := range []map[string]string{r.settings, runs[0].settings} { // either may have more
			for name := range settings {
				if name != "run" && r.settings[name] != runs[0].settings[name] {
					differ[name] = true
				}
			}
		}
	}
	for _, r := range runs {
		r.Differs = map[string]string{}
		for name := range differ {
			r.Differs[name] = r.settings[name]
		}
	}
}

// RunTable writes runs for people: a line each where no line is longer than columns.
// Else the settings in which a run differs stand below its line, or, if that is still too
// long, all of its figures stand below its name. 0 columns set no limit.
func RunTable(w io.Writer, runs []*RunSummary, columns int) error {
	whole, err := runLines(runs, true)
	if err != nil {
		return err
	}
	short, err := runLines(runs, false)
	if err != nil {
		return err
	}
	fit := func(lines []string) bool {
		return !slices.ContainsFunc(lines, func(l string) bool { return columns > 0 && utf8.RuneCountInString(l) > columns })
	}
	var lines []string
	switch {
	case fit(whole):
		lines = whole
	case fit(short):
		lines = slices.Clone(short[:1])
		for i, r := range runs {
			lines = append(append(lines, short[i+1]), flow(r.differs(), columns)...)
		}
	default:
		for _, r := range runs {
			lines = append(append(lines, printable.Name(r.Dir)), flow(slices.Concat(r.figures(), r.differs()), columns)...)
		}
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, l); err != nil {
			return err
		}
	}
	return nil
}

// flow writes parts in indented lines of at most columns columns.
func flow(parts []string, columns int) (lines []string) {
	const indent = "   "
	line := indent
	for _, part := range parts {
		part = printable.Name(part)
		if line != indent && utf8.RuneCountInString(line+"  "+part) > columns {
			lines, line = append(lines, line), indent
		}
		if line != indent {
			line += "  "
		}
		line += part
	}
	if line != indent {
		lines = append(lines, line)
	}
	return lines
}

// figures are the run's figures, each with its name.
func (r *RunSummary) figures() (parts []string) {
	if r.Validated {
		parts = append(parts, fmt.Sprintf("top-1 error %.2f %%", 100*r.Top1Error))
	}
	if r.Validated && engine.Top5Tells(r.classes) {
		parts = append(parts, fmt.Sprintf("top-5 error %.2f %%", 100*r.Top5Error))
	}
	return append(parts, "train loss "+printable.Fixed(r.Loss, 3), "net "+r.Net, fmt.Sprintf("epoch %d", r.Epoch), fmt.Sprintf("step %d", r.Step),
		fmt.Sprintf("%.1f images/s", r.Speed), r.state())
}

// state describes whether the run is over.
func (r *RunSummary) state() string {
	if r.Finished != "" {
		return "done"
	}
	return "unfinished"
}

// differs lists the settings in which the run differs from the others.
func (r *RunSummary) differs() (all []string) {
	for _, name := range slices.Sorted(maps.Keys(r.Differs)) {
		all = append(all, fmt.Sprintf("%s=%s", name, cmp.Or(r.Differs[name], "–")))
	}
	return all
}

// runLines are a table of the runs, the head first. With differs its last column has the
// settings in which they differ.
func runLines(runs []*RunSummary, differs bool) ([]string, error) {
	var table bytes.Buffer
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	head := "run\tnet\tepoch\tstep\ttrain loss\ttop-1 error %\ttop-5 error %\timages/s\tstate"
	if differs {
		head += "\tdiffers in"
	}
	fmt.Fprintln(t, head)
	for _, r := range runs {
		top1, top5, settings := "–", "–", ""
		if r.Validated {
			top1 = fmt.Sprintf("%.2f", 100*r.Top1Error)
		}
		if r.Validated && engine.Top5Tells(r.classes) {
			top5 = fmt.Sprintf("%.2f", 100*r.Top5Error)
		}
		if differs {
			settings = "\t" + printable.Name(strings.Join(r.differs(), " "))
		}
		printable.Fprintf(t, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%.1f\t%s%s\n", r.Dir, r.Net, r.Epoch, r.Step, printable.Fixed(r.Loss, 3), top1, top5, r.Speed, r.state(), printable.Verbatim(settings))
	}
	if err := t.Flush(); err != nil {
		return nil, err
	}
	var lines []string
	for line := range strings.Lines(table.String()) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return lines, nil
}
