package gif

import (
	"bufio"
	"errors"
	"io"
)

// lzwReader unpacks GIF's LZW codes. Unlike compress/lzw it accepts literals of 1 to 11
// bits; pixels are their lower 8.
type lzwReader struct {
	r          io.ByteReader
	literal    int // bits of a literal
	width      int // bits of the next code
	next       int // code of the next new string
	last       int // last code, or −1 after a clear code
	bits, have uint
	prefix     [4096]uint16
	suffix     [4096]byte
	first      [4096]byte // first byte of a code's string
	text       [4097]byte // the string of a code, at the end of text
	left       []byte     // of text, unread
}

func newLZWReader(r io.Reader, literal int) *lzwReader {
	z := &lzwReader{r: bufio.NewReaderSize(r, 256), literal: literal}
	for i := range 1 << literal {
		z.suffix[i], z.first[i] = byte(i), byte(i)
	}
	z.clear()
	return z
}

func (z *lzwReader) clear() {
	z.width, z.next, z.last = z.literal+1, 1<<z.literal+2, -1
}

var errCode = errors.New("no such LZW code")

func (z *lzwReader) Read(p []byte) (int, error) {
	for len(z.left) == 0 {
		if err := z.string(); err != nil {
			return 0, err
		}
	}
	n := copy(p, z.left)
	z.left = z.left[n:]
	return n, nil
}

// string unpacks a code.
func (z *lzwReader) string() error {
	for z.have < uint(z.width) {
		b, err := z.r.ReadByte()
		if err != nil {
			return err
		}
		z.bits |= uint(b) << z.have
		z.have += 8
	}
	code := int(z.bits & (1<<z.width - 1))
	z.bits >>= z.width
	z.have -= uint(z.width)

	clear := 1 << z.literal
	switch {
	case code == clear:
		z.clear()
		return nil
	case code == clear+1:
		return io.EOF
	case code > z.next, code == z.next && (z.last < 0 || z.next == 4096), z.last < 0 && code > clear:
		return errCode
	}
	if z.last >= 0 && z.next < 4096 {
		z.prefix[z.next], z.first[z.next] = uint16(z.last), z.first[z.last]
		z.suffix[z.next] = z.first[code] // its own first byte, if it is this code
		z.next++
	}
	if z.next == 1<<z.width && z.width < 12 {
		z.width++
	}
	z.last = code
	at := len(z.text)
	for ; code > clear; code = int(z.prefix[code]) {
		at--
		z.text[at] = z.suffix[code]
	}
	at--
	z.text[at] = z.suffix[code]
	z.left = z.text[at:]
	return nil
}
