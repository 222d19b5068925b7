package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// form is the form of a chart: for a wide window, or for a telephone, with the same
// letters and fewer marks.
type form struct {
	width  vg.Length
	dots   int       // an inch
	marks  float64   // most marks of an axis of steps
	legend vg.Length // where the legend begins, from the left
}

var (
	wide   = form{9 * vg.Inch, 96, mostMarks, vg.Points(48)}
	narrow = form{4.2 * vg.Inch, 192, 4, vg.Points(8)}
)

// canvas returns an empty picture.
func (f form) canvas(height vg.Length) *vgimg.Canvas {
	return vgimg.NewWith(vgimg.UseWH(f.width, height), vgimg.UseDPI(f.dots))
}

// ticks chooses the marks of an axis of steps.
func (f form) ticks() plot.Ticker {
	return plot.TickerFunc(func(low, high float64) []plot.Tick { return roundTicks(low, high, f.marks) })
}

// chart is a chart as PNG in both forms.
type chart struct{ Wide, Narrow []byte }

// drawn returns a chart that draw draws.
func drawn(draw func(w io.Writer, f form) error) (c *chart, err error) {
	c = new(chart)
	for _, of := range []struct {
		form
		to *[]byte
	}{{wide, &c.Wide}, {narrow, &c.Narrow}} {
		var b bytes.Buffer
		if err := draw(&b, of.form); err != nil {
			return c, err
		}
		*of.to = b.Bytes()
	}
	return c, nil
}

// picture returns an HTML element that shows the form for the window's width. about
// describes the chart in plain text.
func (c *chart) picture(about string) template.HTML {
	return template.HTML(fmt.Sprintf(`<picture><source media="(max-width: 600px)" srcset="%s"><img class="chart" alt="%s" src="%s"></picture>`,
		pngAddress(c.Narrow), template.HTMLEscapeString(about), pngAddress(c.Wide)))
}

// pngAddress returns a PNG as a data address.
func pngAddress(b []byte) template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b))
}
