package ablate

import (
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

// Names in the folder of a Figure1.
const (
	Figure1Picture = "figure-1.png"
	Figure1Figures = "figure-1.json"
)

// figure1Target is the training error at which the paper compares the nets.
const figure1Target = 0.25

// Figure1 makes the paper's figure 1: the training error of one net with ReLU and with
// tanh, each at the best learning rate of a sweep, and how many times sooner ReLU reaches
// 25 %. The paper trains without any regularisation and doesn't say which net of four
// layers it is; the recipe "figure-1" is for cifar-13pct.
type Figure1 struct {
	Config train.Config // of the net with ReLU; its Run and LR are not used
	Out    string       // folder that receives a run folder for every rate and nonlinearity, and the figure
	Rates  []float64    // learning rates to try with each
	Runs
}

// Run trains the runs that are not finished, and draws the figure. An error that
// other settings avoid is a *train.SettingError.
func (f Figure1) Run(ctx context.Context) (*report.Figure1, error) {
	switch {
	case f.Out == "":
		return nil, setting.Invalidf("%s is required: give the folder", setting.Name("out"))
	case len(f.Rates) == 0:
		return nil, setting.Invalidf("%s is empty: want learning rates such as 0.003,0.01", setting.Name("rates"))
	case f.Config.Epochs < 2:
		return nil, setting.Invalidf("%s: a curve over the epochs needs two or more", setting.Value("epochs", f.Config.Epochs))
	}
	for i, rate := range f.Rates {
		if err := (engine.Ramp{Initial: rate}).Validate(); err != nil {
			return nil, setting.Invalidf("%s: %w", setting.Name("rates"), err)
		}
		if slices.Contains(f.Rates[:i], rate) {
			return nil, setting.Invalidf("%s: %g is there twice", setting.Name("rates"), rate)
		}
	}
	names := []string{"relu", "tanh"}
	var runs []train.Config // of each name at each rate
	for _, name := range names {
		for _, rate := range f.Rates {
			c := f.Config
			c.LR = rate
			if name == "tanh" {
				c.Without = strings.Join(append(train.SplitList(c.Without), "relu"), ",")
			}
			c.Run = filepath.Join(f.Out, fmt.Sprintf("%s-lr%g", name, rate))
			runs = append(runs, c)
		}
	}
	if err := f.check(ctx, f.Out, []string{Figure1Picture, Figure1Figures}, runs); err != nil {
		return nil, err
	}
	result := &report.Figure1{Target: figure1Target}
	for i, c := range runs {
		metrics, err := f.train(ctx, c, i+1, len(runs))
		if errors.Is(err, engine.ErrDiverged) {
			continue // this rate is too high
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Run, err)
		}
		result.Sweep = append(result.Sweep, report.TrainingCurve{Name: names[i/len(f.Rates)], Rate: c.LR, Errors: report.TrainingErrors(metrics)})
	}
	if err := result.Choose(names[0], names[1]); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Out, err)
	}
	if !slices.ContainsFunc(result.Best, func(c report.TrainingCurve) bool { return len(c.Errors) > 1 }) {
		return nil, setting.Errorf("%s: no run is longer than one epoch, so there is no curve to draw: give more %s", f.Out, setting.Name("steps"))
	}
	return result, writeAll(f.Out, map[string]func(io.Writer) error{Figure1Picture: result.Picture, Figure1Figures: indented(result)})
}
