package resample

import "image"

// FromYCbCr overwrites dst, rect.Dy() rows of rect.Dx() RGB pixels without gaps,
// with the pixels of m inside rect, which lies in m.Rect. Subsampled chroma is
// interpolated with the weights ¾ and ¼ as libjpeg does ("fancy upsampling"),
// where Go's own conversion repeats it; at 4:1:1 and 4:1:0, and in rows of one or
// two chroma samples, it is repeated as in libjpeg too. The matrix is JFIF's, in 16 bits of fraction as in libjpeg.
//
// scratch is reused and returned, so that the next call needn't allocate.
func FromYCbCr(dst []byte, m *image.YCbCr, rect image.Rectangle, scratch []byte) []byte {
	if !rect.In(m.Rect) {
		panic("resample: the rectangle isn't in the picture")
	}
	width, whole := rect.Dx(), m.Rect.Dx()
	sx, sy := subsampling(m.SubsampleRatio)
	columns := (whole + sx - 1) / sx
	rows := (m.Rect.Dy() + sy - 1) / sy
	scratch = grow(scratch, 2*(whole+8))
	cb, cr := scratch[:whole+8], scratch[whole+8:]
	from, to := rect.Min.X-m.Rect.Min.X, rect.Max.X-m.Rect.Min.X
	// Of the columns of chroma, those that are mixed for from to to.
	first, last := max(0, from/2-1), min(columns, (to+1)/2+1)
	for y := rect.Min.Y; y < rect.Max.Y; y++ {
		luma := m.Y[m.YOffset(rect.Min.X, y):][:width]
		at := m.COffset(m.Rect.Min.X, y)
		below := y - m.Rect.Min.Y
		near := at // the other row of chroma that is mixed in
		switch {
		case sy != 2 || sx == 4:
		case below%2 == 0 && below > 0:
			near -= m.CStride
		case below%2 == 1 && below/2+1 < rows:
			near += m.CStride
		}
		reds, blues := cr, cb
		for i, plane := range [2][]byte{m.Cb, m.Cr} {
			out := [2][]byte{cb, cr}[i]
			this, other := plane[at:][:columns], plane[near:][:columns]
			switch {
			case sx == 1 && sy == 1:
				copy(out[from:to], this[from:to])
			case sx == 1:
				mixRows(out[from:to], this[from:to], other[from:to], int32(1+below%2))
			case sx == 4 || columns <= 2:
				for x := from; x < to; x++ {
					out[x] = this[x/sx]
				}
			case sy == 1:
				doubleRow(out[2*first:], this[first:last])
			default:
				doubleRows(out[2*first:], this[first:last], other[first:last])
			}
		}
		convert(dst[:3*width], luma, blues[from:to], reds[from:to])
		dst = dst[3*width:]
	}
	return scratch
}

// subsampling returns how many pixels across and down share a chroma sample.
func subsampling(r image.YCbCrSubsampleRatio) (x, y int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// mixRows interpolates between two rows (libjpeg's h1v2_fancy_upsample).
func mixRows(out, this, near []byte, bias int32) {
	for i, v := range this {
		out[i] = byte((3*int32(v) + int32(near[i]) + bias) >> 2)
	}
}

// doubleRow interpolates along a row (h2v1_fancy_upsample). out has room for
// twice as many samples.
func doubleRow(out, this []byte) {
	last := len(this) - 1
	before := int32(this[0])
	for i, v := range this {
		v := int32(v)
		after := int32(this[min(i+1, last)])
		out[2*i] = byte((3*v + before + 1) >> 2)
		out[2*i+1] = byte((3*v + after + 2) >> 2)
		before = v
	}
}

// doubleRows interpolates along a row and between rows (h2v2_fancy_upsample).
func doubleRows(out, this, near []byte) {
	done := 1 + doubleInside(out, this, near)
	doubleRowsGo(out, this, near, 0, 1)
	doubleRowsGo(out, this, near, done, len(this))
}

// doubleRowsGo makes the pixels of the samples from one up to another:
//
//	out[2i] = (3·v[i] + v[i−1] + 8) >> 4, out[2i+1] = (3·v[i] + v[i+1] + 7) >> 4
//
// with v = 3·this + near, the first and the last of which go on beyond the ends.
func doubleRowsGo(out, this, near []byte, from, to int) {
	if from >= to {
		return
	}
	near = near[:len(this)]
	mixed := func(i int) int32 { return 3*int32(this[i]) + int32(near[i]) }
	before, v := mixed(max(from-1, 0)), mixed(from)
	for i := from; i < to; i++ {
		after := v
		if i+1 < len(this) {
			after = mixed(i + 1)
		}
		pair := out[2*i:][:2]
		pair[0] = byte((3*v + before + 8) >> 4)
		pair[1] = byte((3*v + after + 7) >> 4)
		before, v = v, after
	}
}
