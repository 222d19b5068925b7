package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Ablation compares runs with and without parts of a net. Errors are fractions.
type Ablation struct {
	Seeds int           `json:"seeds"`
	Rows  []AblationRow `json:"rows"` // the whole net first
}

// AblationRow is a net without one part, trained with every seed.
type AblationRow struct {
	Part       string    `json:"part"`            // "" is the whole net
	Top1       []float64 `json:"top1_errors"`     // lowest validation errors, by seed
	Top5       []float64 `json:"top5_errors"`     // at the same time
	Training   []float64 `json:"training_errors"` // of the last pass
	Paper      string    `json:"paper"`           // what the paper reports, in points
	ByTraining bool      `json:"by_training"`     // the verdict is on the training error

	// Compare fills in the rest.
	Change1        Change `json:"top1_change"`
	Change5        Change `json:"top5_change"`
	ChangeTraining Change `json:"training_change"`
	Verdict        string `json:"verdict"`
}

// Change is how much higher the errors of a net without a part are than those of the
// whole net, over pairs of runs with the same seed. All are fractions.
type Change struct {
	Mean      float64 `json:"mean"`
	Deviation float64 `json:"deviation"` // standard deviation over the pairs; 0 of one pair
	Spread    float64 `json:"spread"`    // half width of the mean's 95 % confidence interval; 0 of one pair
}

// paired returns the change from whole to without, by seed. The interval is that of
// the paired t-test.
func paired(whole, without []float64) Change {
	differences := make([]float64, min(len(whole), len(without)))
	for i := range differences {
		differences[i] = without[i] - whole[i]
	}
	n := float64(len(differences))
	if n < 2 {
		return Change{Mean: stat.Mean(differences, nil)}
	}
	mean, deviation := stat.MeanStdDev(differences, nil)
	t := distuv.StudentsT{Sigma: 1, Nu: n - 1}.Quantile(0.975)
	return Change{mean, deviation, t * deviation / math.Sqrt(n)}
}

// points returns the mean change in points of error, with the spread if there is one.
func (c Change) points(pairs int) string {
	mean := math.Round(1e4*c.Mean)/100 + 0 // never −0
	if pairs < 2 {
		return fmt.Sprintf("%+.2f", mean)
	}
	return fmt.Sprintf("%+.2f ± %.2f", mean, 100*c.Spread)
}

// Compare compares every row with the first, in pairs of the same seed.
func (a *Ablation) Compare() {
	whole := a.Rows[0]
	for i := range a.Rows[1:] {
		r := &a.Rows[i+1]
		r.Change1, r.Change5, r.ChangeTraining = paired(whole.Top1, r.Top1), paired(whole.Top5, r.Top5), paired(whole.Training, r.Training)
		c := r.Change1
		if r.ByTraining {
			c = r.ChangeTraining
		}
		switch {
		case len(r.Top1) < 2:
			r.Verdict = "one seed: no spread known"
		case math.Abs(c.Mean) <= c.Spread:
			r.Verdict = "within the spread of the seeds"
		case c.Mean > 0:
			r.Verdict = "worse without"
		default:
			r.Verdict = "better without"
		}
	}
}

// Table writes the comparison as a Markdown table.
func (a *Ablation) Table(w io.Writer) error {
	const head = `Lowest validation errors and the training error of the last pass (with crops and dropout where the net has them), mean ±
standard deviation over seeds. Changes are means over pairs of runs with the same seed, in points, ± half the width of their
95 %% interval (paired t). The verdict is on top-1, or on the training error where the paper speaks of that (†).

Seeds: %d.

| net | top-1 error %% | top-5 error %% | training error %% | change of top-1 | of top-5 | of training | in the paper | verdict |
|---|---|---|---|---|---|---|---|---|
`
	if _, err := fmt.Fprintf(w, head, a.Seeds); err != nil {
		return err
	}
	top5 := slices.ContainsFunc(a.Rows, func(r AblationRow) bool { // of more than five classes
		return slices.ContainsFunc(r.Top5, func(e float64) bool { return e > 0 })
	})
	for i, r := range a.Rows {
		cells := []string{"without " + r.Part, meanAndDeviation(r.Top1), meanAndDeviation(r.Top5), meanAndDeviation(r.Training)}
		if !top5 {
			cells[2] = "–"
		}
		if i == 0 {
			cells[0] = "whole"
			cells = append(cells, "–", "–", "–")
		} else {
			for _, c := range []Change{r.Change1, r.Change5, r.ChangeTraining} {
				cells = append(cells, c.points(len(r.Top1)))
			}
			if !top5 {
				cells[5] = "–"
			}
		}
		verdict := r.Verdict
		if r.ByTraining {
			verdict += " †"
		}
		if _, err := fmt.Fprintf(w, "| %s |\n", strings.Join(append(cells, r.Paper, verdict), " | ")); err != nil {
			return err
		}
	}
	return nil
}

// meanAndDeviation returns the mean of fractions in per cent, with their standard
// deviation if there are several.
func meanAndDeviation(fractions []float64) string {
	mean, deviation := stat.MeanStdDev(fractions, nil)
	if len(fractions) < 2 {
		return fmt.Sprintf("%.2f", 100*mean)
	}
	return fmt.Sprintf("%.2f ± %.2f", 100*mean, 100*deviation)
}

// Picture writes a PNG with a dot for every run's top-1 error and a bar for
// their mean.
func (a *Ablation) Picture(w io.Writer) error {
	p := newPlot()
	p.X.Label.Text = "lowest top-1 validation error, %"
	var ticks []plot.Tick
	for i, r := range a.Rows {
		y := float64(len(a.Rows) - 1 - i)
		name := "without " + r.Part
		if r.Part == "" {
			name = "whole"
		}
		ticks = append(ticks, plot.Tick{Value: y, Label: name})
		var dots plotter.XYs
		for _, e := range r.Top1 {
			dots = append(dots, plotter.XY{X: 100 * e, Y: y})
		}
		mean := 100 * stat.Mean(r.Top1, nil)
		bar, err := plotter.NewLine(plotter.XYs{{X: mean, Y: y - 0.28}, {X: mean, Y: y + 0.28}})
		if err != nil {
			return err
		}
		bar.Color, bar.Width = valColour, vg.Points(2.5)
		points, err := plotter.NewScatter(dots)
		if err != nil {
			return err
		}
		points.GlyphStyle = draw.GlyphStyle{Color: dotColour, Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}
		p.Add(bar, points)
	}
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	p.Y.Min, p.Y.Max = -0.6, float64(len(a.Rows))-0.4
	margin := 0.05 * (p.X.Max - p.X.Min)
	p.X.Min, p.X.Max = p.X.Min-margin, p.X.Max+margin
	img := vgimg.New(7*vg.Inch, vg.Length(len(a.Rows))*0.45*vg.Inch+1.1*vg.Inch)
	p.Draw(draw.Crop(draw.New(img), vg.Points(8), -vg.Points(10), vg.Points(8), -vg.Points(8)))
	_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(w)
	return err
}
