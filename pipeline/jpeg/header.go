package jpeg

import (
	"encoding/binary"
	"fmt"
)

// Header holds the facts of a file's markers, before anything is decoded.
type Header struct {
	Width, Height int // in pixels
	Components    int // 1: grey, 3: colour, 4: CMYK
	Bits          int // a sample

	// Scans is the number of scans, and ScanPixels the pixels that all of them
	// pass over together: the time that decoding takes is in proportion to these.
	Scans      int
	ScanPixels int64

	frame frame
	space space

	planes bool // only the samples of a part are decoded, at less memory
}

// frame holds the contents of a frame header (T.81, B.2.2).
type frame struct {
	marker     byte // SOF0 to SOF15
	components []component
	hMax, vMax int
}

// component is one of a picture's planes.
type component struct {
	id      byte
	h, v    int // blocks in an MCU, across and down
	quant   byte
	scanned bool // by some scan
}

// ReadHeader walks through the markers of a file up to its end. Its error is an
// [*Error].
func ReadHeader(file []byte) (Header, error) {
	var h Header
	if len(file) < 2 || file[0] != 0xff || file[1] != markSOI {
		return h, &Error{Damaged, "it doesn't begin as a JPEG file does"}
	}
	for at := 2; ; {
		s, ok := nextSegment(file, at)
		if !ok || s.marker == markEOI {
			break
		}
		at = s.end
		var err error
		switch {
		case isFrame(s.marker):
			err = h.readFrame(s)
		case s.marker == markSOS:
			h.addScan(s.body)
		case s.marker == markAPP0:
			h.space.sawAPP0(s.body)
		case s.marker == markAPP14:
			h.space.sawAPP14(s.body)
		case s.marker == markDNL && h.Height == 0 && len(s.body) >= 2:
			h.Height = int(binary.BigEndian.Uint16(s.body))
		}
		if err != nil {
			return h, err
		}
	}
	switch {
	case h.frame.marker == 0:
		return h, &Error{Cut, "it ends before its size"}
	case h.Width == 0 || h.Height == 0:
		return h, &Error{Damaged, fmt.Sprintf("its header says %d×%d pixels", h.Width, h.Height)}
	}
	// The height is final only now.
	pixels := float64(h.Width) * float64(h.Height)
	h.ScanPixels = int64(pixels * float64(h.ScanPixels) / float64(max(1, h.samplesInUnit())))
	return h, nil
}

func isFrame(marker byte) bool {
	return marker >= markSOF0 && marker <= markSOF15 && marker != markDHT && marker != markJPG && marker != markDAC ||
		marker == markSOF55
}

// readFrame reads B.2.2: the size and the components.
func (h *Header) readFrame(s segment) error {
	b := s.body
	switch {
	case h.frame.marker != 0:
		return &Error{Damaged, "it has two frame headers"}
	case len(b) < 6 || len(b) < 6+3*int(b[5]):
		return &Error{Damaged, "its frame header is too short"}
	}
	h.Bits = int(b[0])
	h.Height, h.Width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	h.Components = int(b[5])
	f := &h.frame
	f.marker, f.hMax, f.vMax = s.marker, 1, 1
	for i := range h.Components {
		b := b[6+3*i:]
		c := component{id: b[0], h: int(b[1] >> 4), v: int(b[1] & 15), quant: b[2]}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 {
			return &Error{Damaged, fmt.Sprintf("its component %d has the sampling factors %d×%d", i+1, c.h, c.v)}
		}
		f.components = append(f.components, c)
		f.hMax, f.vMax = max(f.hMax, c.h), max(f.vMax, c.v)
	}
	return nil
}

// addScan counts a scan. Until the size is known, ScanPixels counts samples of an MCU.
func (h *Header) addScan(body []byte) {
	h.Scans++
	if len(body) < 1 {
		return
	}
	for i := range int(body[0]) {
		if 1+2*i >= len(body) {
			return
		}
		for j := range h.frame.components {
			if c := &h.frame.components[j]; c.id == body[1+2*i] {
				c.scanned = true
				h.ScanPixels += int64(c.h * c.v)
				break
			}
		}
	}
}

// scanned reports whether every component has a scan.
func (h *Header) scanned() bool {
	for _, c := range h.frame.components {
		if !c.scanned {
			return false
		}
	}
	return true
}

// samplesInUnit is the number of blocks in an MCU of all components.
func (h *Header) samplesInUnit() (n int64) {
	for _, c := range h.frame.components {
		n += int64(c.h * c.v)
	}
	return n
}

// Memory estimates the most bytes that decoding the file takes, besides the file
// itself: the samples of the picture, and all its coefficients if there is more than
// one scan.
func (h *Header) Memory() int64 {
	if h.planes {
		return int64(h.Width) * int64(h.Height) * int64(h.Components)
	}
	samples, unit := h.samplesInUnit(), int64(h.frame.hMax*h.frame.vMax)
	pixels := int64(h.Width) * int64(h.Height)
	planes, out := pixels*samples/max(1, unit), int64(3)
	if h.Components == 4 {
		out += 4
	}
	return 2*planes + max(planes, out*pixels)
}

// colours returns the meaning of the components.
func (h *Header) colours() colours {
	var ids [4]byte
	for i, c := range h.frame.components[:min(4, h.Components)] {
		ids[i] = c.id
	}
	return h.space.of(h.Components, ids)
}

// CMYK reports whether the picture has four colours.
func (h *Header) CMYK() bool { return h.Components == 4 }

// unsupported returns why the general decoder can't decode the picture, and whether
// libjpeg-turbo may be able to.
func (h *Header) unsupported() (reason string, turbo bool) {
	switch m := h.frame.marker; {
	case m == markSOF55:
		return "it is JPEG-LS", false
	case h.Components != 1 && h.Components != 3 && h.Components != 4:
		return fmt.Sprintf("it has %d components, which is neither grey, colour nor CMYK", h.Components), false
	case m == markSOF3:
		return "it is lossless JPEG", true
	case m == markSOF9 || m == markSOF10:
		return "its coding is arithmetic", true
	case m > markSOF3 && m != markSOF9 && m != markSOF10:
		return fmt.Sprintf("it is of process SOF%d, hierarchical or lossless", m-markSOF0), false
	case h.Bits != 8 && h.Bits != 12:
		return fmt.Sprintf("it has %d bits a sample", h.Bits), true
	}
	return "", h.Bits == 8
}
