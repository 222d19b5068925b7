package report

import (
	"context"
	"io"
	"slices"
	"strings"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"alexnet/augment"
	"alexnet/engine"
)

// recipeNames lists the settings, besides augmentations, that decide what a net
// learns from given pictures.
var recipeNames = []string{
	"recipe", "without", "epochs", "steps", "batch", "lr", "schedule", "drop-at", "patience", "warmup",
	"momentum", "decay", "label-smoothing", "init", "input-scale", "mean", "noise", "freeze", "layer-rates", "changes",
}

// recipe is the section's data.
type recipe struct {
	Settings string
	Rate     *chart // nil where no step was logged
}

// recipeSection shows the recipe, and the learning rate over the steps.
var recipeSection = Section{
	Make: func(_ context.Context, s *Subject) (any, error) {
		r, logged := recipe{Settings: recipeOf(s.Settings)}, false
		c, err := drawn(func(w io.Writer, f form) (err error) {
			logged, err = rate(w, s.Metrics, f)
			return err
		})
		if err != nil || !logged && r.Settings == "" {
			return nil, err
		}
		if logged {
			r.Rate = c
		}
		return r, nil
	},
	HTML: `
<h2>Recipe and learning rate</h2>
{{with .Settings}}<p>{{.}}</p>
{{end}}{{with .Rate}}{{chart "learning rate over the steps" .}}
{{end}}`,
}

// recipeOf lists the settings of the recipe that are set.
func recipeOf(settings []Figure) string {
	names := slices.Clone(recipeNames)
	for _, a := range augment.Kinds {
		names = append(names, a.Name)
	}
	var words []string
	for _, name := range names {
		for _, s := range settings {
			if s.Name == name && s.Value != "" && s.Value != "0" && s.Value != "[]" {
				words = append(words, s.Name+" "+s.Value)
			}
		}
	}
	return strings.Join(words, ", ")
}

// rate writes a PNG of the learning rate over the steps; logged is false if no step
// was logged.
func rate(w io.Writer, metrics []engine.Metrics, f form) (logged bool, err error) {
	var points plotter.XYs
	for _, m := range metrics {
		if m.Split == "train" {
			points = append(points, plotter.XY{X: float64(m.Step), Y: m.Rate})
		}
	}
	if points == nil {
		return false, nil
	}
	p := newPlot()
	p.X.Label.Text, p.Y.Label.Text = "step", "learning rate"
	line, err := plotter.NewLine(points)
	if err != nil {
		return false, err
	}
	line.Color, line.Width = trainColour, vg.Points(2)
	p.Add(line)
	p.X.Min, p.Y.Min, p.Y.Max = 0, 0, 1.1*p.Y.Max
	p.X.Tick.Marker = f.ticks()
	img := f.canvas(2.4 * vg.Inch)
	p.Draw(draw.Crop(draw.New(img), vg.Points(8), -vg.Points(24), vg.Points(8), -vg.Points(8)))
	_, err = vgimg.PngCanvas{Canvas: img}.WriteTo(w)
	return true, err
}
