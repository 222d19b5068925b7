package decode

import (
	"image"
	"math"

	"github.com/disintegration/imaging"

	"alexnet/pipeline/resample"
)

// resizeByImaging overwrites dst (size×size RGB) with a window of src as package imaging
// resizes it: the whole picture first, then the crop.
func resizeByImaging(dst []byte, size int, src resample.Image, w resample.Box) {
	m := image.NewNRGBA(image.Rect(0, 0, src.Width, src.Height))
	for y := range src.Height {
		row, out := src.Pix[y*src.Stride:], m.Pix[y*m.Stride:]
		for x := range src.Width {
			copy(out[4*x:], row[3*x:3*x+3])
			out[4*x+3] = 255
		}
	}
	width, height := resample.ScaledSize(src.Width, src.Height, size)
	whole := imaging.Resize(m, width, height, imaging.CatmullRom)
	left := int(math.Round(w.X * float64(width) / float64(src.Width)))
	top := int(math.Round(w.Y * float64(height) / float64(src.Height)))
	for y := range size {
		row := whole.Pix[(top+y)*whole.Stride+4*left:]
		for x := range size {
			copy(dst[3*(y*size+x):][:3], row[4*x:])
		}
	}
}
