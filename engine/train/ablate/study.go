package ablate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"alexnet/engine"
	"alexnet/engine/train"
	"alexnet/engine/train/report"
	"alexnet/internal/setting"
)

// Names in the folder of a study.
const (
	TableName   = "ablation.md"
	FiguresName = "ablation.json"
	PictureName = "ablation.png"

	mostSeeds = 1000 // above the number of any study

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
	Runs
}

// Run trains the runs that are not finished, and writes the comparison after every
// part. So the same call continues where it was stopped. Several processes may share
// Out if each has its own seeds. An error that other settings avoid is a
// *train.SettingError.
func (s Study) Run(ctx context.Context) (*report.Ablation, error) {
	parts, err := s.check()
	if err != nil {
		return nil, err
	}
	parts = append([]Part{{}}, parts...)
	var runs []train.Config // of each part with each seed
	for _, part := range parts {
		for k := range s.Seeds {
			c := s.Config
			c.Seed += uint64(k)
			c.Without = strings.Join(append(train.SplitList(c.Without), train.SplitList(part.Name)...), ",")
			c.Run = filepath.Join(s.Out, fmt.Sprintf("%s-seed%d", cmp.Or(part.Name, wholeName), c.Seed))
			runs = append(runs, c)
		}
	}
	if err := s.Runs.check(ctx, s.Out, []string{TableName, FiguresName, PictureName}, runs); err != nil {
		return nil, err
	}
	result := &report.Ablation{Seeds: s.Seeds}
	for n, part := range parts {
		row := report.AblationRow{Part: part.Name, Paper: part.Paper, ByTraining: part.Training}
		for k := range s.Seeds {
			at := n*s.Seeds + k
			metrics, err := s.train(ctx, runs[at], at+1, len(runs))
			if err == nil {
				err = add(&row, metrics)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", runs[at].Run, err)
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
	case s.Seeds < 1 || s.Seeds > mostSeeds:
		return nil, setting.Invalidf("%s: want 1 to %d", setting.Value("seeds", s.Seeds), mostSeeds)
	case len(s.Parts) == 0:
		return nil, setting.Invalidf("%s is empty: want some of %s", setting.Name("parts"), strings.Join(Names(), ", "))
	}
	for i, name := range s.Parts {
		p, err := find(name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(s.Parts[:i], name) {
			return nil, setting.Invalidf("%s: %s is there twice", setting.Name("parts"), name)
		}
		if name == train.WithoutPCA && (s.Config.PCA == "" || s.Config.Noise == train.NoiseOff) {
			return nil, setting.Invalidf("%s: without %s FILE there is no colour noise to leave out", setting.Value("parts", name), setting.Name("pca"))
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// add adds the errors of a run to its row.
func add(row *report.AblationRow, metrics []engine.Metrics) error {
	_, lowest, _ := report.Summary(metrics)
	passes := report.TrainingErrors(metrics)
	if lowest == nil || len(passes) == 0 {
		return errors.New("was never validated: give it at least one whole epoch")
	}
	row.Top1 = append(row.Top1, lowest.Top1Error)
	row.Top5 = append(row.Top5, lowest.Top5Error)
	row.Training = append(row.Training, passes[len(passes)-1])
	return nil
}

// write writes the table, its figures and its picture.
func write(out string, a *report.Ablation) error {
	return writeAll(out, map[string]func(io.Writer) error{TableName: a.Table, FiguresName: indented(a), PictureName: a.Picture})
}
