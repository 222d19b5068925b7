package report

import (
	"bytes"
	"context"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// calibrationBins is the number of bins of equal width, as in Guo et al., "On
// Calibration of Modern Neural Networks" (2017).
const calibrationBins = 15

// calibration compares the probabilities of the guesses with how often the guesses
// are right.
type calibration struct {
	Bins       []calibrationBin // from confidence 0 to 1
	Error      float64          // expected calibration error, a fraction
	Confidence float64          // mean over all pictures
	Accuracy   float64
	Curve      []byte // PNG
}

// calibrationBin is the pictures whose guesses have a confidence above the end of the
// bin before and up to the end of this one.
type calibrationBin struct {
	Pictures   int
	Confidence float64 // mean
	Accuracy   float64
}

// calibrate computes the expected calibration error: the mean, over all pictures, of
// the distance between confidence and accuracy in a picture's bin.
func calibrate(all []outcome, bins int) calibration {
	c := calibration{Bins: make([]calibrationBin, bins)}
	for _, o := range all {
		// In float32, in which 0.2 ends the third of fifteen bins, as in PyTorch.
		i := int(math.Ceil(float64(float32(o.confidence)*float32(bins)))) - 1
		b := &c.Bins[max(0, min(i, bins-1))]
		b.Pictures++
		b.Confidence += o.confidence
		c.Confidence += o.confidence / float64(len(all))
		if o.guess == o.truth {
			b.Accuracy++
			c.Accuracy += 1 / float64(len(all))
		}
	}
	for i := range c.Bins {
		b := &c.Bins[i]
		if b.Pictures == 0 {
			continue
		}
		n := float64(b.Pictures)
		b.Confidence, b.Accuracy = b.Confidence/n, b.Accuracy/n
		c.Error += n / float64(len(all)) * math.Abs(b.Accuracy-b.Confidence)
	}
	return c
}

// Gap returns confidence less accuracy.
func (c calibration) Gap() float64 { return c.Confidence - c.Accuracy }

// calibrationSection shows how far the net's probabilities can be trusted.
var calibrationSection = Section{
	Slow: true,
	Make: func(ctx context.Context, s *Subject) (any, error) {
		all, err := s.classified(ctx)
		if err != nil || all == nil {
			return nil, err
		}
		c := calibrate(all, calibrationBins)
		var b bytes.Buffer
		err = c.draw(&b)
		c.Curve = b.Bytes()
		return c, err
	},
	HTML: `
<h2>Calibration</h2>
<p>Expected calibration error {{printf "%.1f" (percent .Error)}} % in {{len .Bins}} bins: the net gives its guesses a probability of {{printf "%.1f" (percent .Confidence)}} % on average, and {{printf "%.1f" (percent .Accuracy)}} % of them are right{{if gt .Gap 0.02}}: it is surer than it should be{{else if lt .Gap -0.02}}: it is less sure than it could be{{end}}. A bar is how many guesses of a bin are right, its mark how sure the net was of them. Where the bar ends at its mark, the probabilities can be trusted. Below are the pictures in each bin.</p>
<img class="chart calibration" alt="how often guesses of a confidence are right" src="{{png .Curve}}">
`,
	Style: `  img.calibration { width: 34rem; }
`,
}

// draw writes a PNG: accuracy by confidence above, the share of pictures below.
func (c calibration) draw(w io.Writer) error {
	accuracy, share := newPlot(), newPlot()
	accuracy.Y.Label.Text, share.Y.Label.Text, share.X.Label.Text = "right, %", "pictures, %", "confidence, %"
	total := 0
	for _, b := range c.Bins {
		total += b.Pictures
	}
	const half = 0.6 // of the thickness of a mark
	marks := color.RGBA{R: 0xe0, G: 0x80, B: 0x20, A: 0xff}
	for i, b := range c.Bins {
		if b.Pictures == 0 {
			continue
		}
		left, right := 100*float64(i)/float64(len(c.Bins)), 100*float64(i+1)/float64(len(c.Bins))
		for _, bar := range []struct {
			plot     *plot.Plot
			from, to float64
			colour   color.Color
		}{
			{accuracy, 0, 100 * b.Accuracy, trainColour},
			{accuracy, 100*b.Confidence - half, 100*b.Confidence + half, marks},
			{share, 0, 100 * float64(b.Pictures) / float64(total), trainColour},
		} {
			p, err := plotter.NewPolygon(plotter.XYs{{X: left, Y: bar.from}, {X: right, Y: bar.from}, {X: right, Y: bar.to}, {X: left, Y: bar.to}})
			if err != nil {
				return err
			}
			p.Color, p.LineStyle.Color, p.LineStyle.Width = bar.colour, color.White, vg.Points(1)
			bar.plot.Add(p)
		}
	}
	diagonal, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0}, {X: 100, Y: 100}})
	if err != nil {
		return err
	}
	diagonal.Color, diagonal.Width, diagonal.Dashes = color.Gray{Y: 0x60}, vg.Points(1.5), []vg.Length{vg.Points(4), vg.Points(3)}
	accuracy.Add(diagonal)
	for _, p := range []*plot.Plot{accuracy, share} {
		p.X.Min, p.X.Max, p.Y.Min = 0, 100, 0
	}
	accuracy.Y.Tick.Marker = plot.ConstantTicks(roundTicks(0, 100, mostMarks))
	accuracy.Y.Max = 117 // room for the legend
	for _, row := range []struct {
		name   string
		colour color.Color
	}{{"right", trainColour}, {"confidence", marks}} {
		swatch, err := plotter.NewPolygon(plotter.XYs{})
		if err != nil {
			return err
		}
		swatch.Color = row.colour
		accuracy.Legend.Add(row.name, swatch)
	}
	accuracy.Legend.Top, accuracy.Legend.Left, accuracy.Legend.Padding = true, true, vg.Points(2)

	img := vgimg.New(6*vg.Inch, 7*vg.Inch)
	canvas := draw.New(img)
	upper := draw.Crop(canvas, vg.Points(8), -vg.Points(16), 2.2*vg.Inch, -vg.Points(8))
	lower := draw.Crop(canvas, vg.Points(8), -vg.Points(16), vg.Points(8), -4.9*vg.Inch)
	for i, at := range plot.Align([][]*plot.Plot{{accuracy}, {share}}, draw.Tiles{Rows: 2, Cols: 1}, canvas) {
		// Align has made room for the wider labels of both; the heights are our own.
		at[0].Min.Y, at[0].Max.Y = upper.Min.Y, upper.Max.Y
		if i == 1 {
			at[0].Min.Y, at[0].Max.Y = lower.Min.Y, lower.Max.Y
		}
		at[0].Max.X = upper.Max.X
		[]*plot.Plot{accuracy, share}[i].Draw(at[0])
	}
	_, err = vgimg.PngCanvas{Canvas: img}.WriteTo(w)
	return err
}
