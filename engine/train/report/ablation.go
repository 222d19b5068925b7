package report

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/gonum/stat"
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
	Part  string    `json:"part"` // "" is the whole net
	Top1  []float64 `json:"top1_errors"`
	Top5  []float64 `json:"top5_errors"`
	Paper string    `json:"paper"` // what the paper reports, in points

	// Compare fills in the rest, in fractions: the mean change against the
	// whole net, and the half width of its 95 % confidence interval, 0 with a
	// single seed.
	Change1 float64 `json:"top1_change"`
	Change5 float64 `json:"top5_change"`
	Spread  float64 `json:"top1_spread"`
	Verdict string  `json:"verdict"`
}

// Compare sets every row against the first. The spread is that of Welch's
// two-sample test at 95 %.
func (a *Ablation) Compare() {
	whole := a.Rows[0]
	for i := range a.Rows[1:] {
		r := &a.Rows[i+1]
		r.Change1 = stat.Mean(r.Top1, nil) - stat.Mean(whole.Top1, nil)
		r.Change5 = stat.Mean(r.Top5, nil) - stat.Mean(whole.Top5, nil)
		if len(r.Top1) < 2 || len(whole.Top1) < 2 {
			r.Verdict = "one seed: no spread known"
			continue
		}
		r.Spread = welch(whole.Top1, r.Top1)
		switch {
		case math.Abs(r.Change1) <= r.Spread:
			r.Verdict = "within the spread of the seeds"
		case r.Change1 > 0:
			r.Verdict = "worse without"
		default:
			r.Verdict = "better without"
		}
	}
}

// Table writes the comparison as a Markdown table.
func (a *Ablation) Table(w io.Writer) error {
	const head = "| net | top-1 error % | top-5 error % | change, points | 95 % spread of the change | in the paper | verdict |\n|---|---|---|---|---|---|---|\n"
	if _, err := fmt.Fprintf(w, "Lowest validation error, mean ± standard deviation over %d seeds.\n\n%s", a.Seeds, head); err != nil {
		return err
	}
	for i, r := range a.Rows {
		name, change, spread := "without "+r.Part, fmt.Sprintf("%+.2f / %+.2f", 100*r.Change1, 100*r.Change5), "–"
		if i == 0 {
			name, change = "whole", "–"
		}
		if r.Spread > 0 {
			spread = fmt.Sprintf("±%.2f", 100*r.Spread)
		}
		if _, err := fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s |\n", name, meanAndDeviation(r.Top1), meanAndDeviation(r.Top5), change, spread, r.Paper, r.Verdict); err != nil {
			return err
		}
	}
	return nil
}

// meanAndDeviation is the mean of fractions in per cent, with their standard
// deviation where there are several.
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
		points.GlyphStyle = draw.GlyphStyle{Color: color.RGBA{R: 0x44, G: 0x66, B: 0x99, A: 0xff}, Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}
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
