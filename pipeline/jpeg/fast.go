package jpeg

import (
	"context"
	"image"
)

// fastDecoder decodes nearly all photographs: sequential, Huffman-coded files of eight
// bits with one scan, one or three components, 4:4:4 to 4:2:0. For other files, and for
// any irregular bit, it returns errOther; then a decoder that knows all kinds, and judges
// damage, has to decode the file.
type fastDecoder struct {
	fastHeader
	reader
	tables  tables
	scan    []byte         // of the file that was opened
	units   [2][6]unit     // blocks of two MCUs
	coefs   [6][pair]int16 // their coefficients
	picture Picture
}

// open reads a file's header, and returns the picture's size in pixels.
func (d *fastDecoder) open(file []byte) (width, height int, err error) {
	old := d.components
	d.fastHeader = fastHeader{tables: &d.tables}
	d.scan, err = d.parse(file)
	for i := range d.components { // their memory
		d.components[i].plane = old[i].plane
	}
	return d.width, d.height, err
}

// decode decodes the last opened file, and returns the part of the picture inside rect,
// valid until the next call of decode. If ctx ends, decode returns its error within a row
// of MCUs.
func (d *fastDecoder) decode(ctx context.Context, rect image.Rectangle) (*Picture, error) {
	scan := d.scan
	d.scan = nil
	if scan == nil {
		return nil, errOther
	}
	// The kept MCUs begin at an even one, because blocks come in pairs.
	w, h := 8*d.hMax, 8*d.vMax
	across, down := (d.width+w-1)/w, (d.height+h-1)/h
	kept := image.Rect((rect.Min.X-8)/w&^1, (rect.Min.Y-8)/h, (rect.Max.X+8+w-1)/w, (rect.Max.Y+8+h-1)/h).
		Intersect(image.Rect(0, 0, across, down))
	inside := image.Rect(kept.Min.X*w, kept.Min.Y*h, kept.Max.X*w, kept.Max.Y*h).
		Intersect(image.Rect(0, 0, d.width, d.height))
	for i := range d.components[:d.n] {
		d.components[i].prepare(kept, rect.Sub(inside.Min), d.hMax, d.vMax)
	}
	if err := d.mcus(ctx, scan, across, down, kept); err != nil {
		return nil, err
	}
	p := &d.picture
	p.Bounds, p.planesBounds = rect.Intersect(inside), inside
	p.hMax, p.vMax, p.colours, p.planes = d.hMax, d.vMax, d.colours, p.planes[:0]
	for i := range d.components[:d.n] {
		c := &d.components[i]
		p.planes = append(p.planes, plane{
			pix: c.plane, stride: c.width,
			width:  (inside.Dx()*c.h + d.hMax - 1) / d.hMax,
			height: (inside.Dy()*c.v + d.vMax - 1) / d.vMax,
			h:      c.h, v: c.v,
			narrow: (d.width*c.h+d.hMax-1)/d.hMax <= 2,
		})
	}
	return p, nil
}

// prepare allocates the plane, and finds the part of it that the pixels inside rect
// depend on.
func (c *fastComponent) prepare(kept, rect image.Rectangle, hMax, vMax int) {
	c.prediction = 0
	c.width = (8*c.h*kept.Dx() + 15) &^ 15
	c.plane = grow(c.plane, c.width*8*c.v*kept.Dy())
	c.needed = rect
	if c.h < hMax { // pixels also depend on neighbours
		c.needed.Min.X, c.needed.Max.X = rect.Min.X/2-1, (rect.Max.X+1)/2+1
	}
	if c.v < vMax {
		c.needed.Min.Y, c.needed.Max.Y = rect.Min.Y/2-1, (rect.Max.Y+1)/2+1
	}
}

// mcus reads all MCUs, two at a time, and transforms the kept ones.
func (d *fastDecoder) mcus(ctx context.Context, scan []byte, across, down int, kept image.Rectangle) error {
	n := d.layOut()
	coefs := d.coefs[:n]
	d.rest = scan
	marker := d.segment()
	until, restarts := d.restart, 0
	clear(coefs)
	for y := 0; y < down && marker != 0; y++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		keep := y >= kept.Min.Y && y < kept.Max.Y
		for x := range across {
			if d.restart > 0 && until == 0 {
				if marker != markRST0+byte(restarts%8) || !d.finished() {
					return errOther
				}
				if marker = d.segment(); marker == 0 {
					return errOther
				}
				until, restarts = d.restart, restarts+1
				for i := range d.components {
					d.components[i].prediction = 0
				}
			}
			until--
			if !d.mcu(d.units[x%2][:n]) {
				return errOther
			}
			if x%2 == 0 && x+1 < across {
				continue
			}
			if even := x &^ 1; keep && even >= kept.Min.X && even < kept.Max.X {
				d.transform(even-kept.Min.X, y-kept.Min.Y)
			}
			clear(coefs)
		}
	}
	if marker != markEOI || !d.finished() {
		return errOther
	}
	return nil
}

// layOut sets the destinations of the blocks of two MCUs, side by side, and returns the
// number of blocks in one MCU.
func (d *fastDecoder) layOut() (n int) {
	for i := range d.components[:d.n] {
		c := &d.components[i]
		for mcu := range d.units {
			for v := range c.v {
				for h := range c.h {
					at := mcu*c.h + h // position in a row of both MCUs
					d.units[mcu][n+v*c.h+h] = unit{&d.coefs[n+v*c.h+at/2][at%2*8], c.dc, c.ac, &c.prediction}
				}
			}
		}
		n += c.h * c.v
	}
	return n
}

// transform turns the coefficients of two MCUs into pixels, if these are needed. x and y
// number the first one among the kept MCUs.
func (d *fastDecoder) transform(x, y int) {
	pairs := d.coefs[:]
	for i := range d.components[:d.n] {
		c := &d.components[i]
		chroma := i == 1 && c.divisors == d.components[2].divisors // both at once
		for v := range c.v {
			row := 8 * (y*c.v + v)
			if row < c.needed.Max.Y && row+8 > c.needed.Min.Y {
				rows := c.plane[row*c.width:][:8*c.width]
				begin, end := c.needed.Min.X-8*x*c.h, min(c.width, c.needed.Max.X)-8*x*c.h
				switch at := rows[8*x*c.h:]; {
				case c.h == 2 && begin < 16 && end > 16:
					inverseTwo(at, at[16:], c.width, (*[2][pair]int16)(pairs), c.divisors)
				case chroma && begin < 16 && end > 0:
					second := d.components[2].plane[row*c.width+8*x:]
					inverseTwo(at, second, c.width, (*[2][pair]int16)(pairs), c.divisors)
				case begin < 16 && end > 0:
					inversePair(at, c.width, pairs[0][:], c.divisors)
				case c.h == 2 && begin < 32 && end > 16:
					inversePair(at[16:], c.width, pairs[1][:], c.divisors)
				}
			}
			pairs = pairs[c.h:]
		}
		if chroma {
			return
		}
	}
}

// grow returns s with length n. It reuses s's memory if it is large enough. The contents
// are undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// summary returns the header of the last opened file.
func (d *fastDecoder) summary(width, height int) Header {
	pixels := int64(width) * int64(height)
	return Header{Width: width, Height: height, Components: d.n, Bits: 8, Scans: 1, ScanPixels: pixels, planes: true}
}
