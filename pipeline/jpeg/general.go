package jpeg

import (
	"bytes"
	"context"
	"fmt"
	"image"
)

// general decodes every Huffman-coded file of 8 or 12 bits that is based on the DCT:
// sequential and progressive, any number of scans, any sampling factors, one, three or
// four components. It holds the coefficients of the whole picture, because several scans
// may contribute to each. The pixels are libjpeg's to the bit. Samples of 12 bits keep
// their highest eight before they become colours.
//
// It accepts irregularities without missing data: bytes outside of segments, meaningless
// parameters of a sequential scan, unknown transforms, any version, and a missing end
// after the last pixel. Missing or impossible data is an error.
type general struct {
	reader
	file     []byte
	header   Header
	planes   [4]blocks
	dcs, acs [4]huffman
	defined  struct{ dc, ac, quant [4]bool }
	quants   [4][pair]int16
	restart  int // MCUs between markers; 0: none
	picture  Picture

	// Of the current scan.
	first, last int // coefficients
	low         uint
	refine      bool
	endRun      int // remaining blocks of a run without coefficients
}

// blocks are the blocks of a component.
type blocks struct {
	component
	across, down int     // blocks that belong to the picture
	coefs        []int16 // rows of stride blocks, in pairs
	stride       int     // even
	divisors     [pair]int16
	left         [64]int8 // missing low bits of each coefficient; −1: all
	seen         bool
	dc, ac       *huffman
	prediction   int32
	plane        []byte
}

// keptCoefs is the largest number of coefficients whose memory is kept between pictures.
const keptCoefs = 32 << 20

// decode decodes the part of a picture inside part, and some pixels around it.
func (g *general) decode(ctx context.Context, file []byte, h Header, part image.Rectangle) (*Picture, error) {
	g.begin(file, h)
	if err := g.scans(ctx); err != nil {
		return nil, err
	}
	p := g.transform(part)
	for i := range g.planes {
		if c := &g.planes[i]; cap(c.coefs) > keptCoefs {
			c.coefs = nil
		}
	}
	return p, nil
}

func (g *general) begin(file []byte, h Header) {
	g.file, g.header, g.restart = file, h, 0
	g.defined = struct{ dc, ac, quant [4]bool }{}
	f := &h.frame
	mcusAcross := (h.Width + 8*f.hMax - 1) / (8 * f.hMax)
	mcusDown := (h.Height + 8*f.vMax - 1) / (8 * f.vMax)
	for i, c := range f.components {
		p := &g.planes[i]
		p.component, p.seen = c, false
		p.across = ((h.Width*c.h+f.hMax-1)/f.hMax + 7) / 8
		p.down = ((h.Height*c.v+f.vMax-1)/f.vMax + 7) / 8
		p.stride = (mcusAcross*c.h + 1) &^ 1
		p.coefs = grow(p.coefs, 64*p.stride*mcusDown*c.v)
		clear(p.coefs)
		for k := range p.left {
			p.left[k] = -1
		}
	}
}

