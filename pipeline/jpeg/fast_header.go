package jpeg

import (
	"encoding/binary"
	"errors"
	"image"
)

// errOther is returned for a file that fastDecoder doesn't decode.
var errOther = errors.New("jpeg: not a whole baseline JPEG file")

// fastComponent is one of a picture's planes.
type fastComponent struct {
	id            byte
	h, v          int  // blocks in an MCU, across and down
	quant, tables byte // numbers of the divisors and, four bits each, of the code tables
	divisors      *[pair]int16
	dc, ac        *huffman
	prediction    int32 // first coefficient of the last block

	plane  []byte
	width  int             // of a row of plane in bytes
	needed image.Rectangle // the part of plane that is needed; the rest is undefined
}

// tables are those of the last file, kept for the next one.
type tables struct {
	divisors [4][pair]int16
	dcs, acs [4]huffman
}

// fastHeader holds everything before the scan.
type fastHeader struct {
	width, height int
	components    [3]fastComponent
	n             int // components
	hMax, vMax    int
	restart       int // MCUs between markers; 0: none
	divisors      [4]*[pair]int16
	dcs, acs      [4]*huffman
	tables        *tables // the memory of the above pointers
	colours       colours
	space
}

// parse reads the header up to the scan's, and returns the bytes after it.
func (h *fastHeader) parse(file []byte) (scan []byte, err error) {
	if len(file) < 4 || file[0] != 0xff || file[1] != markSOI {
		return nil, errOther
	}
	for rest := file[2:]; ; {
		for len(rest) > 1 && rest[0] == 0xff && rest[1] == 0xff { // fill bytes
			rest = rest[1:]
		}
		if len(rest) < 4 || rest[0] != 0xff {
			return nil, errOther
		}
		marker, n := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		if n < 2 || len(rest) < 2+n {
			return nil, errOther
		}
		body := rest[4 : 2+n]
		rest = rest[2+n:]
		ok := true
		switch {
		case marker == markSOF0 || marker == markSOF1:
			ok = h.frame(body)
		case marker == markDHT:
			ok = h.huffmanTables(body)
		case marker == markDQT:
			ok = h.quantTables(body)
		case marker == markDRI:
			if ok = len(body) == 2; ok {
				h.restart = int(binary.BigEndian.Uint16(body))
			}
		case marker == markAPP0:
			h.sawAPP0(body)
		case marker == markAPP14:
			h.sawAPP14(body)
		case marker == markSOS:
			if !h.scan(body) || !h.complete() {
				return nil, errOther
			}
			return rest, nil
		case marker > markAPP0 && marker < markAPP14, marker == markAPP14+1, marker == markCOM:
		default:
			ok = false
		}
		if !ok {
			return nil, errOther
		}
	}
}

// frame reads B.2.2: the size and the components.
func (h *fastHeader) frame(b []byte) bool {
	if h.n != 0 || len(b) < 6 || b[0] != 8 {
		return false
	}
	h.height, h.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	h.n = int(b[5])
	if h.width == 0 || h.height == 0 || h.n != 1 && h.n != 3 || len(b) != 6+3*h.n {
		return false
	}
	for i := range h.n {
		c := b[6+3*i:]
		h.components[i] = fastComponent{id: c[0], h: int(c[1] >> 4), v: int(c[1] & 15), quant: c[2]}
		if c[2] > 3 {
			return false
		}
	}
	luma := &h.components[0]
	if h.n == 1 { // with one component, blocks are in raster order, whatever the factors are
		luma.h, luma.v = 1, 1
	}
	for i := 1; i < h.n; i++ {
		if c := &h.components[i]; c.h != 1 || c.v != 1 {
			return false
		}
	}
	h.hMax, h.vMax = luma.h, luma.v
	return luma.h >= 1 && luma.h <= 2 && luma.v >= 1 && luma.v <= 2
}

// quantTables reads B.2.4.1.
func (h *fastHeader) quantTables(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 65 || b[0] > 3 { // tables with b[0] > 3 have 16 bits
			return false
		}
		h.tables.divisors[b[0]] = pairOf(b[1:65])
		h.divisors[b[0]] = &h.tables.divisors[b[0]]
		b = b[65:]
	}
	return true
}

// huffmanTables reads B.2.4.2.
func (h *fastHeader) huffmanTables(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 17 || b[0]&0xef > 3 {
			return false
		}
		n := 0
		for _, count := range b[1:17] {
			n += int(count)
		}
		if n > 256 || len(b) < 17+n {
			return false
		}
		set, all, largest := &h.acs, &h.tables.acs, byte(largestAC)
		if b[0]>>4 == 0 {
			set, all, largest = &h.dcs, &h.tables.dcs, largestDC
		}
		i := b[0] & 15
		if set[i] = &all[i]; !set[i].set(b[1:17], b[17:17+n], largest) {
			return false
		}
		b = b[17+n:]
	}
	return true
}

// scan reads B.2.3: all components, in the frame's order, and all coefficients.
func (h *fastHeader) scan(b []byte) bool {
	if h.n == 0 || len(b) != 4+2*h.n || int(b[0]) != h.n {
		return false
	}
	for i := range h.n {
		c := &h.components[i]
		c.tables = b[2+2*i]
		if b[1+2*i] != c.id || c.tables&0xcc != 0 {
			return false
		}
	}
	return true // other parameters have no meaning here, and phones write odd ones
}

// complete sets the tables of the components, and reports whether all exist.
func (h *fastHeader) complete() bool {
	for i := range h.n {
		c := &h.components[i]
		c.divisors, c.dc, c.ac = h.divisors[c.quant], h.dcs[c.tables>>4], h.acs[c.tables&15]
		if c.divisors == nil || c.dc == nil || c.ac == nil {
			return false
		}
		if useAVX2 {
			c.ac.couple()
		}
	}
	var ids [4]byte
	for i := range h.n {
		ids[i] = h.components[i].id
	}
	h.colours = h.space.of(h.n, ids)
	return true
}
