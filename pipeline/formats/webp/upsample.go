package webp

import "image"

// Upsampler turns lossy pictures into RGB. It keeps scratch memory.
type Upsampler struct{ cb, cr []byte }

// RGB overwrites dst, rows of RGB without gaps, with a part of a picture whose
// chroma is subsampled in both directions: by libwebp's "fancy" interpolation, in
// which the nearest chroma sample counts 9/16, its neighbours 3/16 each, and the one
// across 1/16, and by its conversion of limited-range BT.601. The picture's corner is at
// (0, 0).
func (u *Upsampler) RGB(dst []byte, m *image.YCbCr, part image.Rectangle) {
	width, rows := m.Rect.Dx(), (m.Rect.Dy()+1)/2
	columns := (width + 1) / 2
	if cap(u.cb) < 2*columns {
		u.cb, u.cr = make([]byte, 2*columns), make([]byte, 2*columns)
	}
	cb, cr := u.cb[:2*columns], u.cr[:2*columns]
	for y := part.Min.Y; y < part.Max.Y; y++ {
		other := y / 2
		switch {
		case y%2 == 0 && other > 0:
			other--
		case y%2 == 1 && other+1 < rows:
			other++
		}
		row := func(plane []byte, i int) []byte { return plane[i*m.CStride:][:columns] }
		interpolate(cb, row(m.Cb, y/2), row(m.Cb, other))
		interpolate(cr, row(m.Cr, y/2), row(m.Cr, other))
		luma := m.Y[y*m.YStride:]
		for x := part.Min.X; x < part.Max.X; x++ {
			dst[0], dst[1], dst[2] = toRGB(int(luma[x]), int(cb[x]), int(cr[x]))
			dst = dst[3:]
		}
	}
}

// interpolate doubles a row of chroma. near is the nearer row, other the row on the other
// side.
func interpolate(out, near, other []byte) {
	last := len(near) - 1
	out[0] = byte((3*int(near[0]) + int(other[0]) + 2) >> 2)
	for i := range last {
		a, b := int(near[i]), int(near[i+1])
		c, d := int(other[i]), int(other[i+1])
		sum := a + b + c + d + 8
		out[2*i+1] = byte(((sum+2*(b+c))>>3 + a) >> 1)
		out[2*i+2] = byte(((sum+2*(a+d))>>3 + b) >> 1)
	}
	out[2*last+1] = byte((3*int(near[last]) + int(other[last]) + 2) >> 2)
}

// toRGB is libwebp's conversion, with 14-bit numbers.
func toRGB(y, cb, cr int) (r, g, b byte) {
	luma := y * 19077 >> 8
	return clip(luma + cr*26149>>8 - 14234),
		clip(luma - cb*6419>>8 - cr*13320>>8 + 8708),
		clip(luma + cb*33050>>8 - 17685)
}

func clip(v int) byte { return byte(max(0, min(255, v>>6))) }
