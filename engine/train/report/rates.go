package report

import (
	"image/color"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"

	"alexnet/engine/train"
)

// RatesName is the picture of a search for the learning rate.
const RatesName = "find-lr.png"

// Rates writes a PNG of the loss over the learning rates of a search, with a line at
// the suggested one.
func Rates(w io.Writer, s *train.RateSweep) error {
	points := make(plotter.XYs, len(s.Rates))
	top, low := 0.0, s.Losses[0]
	for i := range points {
		points[i] = plotter.XY{X: s.Rates[i], Y: s.Losses[i]}
		low = min(low, s.Losses[i])
	}
	for _, loss := range s.Losses[:min(len(s.Losses), 20)] {
		top = max(top, loss)
	}
	p := newPlot()
	p.X.Label.Text, p.Y.Label.Text = "learning rate", "mean training loss"
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	line, err := plotter.NewLine(points)
	if err != nil {
		return err
	}
	line.Color, line.Width = trainColour, vg.Points(2)
	p.Add(line)
	p.Y.Min, p.Y.Max = .9*low, 1.1*top
	if s.Suggested > 0 {
		mark, err := plotter.NewLine(plotter.XYs{{X: s.Suggested, Y: p.Y.Min}, {X: s.Suggested, Y: p.Y.Max}})
		if err != nil {
			return err
		}
		mark.Color, mark.Width, mark.Dashes = color.RGBA{R: 0x3c, G: 0x8d, B: 0x55, A: 0xff}, vg.Points(1.5), []vg.Length{vg.Points(5), vg.Points(4)}
		p.Add(mark)
		p.Legend.Add("suggested", mark)
		p.Legend.Top, p.Legend.XOffs = true, -vg.Points(8)
	}
	if p.X.Min == p.X.Max { // one rate, around which the plot would make room below 0
		p.X.Max *= 2
	}
	img := vgimg.New(8*vg.Inch, 4*vg.Inch)
	p.Draw(draw.Crop(draw.New(img), vg.Points(8), -vg.Points(24), vg.Points(8), -vg.Points(8)))
	_, err = vgimg.PngCanvas{Canvas: img}.WriteTo(w)
	return err
}
