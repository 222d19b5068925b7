package tiff

import (
	"errors"
	"fmt"
	"io"
)

// faxKind is one of TIFF's codings of ITU-T T.4 and T.6.
type faxKind struct {
	twoRows bool // T.6: each row is coded by the row above it
	tagged  bool // T.4 in two dimensions: a bit marks rows that are coded by the row above
	marked  bool // T.4: rows begin with an end-of-line code
	align   int  // rows begin at multiples of this number of bits
}

// faxReader unpacks rows of bits, each padded to whole bytes: 0 is T.4's white, 1 its
// black.
type faxReader struct {
	kind  faxKind
	data  []byte
	at    int // in bits
	width int

	above, changes []int // positions of colour changes, first to black, in the last row and in this one
	row            []byte
	left           []byte // of row, unread
}

func newFaxReader(data []byte, width int, kind faxKind) *faxReader {
	return &faxReader{kind: kind, data: data, width: width, row: make([]byte, (width+7)/8)}
}

var (
	errFaxCode   = errors.New("no such fax code")
	errFaxRow    = errors.New("a row of another width")
	errExtension = unsupported("fax data in uncompressed mode")
)

func (f *faxReader) Read(p []byte) (int, error) {
	if len(f.left) == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, f.left)
	f.left = f.left[n:]
	return n, nil
}

// next unpacks a row.
func (f *faxReader) next() error {
	f.above, f.changes = f.changes, f.above[:0]
	byAbove, err := f.start()
	if err != nil {
		return err
	}
	decode := f.oneRow
	if byAbove {
		decode = f.twoRows
	}
	if err := decode(); err != nil {
		if f.at > 8*len(f.data) {
			return io.ErrUnexpectedEOF
		}
		return fmt.Errorf("fax data at byte %d: %w", f.at/8, err)
	}
	if f.at > 8*len(f.data) {
		return io.ErrUnexpectedEOF
	}
	clear(f.row)
	for i := 0; i < len(f.changes); i += 2 {
		end := f.width
		if i+1 < len(f.changes) {
			end = f.changes[i+1]
		}
		blacken(f.row, f.changes[i], end)
	}
	f.left = f.row
	return nil
}

// blacken sets the bits from `from` up to `to`.
func blacken(row []byte, from, to int) {
	for from < to && from%8 != 0 {
		row[from/8] |= 0x80 >> (from % 8)
		from++
	}
	for ; from+8 <= to; from += 8 {
		row[from/8] = 0xff
	}
	for ; from < to; from++ {
		row[from/8] |= 0x80 >> (from % 8)
	}
}

// peek returns the next n bits, at most 24, with zeros after the end.
func (f *faxReader) peek(n int) int {
	v, at := 0, f.at/8
	for i := range 4 {
		v <<= 8
		if at+i < len(f.data) {
			v |= int(f.data[at+i])
		}
	}
	return v >> (32 - f.at%8 - n) & (1<<n - 1)
}

// start moves to the first code of the next row, and reports whether it is coded by the
// row above.
func (f *faxReader) start() (byAbove bool, err error) {
	if a := f.kind.align; a > 0 {
		f.at = (f.at + a - 1) / a * a
	}
	if f.kind.twoRows {
		if f.peek(24) == 0x001001 { // the end of the block
			return false, io.ErrUnexpectedEOF
		}
		return true, nil
	}
	if !f.kind.marked {
		return false, nil
	}
	marks := 0
	for ; f.peek(11) == 0; marks++ { // with any number of zeros before its 1
		for f.at += 11; f.peek(1) == 0; f.at++ {
			if f.at >= 8*len(f.data) {
				return false, io.ErrUnexpectedEOF
			}
		}
		f.at++
		if f.kind.tagged {
			byAbove = f.peek(1) == 0
			f.at++
		}
	}
	if marks > 1 && len(f.above) > 0 { // the end of the page
		return false, io.ErrUnexpectedEOF
	}
	return byAbove, nil
}

// run reads the length of a run of white (0) or black (1).
func (f *faxReader) run(colour int) (int, error) {
	for sum := 0; ; {
		code := faxRuns[colour][f.peek(faxBits)]
		if code.bits == 0 {
			return 0, errFaxCode
		}
		f.at += int(code.bits)
		sum += int(code.run)
		if sum > f.width {
			return 0, errFaxRow
		}
		if code.run < 64 {
			return sum, nil
		}
	}
}

func (f *faxReader) oneRow() error {
	for x, colour := 0, 0; x < f.width; colour = 1 - colour {
		n, err := f.run(colour)
		if err != nil {
			return err
		}
		if x += n; x > f.width {
			return errFaxRow
		}
		f.changes = append(f.changes, x)
	}
	return nil
}

// twoRows decodes a row by the one above it. The names are T.4's: a0 is the current
// position; b1 is the first change above, right of a0, from a0's colour to the other one;
// b2 is the change after b1. As in libtiff, runs of no pixels count as changes, because
// some encoders count them.
func (f *faxReader) twoRows() error {
	a0, b := 0, 0 // b is the index of b1
	at := func(i int) int {
		switch {
		case i < 0: // the start of the row
			return 0
		case i < len(f.above):
			return f.above[i]
		}
		return f.width
	}
	advance := func() {
		for len(f.changes) > 0 && at(b) <= a0 && at(b) < f.width {
			b += 2
		}
	}
	for a0 < f.width {
		advance()
		bits, shift := 0, 0
		switch code := f.peek(7); {
		case code>>6 == 0b1:
			bits, shift = 1, 0
		case code>>4 == 0b011:
			bits, shift = 3, 1
		case code>>4 == 0b010:
			bits, shift = 3, -1
		case code>>1 == 0b000011:
			bits, shift = 6, 2
		case code>>1 == 0b000010:
			bits, shift = 6, -2
		case code == 0b0000011:
			bits, shift = 7, 3
		case code == 0b0000010:
			bits, shift = 7, -3
		case code>>3 == 0b0001: // pass
			f.at += 4
			a0 = at(b + 1)
			b += 2
			continue
		case code>>4 == 0b001: // horizontal
			f.at += 3
			for range 2 {
				n, err := f.run(len(f.changes) % 2)
				if err != nil {
					return err
				}
				if a0 += n; a0 > f.width {
					return errFaxRow
				}
				f.changes = append(f.changes, a0)
			}
			continue
		case code == 0b0000001:
			return errExtension
		default:
			return errFaxCode
		}
		f.at += bits
		x := at(b) + shift
		if x < a0 || x > f.width {
			return errFaxRow
		}
		f.changes = append(f.changes, x)
		a0 = x
		if shift >= 0 {
			b++
		} else { // the previous change may be right of a0, too
			b--
		}
	}
	return nil
}
