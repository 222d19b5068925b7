package rescale

import (
	"image"
	"image/color"
)

// flatten overwrites dst (interleaved RGB) with the pixels of a part of img,
// without their alpha.
func flatten(dst []byte, img image.Image, part image.Rectangle) {
	if s, ok := samplesOf(img); ok {
		b := img.Bounds()
		for y := part.Min.Y; y < part.Max.Y; y++ {
			row := s.pix[(y-b.Min.Y)*s.stride+(part.Min.X-b.Min.X)*s.step:]
			for range part.Dx() {
				dst[0], dst[1], dst[2] = row[0], row[s.apart], row[2*s.apart]
				dst, row = dst[3:], row[min(s.step, len(row)):]
			}
		}
		return
	}
	pixel := pixelOf(img)
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			dst[0], dst[1], dst[2] = pixel(x, y)
			dst = dst[3:]
		}
	}
}

// samples are a picture whose colours are bytes in memory as they are: those of
// a pixel lie apart, and the pixels of a row step, bytes from one another. Of
// 16-bit samples they are the high bytes; grey is all three colours.
type samples struct {
	pix                 []byte
	stride, step, apart int
}

func samplesOf(img image.Image) (samples, bool) {
	switch m := img.(type) {
	case *image.Gray:
		return samples{m.Pix, m.Stride, 1, 0}, true
	case *image.Gray16:
		return samples{m.Pix, m.Stride, 2, 0}, true
	case *image.NRGBA:
		return samples{m.Pix, m.Stride, 4, 1}, true
	case *image.NRGBA64:
		return samples{m.Pix, m.Stride, 8, 2}, true
	case *image.RGBA:
		return samples{m.Pix, m.Stride, 4, 1}, m.Opaque()
	case *image.RGBA64:
		return samples{m.Pix, m.Stride, 8, 2}, m.Opaque()
	}
	return samples{}, false
}

// pixelOf returns the function that reads a pixel of any other picture. Among
// them YCbCr is WebP's.
func pixelOf(img image.Image) func(x, y int) (r, g, b byte) {
	switch m := img.(type) {
	case *image.YCbCr:
		return func(x, y int) (r, g, b byte) {
			c := m.YCbCrAt(x, y)
			return studioToRGB(c.Y, c.Cb, c.Cr)
		}
	case *image.NYCbCrA:
		return pixelOf(&m.YCbCr)
	case *image.CMYK:
		return func(x, y int) (r, g, b byte) {
			c := m.CMYKAt(x, y)
			return color.CMYKToRGB(c.C, c.M, c.Y, c.K)
		}
	case *image.Paletted:
		// 256 entries, since a damaged file may index beyond its palette.
		var palette [256]color.NRGBA
		for i, c := range m.Palette {
			palette[i] = color.NRGBAModel.Convert(c).(color.NRGBA)
		}
		return func(x, y int) (r, g, b byte) {
			c := palette[m.ColorIndexAt(x, y)]
			return c.R, c.G, c.B
		}
	}
	return func(x, y int) (r, g, b byte) {
		c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
		return c.R, c.G, c.B
	}
}

// studioToRGB converts the limited range of WebP (BT.601: Y 16…235, Cb and Cr
// 16…240), which Go's decoder hands out unconverted.
func studioToRGB(y, cb, cr byte) (r, g, b byte) {
	yy := 76309*(int32(y)-16) + 1<<15
	u, v := int32(cb)-128, int32(cr)-128
	return clamp((yy + 104597*v) >> 16), clamp((yy - 25675*u - 53279*v) >> 16), clamp((yy + 132201*u) >> 16)
}

// clamp returns v limited to a byte.
func clamp(v int32) byte { return byte(max(0, min(255, v))) }
