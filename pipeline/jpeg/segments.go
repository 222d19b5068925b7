package jpeg

import (
	"bytes"
	"encoding/binary"
)

// Markers of T.81, table B.1.
const (
	markSOF0  = 0xc0 // baseline
	markSOF1  = 0xc1 // extended sequential
	markSOF2  = 0xc2 // progressive
	markSOF3  = 0xc3 // lossless
	markDHT   = 0xc4
	markJPG   = 0xc8
	markSOF9  = 0xc9 // sequential, arithmetic coding
	markSOF10 = 0xca // progressive, arithmetic coding
	markDAC   = 0xcc
	markSOF15 = 0xcf
	markRST0  = 0xd0
	markRST7  = 0xd7
	markSOI   = 0xd8
	markEOI   = 0xd9
	markSOS   = 0xda
	markDQT   = 0xdb
	markDNL   = 0xdc
	markDRI   = 0xdd
	markAPP0  = 0xe0
	markAPP14 = 0xee
	markSOF55 = 0xf7 // JPEG-LS (T.87)
	markCOM   = 0xfe
	markTEM   = 0x01
)

// segment is a marker of a file and its parameters.
type segment struct {
	marker byte
	body   []byte // without the length
	end    int    // in the file, after the body
}

// nextSegment returns the first segment at or after `at`. It skips bytes that aren't a
// marker, as libjpeg does: entropy-coded data (with the markers RST0 to RST7 in it), fill
// bytes, and stray bytes. It returns false if the file ends before or inside a segment.
func nextSegment(file []byte, at int) (s segment, ok bool) {
	for {
		i := bytes.IndexByte(file[min(at, len(file)):], 0xff)
		if i < 0 || at+i+1 >= len(file) {
			return s, false
		}
		at += i + 1
		switch m := file[at]; {
		case m == 0xff: // a fill byte
			continue
		case m == 0, m >= markRST0 && m <= markRST7, m == markSOI, m == markTEM:
			at++
			continue
		case m == markEOI:
			return segment{marker: m, end: at + 1}, true
		default:
			if at+3 > len(file) {
				return s, false
			}
			n := int(binary.BigEndian.Uint16(file[at+1:]))
			if n < 2 || at+1+n > len(file) {
				return s, false
			}
			return segment{m, file[at+3 : at+1+n], at + 1 + n}, true
		}
	}
}
