package jpeg

import (
	"context"
	"image"
)

// FastDecoder decodes pictures, one at a time. It keeps its memory between them, so
// each goroutine has its own.
type FastDecoder struct {
	fastHeader
	reader
	tables tables
	scan   []byte // of the file that was opened
	units  [6]unit
	colour image.YCbCr
	grey   image.Gray
}

// Open reads a file's header, and returns the picture's size in pixels.
func (d *FastDecoder) Open(file []byte) (width, height int, err error) {
	old := d.components
	d.fastHeader = fastHeader{tables: &d.tables}
	d.scan, err = d.parse(file)
	for i := range d.components { // their memory
		d.components[i].coefs, d.components[i].plane = old[i].coefs, old[i].plane
	}
	return d.width, d.height, err
}

// Decode decodes the file that was opened last, all of it, and returns the part
// of the picture inside rect and at least eight pixels around that, as far as the
// picture goes: an [*image.YCbCr] or an [*image.Gray] whose bounds say which. It
// is valid until the next call of Decode. Where ctx ends, its error comes after at
// most a row of MCUs.
func (d *FastDecoder) Decode(ctx context.Context, rect image.Rectangle) (image.Image, error) {
	scan := d.scan
	d.scan = nil
	if scan == nil {
		return nil, ErrOther
	}
	// The MCUs that are kept, from an even one on, since blocks come in pairs.
	w, h := 8*d.hMax, 8*d.vMax
	across, down := (d.width+w-1)/w, (d.height+h-1)/h
	kept := image.Rect((rect.Min.X-8)/w&^1, (rect.Min.Y-8)/h, (rect.Max.X+8+w-1)/w, (rect.Max.Y+8+h-1)/h).
		Intersect(image.Rect(0, 0, across, down))
	for i := range d.components[:d.n] {
		d.components[i].prepare(across, kept)
	}
	if err := d.mcus(ctx, scan, across, down, kept); err != nil {
		return nil, err
	}
	bounds := image.Rect(kept.Min.X*w, kept.Min.Y*h, kept.Max.X*w, kept.Max.Y*h).
		Intersect(image.Rect(0, 0, d.width, d.height))
	luma := &d.components[0]
	if d.n == 1 {
		d.grey = image.Gray{Pix: luma.plane, Stride: luma.width, Rect: bounds}
		return &d.grey, nil
	}
	blues, reds := &d.components[1], &d.components[2]
	d.colour = image.YCbCr{
		Y: luma.plane, Cb: blues.plane, Cr: reds.plane,
		YStride: luma.width, CStride: blues.width,
		SubsampleRatio: d.subsampling(), Rect: bounds,
	}
	return &d.colour, nil
}

func (d *FastDecoder) subsampling() image.YCbCrSubsampleRatio {
	switch {
	case d.hMax == 2 && d.vMax == 2:
		return image.YCbCrSubsampleRatio420
	case d.hMax == 2:
		return image.YCbCrSubsampleRatio422
	case d.vMax == 2:
		return image.YCbCrSubsampleRatio440
	}
	return image.YCbCrSubsampleRatio444
}

// prepare takes memory for the coefficients of a row of MCUs and for the plane.
func (c *fastComponent) prepare(across int, kept image.Rectangle) {
	c.prediction = 0
	c.stride = (across*c.h + 1) &^ 1
	c.coefs = grow(c.coefs, 64*c.stride*c.v)
	c.width = (8*c.h*kept.Dx() + 15) &^ 15
	c.plane = grow(c.plane, c.width*8*c.v*kept.Dy())
}

// mcus reads all MCUs and transforms those that are kept.
func (d *FastDecoder) mcus(ctx context.Context, scan []byte, across, down int, kept image.Rectangle) error {
	units := d.units[:0]
	for i := range d.components[:d.n] {
		c := &d.components[i]
		for at := range c.h * c.v {
			units = append(units, unit{
				dc: &c.dc.short, ac: &c.ac.short, prediction: &c.prediction,
				c: c, first: at/c.h*c.stride + at%c.h,
			})
		}
	}
	d.rest = scan
	marker := d.segment()
	until, restarts := d.restart, 0
	for y := 0; y < down && marker != 0; y++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		keep := y >= kept.Min.Y && y < kept.Max.Y
		for i := range d.components[:d.n] {
			clear(d.components[i].coefs)
		}
		for x := range across {
			if d.restart > 0 && until == 0 {
				if marker != markRST0+byte(restarts%8) || !d.finished() {
					return ErrOther
				}
				if marker = d.segment(); marker == 0 {
					return ErrOther
				}
				until, restarts = d.restart, restarts+1
				for i := range d.components {
					d.components[i].prediction = 0
				}
			}
			until--
			for i := range units {
				u := &units[i]
				u.block = &u.c.coefs[blockAt(u.first+x*u.c.h):][:place(63)+1][0]
			}
			if !d.mcu(units) {
				return ErrOther
			}
		}
		if keep {
			for i := range d.components[:d.n] {
				d.components[i].transform(y-kept.Min.Y, kept)
			}
		}
	}
	if marker != markEOI || !d.finished() {
		return ErrOther
	}
	return nil
}

// transform turns the coefficients of a row of MCUs into pixels.
func (c *fastComponent) transform(y int, kept image.Rectangle) {
	for v := range c.v {
		rows := c.plane[(y*c.v+v)*8*c.width:][:8*c.width]
		coefs := c.coefs[blockAt(v*c.stride+kept.Min.X*c.h):]
		for at := 0; at < c.width; at += 16 {
			inversePair(rows[at:], c.width, coefs[8*at:][:pair], c.divisors)
		}
	}
}

// grow returns s with length n, reusing its memory where that is large enough.
// The contents are undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
