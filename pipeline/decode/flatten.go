package decode

import (
	"image"
	"image/color"

	"alexnet/pipeline/formats/webp"
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
	if m, ok := img.(*image.YCbCr); ok { // of package webp
		new(webp.Upsampler).RGB(dst, m, part)
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

// samples is a picture whose colours are bytes in memory: pixels of a row are step bytes
// apart, and the colours of a pixel have fixed distances. For 16-bit samples the high
// bytes are used; grey is used for all three colours.
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

// pixelOf returns the function that reads a pixel of any other picture.
func pixelOf(img image.Image) func(x, y int) (r, g, b byte) {
	switch m := img.(type) {
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
