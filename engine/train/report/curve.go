package report

import (
	"context"
	"image/color"
	"io"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"alexnet/engine"
)

// curveSection shows loss and error over the steps.
var curveSection = Section{
	Make: func(_ context.Context, s *Subject) (any, error) {
		return drawn(func(w io.Writer, f form) error { return curve(w, s.Metrics, f) })
	},
	HTML: `
<h2>Loss and error</h2>
<p>Training figures are means over the last few steps, with dropout and random crops; validation sees the centre of each picture after every epoch.</p>
{{chart "loss and error over the steps" .}}
`,
}

var (
	trainColour = color.RGBA{R: 0x9d, G: 0xb4, B: 0xd6, A: 0xff}
	valColour   = color.RGBA{R: 0xc0, G: 0x39, B: 0x2b, A: 0xff}
	dotColour   = color.RGBA{R: 0x44, G: 0x66, B: 0x99, A: 0xff}
	top5Colour  = color.RGBA{R: 0xe0, G: 0xa0, B: 0x70, A: 0xff}
)

// Curve writes a PNG of loss (above) and error (below) over the steps. The top-5 error
// is left out if it is always 0: with five classes or fewer.
func Curve(w io.Writer, metrics []engine.Metrics) error { return curve(w, metrics, wide) }

func curve(w io.Writer, metrics []engine.Metrics, f form) error {
	loss, failure, key := newPlot(), newPlot(), legend{}
	loss.Y.Label.Text = "cross-entropy"
	failure.Y.Label.Text = "error, %"
	failure.X.Label.Text = "step"
	failure.Y.Min, failure.Y.Max = 0, 100
	loss.Y.Min = 0
	for _, c := range []struct {
		plot   *plot.Plot
		split  string
		name   string
		value  func(engine.Metrics) float64
		colour color.Color
	}{
		{loss, "train", "training", func(m engine.Metrics) float64 { return m.Loss }, trainColour},
		{loss, "val", "validation", func(m engine.Metrics) float64 { return m.Loss }, valColour},
		{failure, "train", "training", func(m engine.Metrics) float64 { return 100 * m.Top1Error }, trainColour},
		{failure, "val", "validation", func(m engine.Metrics) float64 { return 100 * m.Top1Error }, valColour},
		{failure, "val", "validation, top-5", func(m engine.Metrics) float64 { return 100 * m.Top5Error }, top5Colour},
	} {
		var points plotter.XYs
		for _, m := range metrics {
			if m.Split == c.split {
				points = append(points, plotter.XY{X: float64(m.Step), Y: c.value(m)})
			}
		}
		if len(points) == 0 || c.colour == top5Colour && !slices.ContainsFunc(points, func(p plotter.XY) bool { return p.Y > 0 }) {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return err
		}
		line.Color, line.Width = c.colour, vg.Points(1.5)
		dots.Color, dots.Shape, dots.Radius = c.colour, draw.CircleGlyph{}, vg.Points(2)
		c.plot.Add(line)
		key.add(c.name, c.colour)
		if c.split == "val" {
			c.plot.Add(dots)
		}
	}
	loss.Y.Max *= 1.1
	for _, p := range []*plot.Plot{loss, failure} {
		p.X.Min, p.X.Max = 0, 1.01*p.X.Max // so that the last dot is whole
		p.X.Tick.Marker = f.ticks()
	}
	img := f.canvas(7 * vg.Inch)
	canvas := draw.New(img)
	tiles := draw.Tiles{Rows: 2, Cols: 1, PadX: vg.Points(8), PadY: vg.Points(10), PadTop: vg.Points(32), PadBottom: vg.Points(8), PadLeft: vg.Points(8), PadRight: vg.Points(24)}
	for row, c := range plot.Align([][]*plot.Plot{{loss}, {failure}}, tiles, canvas) {
		[]*plot.Plot{loss, failure}[row].Draw(c[0])
	}
	key.draw(canvas, f.legend, loss.Legend.TextStyle)
	_, err := vgimg.PngCanvas{Canvas: img}.WriteTo(w)
	return err
}

// legend is the names of curves in a row. It is drawn above plots, where it hides no line,
// and at their left, where a narrow window shows it.
type legend []struct {
	name   string
	colour color.Color
}

// add adds a curve. Those of one name in several plots have one colour.
func (l *legend) add(name string, colour color.Color) {
	for _, e := range *l {
		if e.name == name {
			return
		}
	}
	*l = append(*l, struct {
		name   string
		colour color.Color
	}{name, colour})
}

// draw draws the row at the top of a canvas, from left on.
func (l legend) draw(c draw.Canvas, left vg.Length, style text.Style) {
	style.YAlign = text.YCenter
	x, y := c.Min.X+left, c.Max.Y-vg.Points(16)
	for _, e := range l {
		c.StrokeLine2(draw.LineStyle{Color: e.colour, Width: vg.Points(3)}, x, y, x+vg.Points(18), y)
		x += vg.Points(24)
		c.FillText(style, vg.Point{X: x, Y: y}, e.name)
		x += style.Width(e.name) + vg.Points(18)
	}
}
