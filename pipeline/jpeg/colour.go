package jpeg

// plane is a component's samples in a part of a picture.
type plane struct {
	pix           []byte
	stride        int
	width, height int  // of the samples that belong to the picture
	h, v          int  // sampling factors
	narrow        bool // two samples or fewer across the whole picture, which libjpeg doesn't interpolate
}

// row returns the samples of a plane for the pixels from `from` up to `to` of row y, at
// the full resolution of a picture whose largest factors are hMax and vMax. Samples at
// half resolution are interpolated as libjpeg does ("fancy upsampling"), with the weights
// ¾ and ¼; other subsampled ones are repeated, as in libjpeg. out is scratch for the
// whole row, with room for eight more.
func (p *plane) row(out []byte, y, from, to, hMax, vMax int) []byte {
	across, down := p.h == hMax, p.v == vMax
	double, doubleDown := 2*p.h == hMax && !p.narrow, 2*p.v == vMax
	if across && down {
		return p.line(y)[from:to]
	}
	if doubleDown && (across || double) {
		at := y / 2
		near := max(at-1, 0)
		if y%2 == 1 {
			near = min(at+1, p.height-1)
		}
		this, other := p.line(at), p.line(near)
		if across {
			mixRows(out[from:to], this[from:to], other[from:to], int32(1+y%2))
		} else {
			first, last := p.mixed(from, to)
			doubleRows(out[2*first:], this[first:last], other[first:last], first == 0, last == p.width)
		}
		return out[from:to]
	}
	this := p.line(y * p.v / vMax)
	if double && down {
		first, last := p.mixed(from, to)
		doubleRow(out[2*first:], this[first:last])
		return out[from:to]
	}
	for x := from; x < to; x++ {
		out[x] = this[x*p.h/hMax]
	}
	return out[from:to]
}

func (p *plane) line(y int) []byte { return p.pix[y*p.stride:][:p.width] }

// mixed returns the range of columns in a plane of half the width that these pixels are
// interpolated from.
func (p *plane) mixed(from, to int) (first, last int) {
	return max(0, from/2-1), min(p.width, (to+1)/2+1)
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

// doubleRows interpolates along a row and between rows (h2v2_fancy_upsample). It makes
// the pixels of the first sample and of the last only where the plane begins or ends
// there.
func doubleRows(out, this, near []byte, begins, ends bool) {
	done := 1 + doubleInside(out, this, near)
	if begins {
		doubleRowsGo(out, this, near, 0, 1)
	}
	if to := len(this) - 1; ends {
		doubleRowsGo(out, this, near, done, to+1)
	} else {
		doubleRowsGo(out, this, near, done, to)
	}
}

// doubleRowsGo makes the pixels of the samples from `from` up to `to`:
//
//	out[2i] = (3·v[i] + v[i−1] + 8) >> 4, out[2i+1] = (3·v[i] + v[i+1] + 7) >> 4
//
// with v = 3·this + near. Beyond the ends, the first and the last v are repeated.
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

// convertGo overwrites rgb with the pixels of three rows as long as luma:
// R = Y + 1.402 Cr, G = Y − 0.344136 Cb − 0.714136 Cr, B = Y + 1.772 Cb, with Cb
// and Cr around 128, rounded. If they are mirrored, the last pixel comes first.
func convertGo(rgb, luma, blues, reds []byte, mirrored bool) {
	blues, reds = blues[:len(luma)], reds[:len(luma)]
	for i, y := range luma {
		y := int32(y)<<16 + 1<<15
		cb, cr := int32(blues[i])-128, int32(reds[i])-128
		pixel := rgb[3*i:][:3]
		pixel[0] = clamp((y + 91881*cr) >> 16)
		pixel[1] = clamp((y - 22554*cb - 46802*cr) >> 16)
		pixel[2] = clamp((y + 116130*cb) >> 16)
	}
	if mirrored {
		mirror(rgb[:3*len(luma)])
	}
}

// mirror reverses pixels.
func mirror(rgb []byte) {
	for i, j := 0, len(rgb)-3; i < j; i, j = i+3, j-3 {
		a, b := (*[3]byte)(rgb[i:]), (*[3]byte)(rgb[j:])
		*a, *b = *b, *a
	}
}

// clamp returns v held to 0–255.
func clamp(v int32) byte {
	if uint32(v) <= 255 {
		return byte(v)
	}
	return byte(^v >> 31)
}

// toRGB overwrites rgb with the pixels of rows of samples as long as the first. CMYK and
// YCCK are taken as inverted, like Adobe's, and become RGB by PIL's formula. Rows of YCCK
// are overwritten. If mirrored, the last pixel comes first.
func (c colours) toRGB(rgb []byte, rows [][]byte, mirrored bool) {
	switch c {
	case grey:
		for i, v := range rows[0] {
			pixel := rgb[3*i:][:3]
			pixel[0], pixel[1], pixel[2] = v, v, v
		}
	case yCbCr:
		convert(rgb, rows[0], rows[1], rows[2], mirrored)
		return
	case plainRGB:
		for i := range rows[0] {
			pixel := rgb[3*i:][:3]
			pixel[0], pixel[1], pixel[2] = rows[0][i], rows[1][i], rows[2][i]
		}
	case cmyk:
		for i, white := range rows[3] {
			pixel := rgb[3*i:][:3]
			for c := range pixel {
				pixel[c] = inked(rows[c][i], white)
			}
		}
	case ycck:
		convert(rgb, rows[0], rows[1], rows[2], false)
		for i, white := range rows[3] {
			pixel := rgb[3*i:][:3]
			for c, v := range pixel {
				pixel[c] = inked(255-v, white)
			}
		}
	}
	if mirrored {
		mirror(rgb)
	}
}

// inked returns the light that an ink, stored as 255−C, leaves of white, stored as 255−K.
// It is PIL's convert("RGB"): K' − (255−C')·K'/255, rounded.
func inked(stored, white byte) byte {
	t := uint32(255-stored)*uint32(white) + 128
	return white - byte((t>>8+t)>>8)
}
