package report

import (
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
			r, err := ReadRun(dir)
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

// ReadRun reads the summary of the run in dir.
func ReadRun(dir string) (*RunSummary, error) {
	record, err := train.ReadRecord(dir)
	if err != nil {
		return nil, err
	}
	metrics, err := ReadMetrics(filepath.Join(dir, train.MetricsName))
	if err != nil {
		return nil, err
	}
	r := &RunSummary{Dir: dir, Net: record.Net.Name, Finished: record.Finished, settings: map[string]string{}}
	rows, err := SettingRows(record.Settings)
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

// RunTable writes runs for people, a line each.
func RunTable(w io.Writer, runs []*RunSummary) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "run\tnet\tepoch\tstep\ttrain loss\ttop-1 error %\ttop-5 error %\timages/s\tstate\tdiffers in")
	for _, r := range runs {
		top1, top5 := "–", "–"
		if r.Validated {
			top1, top5 = fmt.Sprintf("%.2f", 100*r.Top1Error), fmt.Sprintf("%.2f", 100*r.Top5Error)
		}
		state := "may go on"
		if r.Finished != "" {
			state = "done"
		}
		var differs []string
		for _, name := range slices.Sorted(maps.Keys(r.Differs)) {
			differs = append(differs, fmt.Sprintf("%s=%s", name, cmp.Or(r.Differs[name], "–")))
		}
		printable.Fprintf(t, "%s\t%s\t%d\t%d\t%.3f\t%s\t%s\t%.1f\t%s\t%s\n", r.Dir, r.Net, r.Epoch, r.Step, r.Loss, top1, top5, r.Speed, state, strings.Join(differs, " "))
	}
	return t.Flush()
}
