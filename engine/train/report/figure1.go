package report

import (
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Figure1 compares how fast two nets learn, as figure 1 of the paper does.
type Figure1 struct {
	Target float64         `json:"target"` // training error, a fraction
	Sweep  []TrainingCurve `json:"sweep"`  // every run

	// Choose fills in the rest.
	Best  []TrainingCurve `json:"best"`  // the fastest run of each name
	Ratio float64         `json:"ratio"` // passes to Target of the second over those of the first; 0 unless both reach it
}

// TrainingCurve is the training error of a run over its passes.
type TrainingCurve struct {
	Name   string    `json:"name"` // the nonlinearity
	Rate   float64   `json:"lr"`
	Errors []float64 `json:"errors"` // mean top-1 error of each pass over the training set, a fraction

	Passes float64 `json:"passes"` // to the target; 0 where it isn't reached
}

// reach sets Passes. The mean of a pass stands for its middle; between middles the
// error is taken to fall evenly.
func (c *TrainingCurve) reach(target float64) {
	for i, e := range c.Errors {
		if e > target {
			continue
		}
		c.Passes = float64(i) + 0.5
		if i > 0 {
			before := c.Errors[i-1]
			c.Passes -= (target - e) / (before - e)
		}
		return
	}
}

// faster reports whether c learns faster than d: it reaches the target sooner, or
// neither reaches it and its last error is lower.
func (c TrainingCurve) faster(d TrainingCurve) bool {
	if c.Passes > 0 && d.Passes > 0 {
		return c.Passes < d.Passes
	}
	return c.Passes > 0 || d.Passes == 0 && c.last() < d.last()
}

func (c TrainingCurve) last() float64 { return c.Errors[len(c.Errors)-1] }

// Choose finds the fastest run of each name, and the ratio of the second to the first.
func (f *Figure1) Choose(first, second string) error {
	f.Best, f.Ratio = nil, 0
	for i := range f.Sweep {
		f.Sweep[i].reach(f.Target)
	}
	for _, name := range []string{first, second} {
		var best *TrainingCurve
		for i, c := range f.Sweep {
			if c.Name == name && len(c.Errors) > 0 && (best == nil || c.faster(*best)) {
				best = &f.Sweep[i]
			}
		}
		if best == nil {
			return fmt.Errorf("no run with %s has come to an end: choose lower learning rates", name)
		}
		f.Best = append(f.Best, *best)
	}
	if f.Best[0].Passes > 0 {
		f.Ratio = f.Best[1].Passes / f.Best[0].Passes
	}
	return nil
}

// Text prints how fast each net learns.
func (f *Figure1) Text(w io.Writer) error {
	for _, c := range f.Best {
		when := fmt.Sprintf("%.0f %% after %.1f passes", 100*f.Target, c.Passes)
		if c.Passes == 0 {
			when = fmt.Sprintf("not at %.0f %% after %d passes, but at %.1f %%", 100*f.Target, len(c.Errors), 100*c.last())
		}
		if _, err := fmt.Fprintf(w, "%s at rate %g: training error %s\n", c.Name, c.Rate, when); err != nil {
			return err
		}
	}
	if f.Ratio > 0 {
		_, err := fmt.Fprintf(w, "%s takes %.1f times as many passes as %s (the paper: six times, CIFAR-10)\n", f.Best[1].Name, f.Ratio, f.Best[0].Name)
		return err
	}
	return nil
}

// Picture writes a PNG of the best runs' training errors, the first solid and the second
// dashed as in the paper, with the others of the sweep behind them.
func (f *Figure1) Picture(w io.Writer) error {
	p := newPlot()
	p.X.Label.Text, p.Y.Label.Text = "epochs", "training error, %"
	line := func(c TrainingCurve, colour color.Color, width vg.Length, dashed bool) (*plotter.Line, error) {
		points := make(plotter.XYs, len(c.Errors))
		for i, e := range c.Errors {
			points[i] = plotter.XY{X: float64(i) + 0.5, Y: 100 * e}
		}
		l, err := plotter.NewLine(points)
		if err == nil {
			l.Color, l.Width = colour, width
			if dashed {
				l.Dashes = []vg.Length{vg.Points(5), vg.Points(3)}
			}
			p.Add(l)
		}
		return l, err
	}
	for _, c := range f.Sweep {
		if len(c.Errors) == 0 {
			continue
		}
		if _, err := line(c, color.Gray{Y: 0xd0}, vg.Points(1), c.Name != f.Best[0].Name); err != nil {
			return err
		}
	}
	for i, c := range f.Best {
		l, err := line(c, []color.Color{dotColour, valColour}[i], vg.Points(2), i > 0)
		if err != nil {
			return err
		}
		p.Legend.Add(fmt.Sprintf("%s, rate %g", c.Name, c.Rate), l)
	}
	p.X.Min, p.Y.Min = 0, 0
	p.Y.Max = min(100, 1.05*p.Y.Max)
	target, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 100 * f.Target}, {X: p.X.Max, Y: 100 * f.Target}})
	if err != nil {
		return err
	}
	target.Color, target.Width, target.Dashes = color.Gray{Y: 0x60}, vg.Points(1), []vg.Length{vg.Points(1), vg.Points(2)}
	p.Add(target)
	p.Legend.Top, p.Legend.Padding = true, vg.Points(2)
	img := vgimg.New(6*vg.Inch, 4*vg.Inch)
	p.Draw(draw.Crop(draw.New(img), vg.Points(8), -vg.Points(16), vg.Points(8), -vg.Points(8)))
	_, err = vgimg.PngCanvas{Canvas: img}.WriteTo(w)
	return err
}