// scans reads the tables and scans.
func (g *general) scans(ctx context.Context) error {
	scans := 0
	for at := 2; ; {
		s, ok := nextSegment(g.file, at)
		if !ok || s.marker == markEOI {
			if scans == 0 || !ok && !g.complete() {
				return &Error{Cut, "its end is missing"}
			}
			break
		}
		at = s.end
		var err error
		switch s.marker {
		case markDQT:
			err = g.quantTables(s.body)
		case markDHT:
			err = g.huffmanTables(s.body)
		case markDRI:
			if len(s.body) < 2 {
				return &Error{Damaged, "its restart interval is too short"}
			}
			g.restart = int(s.body[0])<<8 | int(s.body[1])
		case markSOS:
			scans++
			at, err = g.scan(ctx, s.body, at)
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	for i := range g.header.Components {
		if !g.planes[i].seen {
			return &Error{Damaged, fmt.Sprintf("it holds no data of its component %d", i+1)}
		}
	}
	return nil
}

// complete reports whether the file had every bit of every coefficient.
func (g *general) complete() bool {
	for i := range g.header.Components {
		if g.planes[i].left != [64]int8{} {
			return false
		}
	}
	return true
}

// quantTables reads B.2.4.1.
func (g *general) quantTables(b []byte) error {
	for len(b) > 0 {
		size := 1 + int(b[0]>>4)
		if b[0]&15 > 3 || size > 2 || len(b) < 1+64*size {
			return &Error{Damaged, "its quantization tables make no sense"}
		}
		q := &g.quants[b[0]&15]
		g.defined.quant[b[0]&15] = true
		for k := range 64 {
			v := int16(b[1+k])
			if size == 2 {
				v = int16(uint16(b[1+2*k])<<8 | uint16(b[2+2*k]))
			}
			q[places[k]], q[places[k]+8] = v, v
		}
		b = b[1+64*size:]
	}
	return nil
}

// huffmanTables reads B.2.4.2.
func (g *general) huffmanTables(b []byte) error {
	for len(b) > 0 {
		n := 0
		if len(b) >= 17 {
			for _, count := range b[1:17] {
				n += int(count)
			}
		}
		if len(b) < 17+n || n > 256 || b[0]&0xef > 3 {
			return &Error{Damaged, "its Huffman tables make no sense"}
		}
		if err := g.setTable(b[0]>>4 == 1, b[0]&15, b[1:17], b[17:17+n]); err != nil {
			return err
		}
		b = b[17+n:]
	}
	return nil
}

func (g *general) setTable(ac bool, i byte, counts, values []byte) error {
	t, have := &g.dcs[i], &g.defined.dc[i]
	if ac {
		t, have = &g.acs[i], &g.defined.ac[i]
	}
	*have = true
	for _, v := range values {
		if !ac && v > 15 {
			return &Error{Damaged, "its Huffman tables hold impossible values"}
		}
	}
	if !t.set(counts, values, 15) {
		return &Error{Damaged, "its Huffman tables hold more codes than there are"}
	}
	return nil
}

// scan reads a scan with the header body and data at `at`, and returns the end of the
// data.
func (g *general) scan(ctx context.Context, body []byte, at int) (end int, err error) {
	planes, err := g.scanHeader(body)
	if err != nil {
		return at, err
	}
	f := &g.header.frame
	across := (g.header.Width + 8*f.hMax - 1) / (8 * f.hMax)
	down := (g.header.Height + 8*f.vMax - 1) / (8 * f.vMax)
	single := len(planes) == 1
	if single { // with one component, blocks are in raster order, whatever the factors are
		across, down = planes[0].across, planes[0].down
	}
	at = g.interval(at)
	g.restarted(planes)
	until, restarts := g.restart, 0
	for y := range down {
		if err := ctx.Err(); err != nil {
			return at, err
		}
		for x := range across {
			if g.restart > 0 && until == 0 {
				if at, err = g.nextInterval(at, restarts); err != nil {
					return at, err
				}
				g.restarted(planes)
				until, restarts = g.restart, restarts+1
			}
			until--
			for _, p := range planes {
				h, v := p.h, p.v
				if single {
					h, v = 1, 1
				}
				for j := range v {
					for i := range h {
						b := p.coefs[blockAt((y*v+j)*p.stride+x*h+i):][:place(63)+1]
						if err := g.block(p, b); err != nil {
							if g.unread() < 16 { // zeros after the end aren't a code
								return at, g.short(at)
							}
							return at, err
						}
						if g.pos > g.end+8 {
							return at, g.short(at)
						}
					}
				}
			}
		}
	}
	if g.unread() < 0 {
		return at, g.short(at)
	}
	return at, nil
}

// scanHeader reads B.2.3, and returns the components of the scan.
func (g *general) scanHeader(b []byte) (planes []*blocks, err error) {
	if len(b) < 1 || len(b) < 4+2*int(b[0]) || b[0] < 1 || b[0] > 4 {
		return nil, &Error{Damaged, "its scan header is too short"}
	}
	n := int(b[0])
	progressive := g.header.frame.marker == markSOF2
	g.first, g.last, g.low, g.refine = 0, 63, 0, false
	if progressive { // a sequential scan ignores these
		params := b[1+2*n:]
		high := uint(params[2] >> 4)
		g.first, g.last, g.low, g.refine = int(params[0]), int(params[1]), uint(params[2]&15), high != 0
		if g.first == 0 && g.last != 0 || g.first > g.last || g.last > 63 || g.first > 0 && n > 1 ||
			g.refine && g.low != high-1 || g.low > 13 {
			return nil, &Error{Damaged, fmt.Sprintf("a scan of the coefficients %d–%d of %d components with the bits %d/%d makes no sense",
				g.first, g.last, n, high, g.low)}
		}
	}
	for i := range n {
		id, tables := b[1+2*i], b[2+2*i]
		var p *blocks
		for j := range g.header.Components {
			if g.planes[j].id == id {
				p = &g.planes[j]
				break
			}
		}
		if p == nil || tables&0xcc != 0 {
			return nil, &Error{Damaged, fmt.Sprintf("a scan's component %d isn't in the frame", id)}
		}
		if !p.seen {
			if p.quant > 3 || !g.defined.quant[p.quant] {
				return nil, &Error{Damaged, "it lacks a quantization table"}
			}
			p.divisors, p.seen = g.quants[p.quant], true
		}
		dc, ac := tables>>4, tables&15
		if !progressive {
			g.standard(dc, ac)
		}
		if g.first == 0 && !g.refine && !g.defined.dc[dc] || g.last > 0 && !g.defined.ac[ac] {
			return nil, &Error{Damaged, "it lacks a Huffman table"}
		}
		p.dc, p.ac = &g.dcs[dc], &g.acs[ac]
		for k := g.first; k <= g.last; k++ {
			p.left[k] = int8(g.low)
		}
		planes = append(planes, p)
	}
	return planes, nil
}

// interval reads the data from `at` up to the next marker, and returns the position of
// the marker, or of the file's end.
func (g *general) interval(at int) int {
	g.data = g.data[:0]
	for at < len(g.file) {
		i := bytes.IndexByte(g.file[at:], 0xff)
		if i < 0 {
			i = len(g.file) - at
		}
		g.data = append(g.data, g.file[at:at+i]...)
		at += i
		next := at
		for next < len(g.file) && g.file[next] == 0xff { // fill bytes
			next++
		}
		if next >= len(g.file) || g.file[next] != 0 {
			break
		}
		g.data = append(g.data, 0xff) // a stuffed byte
		at = next + 1
	}
	g.pad()
	return at
}

// nextInterval reads the interval after the restart marker at `at`, the first after
// restarts others.
func (g *general) nextInterval(at, restarts int) (int, error) {
	if g.unread() < 0 {
		return at, g.short(at)
	}
	for at < len(g.file) && g.file[at] == 0xff {
		at++
	}
	if at >= len(g.file) || g.file[at] != markRST0+byte(restarts%8) {
		return at, &Error{Damaged, fmt.Sprintf("restart marker %d is missing", restarts)}
	}
	for i := (8*g.pos - int(g.cursor.have) + 7) / 8; i < g.end; i++ {
		if g.data[i] != 0 {
			return at, &Error{Damaged, fmt.Sprintf("there are bytes too many before restart marker %d", restarts)}
		}
	}
	return g.interval(at + 1), nil
}

func (g *general) restarted(planes []*blocks) {
	g.endRun = 0
	for _, p := range planes {
		p.prediction = 0
	}
}

// short is the error for an interval that ends too early, before `at`.
func (g *general) short(at int) error {
	for at < len(g.file) && g.file[at] == 0xff {
		at++
	}
	if at >= len(g.file) || g.file[at] == markEOI {
		return &Error{Cut, "its data end too early"}
	}
	return &Error{Damaged, "data are missing between two markers"}
}

// transform makes the part of the picture inside part, and at least eight pixels around
// it within the picture.
func (g *general) transform(part image.Rectangle) *Picture {
	h, f := &g.header, &g.header.frame
	w, t := 8*f.hMax, 8*f.vMax
	// The kept MCUs begin at an even one, because blocks come in pairs.
	kept := image.Rect((part.Min.X-8)/w&^1, (part.Min.Y-8)/t, (part.Max.X+8+w-1)/w, (part.Max.Y+8+t-1)/t).
		Intersect(image.Rect(0, 0, (h.Width+w-1)/w, (h.Height+t-1)/t))
	p := &g.picture
	p.Bounds = image.Rect(kept.Min.X*w, kept.Min.Y*t, kept.Max.X*w, kept.Max.Y*t).Intersect(image.Rect(0, 0, h.Width, h.Height))
	p.planesBounds = p.Bounds
	p.hMax, p.vMax, p.colours, p.planes = f.hMax, f.vMax, h.colours(), p.planes[:0]
	for i := range h.Components {
		c := &g.planes[i]
		stride := (8*c.h*kept.Dx() + 15) &^ 15
		c.plane = grow(c.plane, stride*8*c.v*kept.Dy())
		for y := range c.v * kept.Dy() {
			rows := c.plane[y*8*stride:][:8*stride]
			coefs := c.coefs[blockAt((kept.Min.Y*c.v+y)*c.stride+kept.Min.X*c.h):]
			for at := 0; at < stride; at += 16 {
				if h.Bits == 12 {
					inversePair12(rows[at:], stride, coefs[8*at:][:pair], &c.divisors)
				} else {
					inversePair(rows[at:], stride, coefs[8*at:][:pair], &c.divisors)
				}
			}
		}
		p.planes = append(p.planes, plane{
			pix: c.plane, stride: stride,
			width:  (p.Bounds.Dx()*c.h + f.hMax - 1) / f.hMax,
			height: (p.Bounds.Dy()*c.v + f.vMax - 1) / f.vMax,
			h:      c.h, v: c.v,
			narrow: (h.Width*c.h+f.hMax-1)/f.hMax <= 2,
		})
	}
	return p
}
