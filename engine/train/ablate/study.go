package ablate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/internal/file"
	"alexnet/internal/setting"
)

// Names in the folder of a study.
const (
	TableName   = "ablation.md"
	FiguresName = "ablation.json"
	PictureName = "ablation.png"

	wholeName = "whole" // begins the name of a run with every part
)

// Study compares runs with and without parts. Runs with the same seed form a pair:
// they see the same pictures in the same order, with the same crops and colours, and
// weights that both have, by name and size, begin alike.
type Study struct {
	Config train.Config // of the run with every part, and the first seed; its Run is not used
	Out    string       // folder that receives a run folder for every part and seed, and the comparison
	Parts  []string     // names of Parts, to do without one at a time
	Seeds  int
	// Train trains a run, or resumes it; nil means train.Run.
	Train func(context.Context, train.Config) error
	// Next is called before each run is trained or skipped. Runs count from 1. It may
	// be nil.
	Next func(number, of int, run string)
}

// Run trains the runs that are not finished, and writes the comparison after every
// part. So the same call continues where it was stopped. Several processes may share
// Out if each has its own seeds or parts. An error that other settings avoid is a
// *train.SettingError.
func (s Study) Run(ctx context.Context) (*report.Ablation, error) {
	parts, err := s.check()
	if err != nil {
		return nil, err
	}
	result := &report.Ablation{Seeds: s.Seeds}
	for n, part := range append([]Part{{}}, parts...) {
		row := report.AblationRow{Part: part.Name, Paper: part.Paper, ByTraining: part.Training}
		for k := range s.Seeds {
			c := s.Config
			c.Seed += uint64(k)
			c.Without = strings.Join(append(train.List(c.Without), train.List(part.Name)...), ",")
			c.Run = filepath.Join(s.Out, fmt.Sprintf("%s-seed%d", cmp.Or(part.Name, wholeName), c.Seed))
			if s.Next != nil {
				s.Next(n*s.Seeds+k+1, (len(parts)+1)*s.Seeds, c.Run)
			}
			if err := s.one(ctx, c, &row); err != nil {
				return nil, fmt.Errorf("%s: %w", c.Run, err)
			}
		}
		result.Rows = append(result.Rows, row)
		result.Compare()
		if err := train.LockedTogether(ctx, s.Out, func() error { return write(s.Out, result) }); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// check reports a study with bad values.
func (s Study) check() (parts []Part, err error) {
	switch {
	case s.Out == "" || s.Config.Val == "":
		return nil, setting.Invalidf("%s and %s are required: give the folders", setting.Name("out"), setting.Name("val"))
	case s.Seeds < 1:
		return nil, setting.Invalidf("%s: want at least 1", setting.Value("seeds", s.Seeds))
	case len(s.Parts) == 0:
		return nil, setting.Invalidf("%s is empty: want some of %s", setting.Name("parts"), strings.Join(Names(), ", "))
	}
	for _, name := range s.Parts {
		p, err := find(name)
		if err != nil {
			return nil, err
		}
		if name == train.WithoutPCA && (s.Config.PCA == "" || s.Config.Noise == train.NoiseOff) {
			return nil, setting.Invalidf("%s: without %s FILE there is no colour noise to leave out", setting.Value("parts", name), setting.Name("pca"))
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// one trains a run, unless it is finished, and adds its errors to its row.
func (s Study) one(ctx context.Context, c train.Config, row *report.AblationRow) error {
	r, err := train.ReadRecord(c.Run)
	c.AutoResume = true
	if err != nil || r.Finished == "" { // what is wrong with run.json, training says
		do := s.Train
		if do == nil {
			do = func(ctx context.Context, c train.Config) error { _, err := train.Run(ctx, c, nil); return err }
		}
		if err := do(ctx, c); err != nil {
			return err
		}
	}
	metrics, err := report.ReadMetrics(filepath.Join(c.Run, train.MetricsName))
	if err != nil {
		return err
	}
	_, lowest, _ := report.Summary(metrics)
	epochs := report.TrainingErrors(metrics)
	if lowest == nil || len(epochs) == 0 {
		return fmt.Errorf("was never validated: give it at least one whole epoch")
	}
	row.Top1 = append(row.Top1, lowest.Top1Error)
	row.Top5 = append(row.Top5, lowest.Top5Error)
	row.Training = append(row.Training, epochs[len(epochs)-1])
	return nil
}

// write writes the table, its figures and its picture.
func write(out string, a *report.Ablation) error {
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{TableName, a.Table},
		{FiguresName, func(w io.Writer) error { _, err := w.Write(append(text, '\n')); return err }},
		{PictureName, a.Picture},
	} {
		if err := file.Write(filepath.Join(out, f.name), f.write); err != nil {
			return err
		}
	}
	return nil
}
