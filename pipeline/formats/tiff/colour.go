package tiff

import (
	"image"
	"image/color"
	"math"
)

// painter turns a row of samples of a byte each into pixels.
type painter func(pix, samples []byte)

// painterOf returns an image for a layout and its painter: grey pictures are image.Gray,
// others opaque image.NRGBA.
func painterOf(l *layout) (img image.Image, pix []byte, stride int, paint painter) {
	bounds := image.Rect(0, 0, l.width, l.height)
	if l.colours == 1 && l.photometric != palette {
		m := image.NewGray(bounds)
		return m, m.Pix, m.Stride, l.grey
	}
	m := image.NewNRGBA(bounds)
	switch l.photometric {
	case palette:
		paint = l.palette()
	case rgb:
		paint = l.rgb
	case cmyk:
		paint = l.cmyk
	case ycbcr:
		paint = l.ycbcr()
		if l.planes == 1 && (l.compression == 7 || l.compression == 6 && l.oldFile() != nil) {
			paint = l.rgb // JPEG data have been converted to RGB
		}
	case cieLab, iccLab:
		paint = l.lab
	}
	return m, m.Pix, m.Stride, paint
}

// undo divides a colour by alpha, as Pillow does.
func undo(v, alpha byte) byte {
	switch alpha {
	case 0:
		return 0
	case 255:
		return v
	}
	return byte(min(255, int(v)*255/int(alpha)))
}

func (l *layout) grey(pix, samples []byte) {
	for i := range pix {
		v := samples[i*l.samples]
		if l.alpha > 0 {
			v = undo(v, samples[i*l.samples+l.alpha])
		}
		if l.photometric == whiteIsZero {
			v = 255 - v
		}
		pix[i] = v
	}
}

func (l *layout) rgb(pix, samples []byte) {
	for len(pix) > 0 {
		r, g, b := samples[0], samples[1], samples[2]
		if l.alpha > 0 {
			a := samples[l.alpha]
			r, g, b = undo(r, a), undo(g, a), undo(b, a)
		}
		pix[0], pix[1], pix[2], pix[3] = r, g, b, 255
		pix, samples = pix[4:], samples[l.samples:]
	}
}

// palette takes the high bytes of the entries, or all of them if no entry has one,
// as libtiff does.
func (l *layout) palette() painter {
	table := l.Ints(tagColorMap)
	shift := 0
	for _, v := range table {
		if v > 255 {
			shift = 8
		}
	}
	n := 1 << l.bits
	return func(pix, samples []byte) {
		for len(pix) > 0 {
			i := int(samples[0])
			pix[0], pix[1], pix[2], pix[3] = byte(table[i]>>shift), byte(table[n+i]>>shift), byte(table[2*n+i]>>shift), 255
			pix, samples = pix[4:], samples[l.samples:]
		}
	}
}

// cmyk is Pillow's conversion: (255−C)(255−K)/255, rounded.
func (l *layout) cmyk(pix, samples []byte) {
	for len(pix) > 0 {
		k := 255 - int(samples[3])
		for i := range 3 {
			v := int(samples[i])*k + 128
			pix[i] = byte(k - (v>>8+v)>>8)
		}
		pix[3] = 255
		pix, samples = pix[4:], samples[l.samples:]
	}
}

// ycbcr is libtiff's conversion, with the coefficients of the file's fields if it has
// them.
func (l *layout) ycbcr() painter {
	luma := l.rationals(tagYCbCrFactors)
	if len(luma) < 3 || luma[1] == 0 {
		luma = []float64{0.299, 0.587, 0.114}
	}
	ends := l.rationals(tagBlackWhite)
	if len(ends) < 6 {
		ends = []float64{0, 255, 128, 255, 128, 255}
	}
	level := func(code byte, black, white, most float64) float64 {
		if white == black {
			white++
		}
		return (float64(code) - black) * most / (white - black)
	}
	var y, cb, cr [256]float64
	for i := range 256 {
		y[i] = level(byte(i), ends[0], ends[1], 255)
		cb[i] = level(byte(i), ends[2], ends[3], 127)
		cr[i] = level(byte(i), ends[4], ends[5], 127)
	}
	red, blue := 2-2*luma[0], 2-2*luma[2]
	clamp := func(v float64) byte { return byte(max(0, min(255, v+0.5))) }
	return func(pix, samples []byte) {
		for len(pix) > 0 {
			y, b, r := y[samples[0]], cb[samples[1]], cr[samples[2]]
			pix[0] = clamp(y + red*r)
			pix[1] = clamp(y - (red*luma[0]*r+blue*luma[2]*b)/luma[1])
			pix[2] = clamp(y + blue*b)
			pix[3] = 255
			pix, samples = pix[4:], samples[l.samples:]
		}
	}
}

// lab converts L*a*b* of illuminant D50, 8 bits each, to sRGB. CIE's form stores a*
// and b* as signed numbers, ICC's adds 128.
func (l *layout) lab(pix, samples []byte) {
	offset := byte(0)
	if l.photometric == iccLab {
		offset = 128
	}
	curve := func(t float64) float64 {
		if t > 6.0/29 {
			return t * t * t
		}
		return 3 * 6.0 / 29 * 6 / 29 * (t - 4.0/29)
	}
	gamma := func(v float64) byte {
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		return byte(max(0, min(255, 255*v+0.5)))
	}
	for len(pix) > 0 {
		y := (float64(samples[0])*100/255 + 16) / 116
		x := curve(y+float64(int8(samples[1]-offset))/500) * 0.9642
		z := curve(y-float64(int8(samples[2]-offset))/200) * 0.8249
		y = curve(y)
		pix[0] = gamma(3.1338561*x - 1.6168667*y - 0.4906146*z)
		pix[1] = gamma(-0.9787684*x + 1.9161415*y + 0.0334540*z)
		pix[2] = gamma(0.0719453*x - 0.2289914*y + 1.4052427*z)
		pix[3] = 255
		pix, samples = pix[4:], samples[l.samples:]
	}
}

// model is the colour model that DecodeConfig reports.
func (l *layout) model() color.Model {
	switch {
	case l.photometric == cmyk:
		return color.CMYKModel
	case l.colours == 1 && l.photometric != palette:
		return color.GrayModel
	}
	return color.NRGBAModel
}
