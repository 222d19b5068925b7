package report

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"

	"alexnet/engine"
)

// kernelsSection shows the kernels of the first layer, if it is a convolution.
var kernelsSection = Section{
	Make: func(_ context.Context, s *Subject) (any, error) {
		img, err := FirstKernels(s.Model)
		if img == nil || err != nil {
			return nil, err
		}
		var b bytes.Buffer
		err = png.Encode(&b, img)
		return b.Bytes(), err
	},
	HTML: `
<h2>Kernels of the first layer</h2>
<p>Tower 0 above tower 1, as in figure 3 of the paper. Grey is zero; each kernel is scaled by its largest weight.</p>
<div class="scroll"><img class="wide" alt="kernels of the first layer" src="{{png .}}"></div>
`,
}

// FirstKernels draws the first layer of a model; nil if it is not a convolution.
func FirstKernels(m *engine.Model) (image.Image, error) {
	first := m.Parameters()[0]
	if len(first.Dims) != 4 {
		return nil, nil
	}
	w, err := m.Read(engine.Weight, first.Name)
	if err != nil {
		return nil, err
	}
	return Kernels(w, first.Dims, m.Net.Towers)
}

// Columns and pixel sizes of a picture of kernels.
const (
	kernelColumns = 16
	kernelSide    = 44 // smallest side of a kernel in pixels
	kernelGap     = 4
	towerGap      = 16
)

// Kernels draws the kernels of a layer that sees RGB, tower 0 above tower 1, as
// figure 3 of the paper does. weights are dims = (maps, 3, k, k) in C order.
// Grey is 0; each kernel is scaled by its largest magnitude, so that all show
// their shape.
func Kernels(weights []float32, dims []int, towers int) (image.Image, error) {
	if len(dims) != 4 || dims[1] != 3 || dims[2] != dims[3] || towers < 1 || dims[0]%towers != 0 {
		return nil, fmt.Errorf("kernels of %v in %d towers: want (maps, 3, k, k) with maps that divide over the towers", dims, towers)
	}
	k := dims[2]
	maps := dims[0] / towers
	zoom := (kernelSide + k - 1) / k
	cell := k*zoom + kernelGap
	columns := min(kernelColumns, maps)
	rows := (maps + columns - 1) / columns
	towerHeight := rows*cell + towerGap
	img := image.NewRGBA(image.Rect(0, 0, columns*cell+kernelGap, towers*towerHeight-towerGap+kernelGap))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	for m := range dims[0] {
		tower, i := m/maps, m%maps
		x0 := kernelGap + i%columns*cell
		y0 := kernelGap + tower*towerHeight + i/columns*cell
		drawKernel(img, x0, y0, zoom, k, weights[m*3*k*k:(m+1)*3*k*k])
	}
	return img, nil
}

func drawKernel(img *image.RGBA, x0, y0, zoom, k int, w []float32) {
	var largest float64
	for _, v := range w {
		largest = max(largest, math.Abs(float64(v)))
	}
	level := func(v float32) uint8 {
		if largest == 0 {
			return 128
		}
		return uint8(math.Round(127.5 + 127.5*float64(v)/largest))
	}
	for y := range k * zoom {
		for x := range k * zoom {
			at := y/zoom*k + x/zoom
			img.SetRGBA(x0+x, y0+y, color.RGBA{level(w[at]), level(w[k*k+at]), level(w[2*k*k+at]), 0xff})
		}
	}
}
