package jpeg

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unsafe"
)

// reader reads the coefficients of a scan.
type reader struct {
	rest []byte // the file after data
	data []byte // bytes up to the next marker, without stuffing, then padding
	end  int    // length of data without the padding

	cursor
}

// cursor is a reader's position.
type cursor struct {
	pos  int    // of the next byte that isn't in bits
	bits uint64 // the next bits, the first one highest; bits after have of them may be there too, and are correct
	have uint
}

// padding is longer than an MCU: six blocks of 16 + 11 bits and 63 times 16 + 10, and
// eight bytes of look-ahead.
const padding = 2048

// segment reads the bytes before the next marker into data, and returns the marker, 0 if
// there is none.
func (r *reader) segment() (marker byte) {
	r.data = r.data[:0]
	for marker == 0 {
		i := bytes.IndexByte(r.rest, 0xff)
		if i < 0 || i+1 >= len(r.rest) {
			return 0
		}
		r.data = append(r.data, r.rest[:i]...)
		marker = r.rest[i+1]
		if marker == 0 { // a stuffed 0xff
			r.data = append(r.data, 0xff)
		}
		r.rest = r.rest[i+2:]
	}
	r.pad()
	return marker
}

// pad appends the padding, and moves to the beginning of the data.
func (r *reader) pad() {
	r.end = len(r.data)
	r.data = slices.Grow(r.data, padding)[:r.end+padding]
	clear(r.data[r.end:])
	r.cursor = cursor{}
}

// unread is the number of unread bits of data; below 0 if more were read than there are.
func (r *reader) unread() int { return 8*r.end - (8*r.pos - int(r.have)) }

// finished reports whether all of the segment was read, except the bits that fill its
// last byte.
func (r *reader) finished() bool {
	left := r.unread()
	return left >= 0 && left < 8
}

// zigzag is the position in a block, row by row, of the k-th coefficient (T.81, figure
// A.6).
var zigzag = [64]byte{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// Two blocks side by side interleave their coefficients: a row of the first block, the
// same row of the second, and so on.
const pair = 128

// place is the position of coefficient i of a pair's first block. The second block's is 8
// further.
func place(i int) int { return i/8*16 + i%8 }

// blockAt is the beginning of block i of a row of blocks.
func blockAt(i int) int { return i/2*pair + i%2*8 }

// places are the positions of coefficients in zigzag order. After 63, which only damaged
// blocks reach, all are the last one's.
var places = func() (p [256]byte) {
	for k := range p {
		p[k] = byte(place(63))
	}
	for k, i := range zigzag {
		p[k] = byte(place(int(i)))
	}
	return p
}()

// pairOf repeats divisors for the two blocks of a pair.
func pairOf(divisors []byte) (p [pair]int16) {
	for k, v := range divisors {
		p[places[k]], p[places[k]+8] = int16(v), int16(v)
	}
	return p
}

// value is the coefficient of size bits that 64−total other bits follow. A first bit of 0
// makes it negative (T.81, F.2.2.1).
func value(bits uint64, total, size uint) int32 {
	v := int32(bits>>((64-total)&63)) & (1<<(size&31) - 1)
	negative := v>>((size-1)&31) - 1
	return v + negative&(1-1<<(size&31))
}

// refill reads bytes until bits holds 56 or more.
func (c *cursor) refill(data []byte) {
	c.bits |= binary.BigEndian.Uint64(data[c.pos:]) >> (c.have & 63)
	c.pos += int((63 - c.have) >> 3)
	c.have |= 56
}

// unit is one of the blocks of an MCU. The assembly depends on the order of the fields.
type unit struct {
	block      *int16 // destination of its coefficients, all 0 before
	dc, ac     *huffman
	prediction *int32 // the first coefficient of the component's last block
}

// mcu reads the blocks of an MCU, and reports whether it could.
func (r *reader) mcu(units []unit) bool {
	for i, k := 0, -1; ; {
		i, k = coefficients(r.data, &r.cursor, units, i, k)
		if i == len(units) {
			return r.pos <= r.end+8
		}
		if k > 63 {
			return false
		}
		// The next code is longer than the table's.
		u := &units[i]
		table := u.ac
		if k < 0 {
			table = u.dc
		}
		r.refill(r.data)
		s := table.long(r.bits)
		if s == 0 {
			return false
		}
		done := false
		if k, done = r.take(s, k, u); done {
			if k > 63 {
				return false
			}
			if i, k = i+1, -1; i == len(units) {
				return r.pos <= r.end+8
			}
		}
	}
}

// take stores the coefficient of a symbol, the first after the k-th. It returns the
// coefficient's number, and whether the block ends.
func (c *cursor) take(s symbol, k int, u *unit) (at int, done bool) {
	b := unsafe.Slice(u.block, place(63)+1)
	total, size := uint(s&totalMask), uint(s>>sizeShift&sizeMask)
	v := int32(0)
	if size > 0 {
		v = value(c.bits, total, size)
	}
	c.bits <<= total
	c.have -= total
	if k < 0 {
		*u.prediction += v
		b[0] = int16(*u.prediction)
		return 0, false
	}
	step := int(s >> stepShift)
	if size == 0 && step != zeroes {
		return k, true
	}
	k += step
	if size > 0 {
		b[places[k&255]] = int16(v)
	}
	return k, k >= 63
}

// coefficientsGo reads the coefficients of units. It begins in unit i after coefficient
// k; k is −1 before the first one, which is coded as a difference from the prediction.
// After the last unit it returns the number of units. At a symbol outside the table it
// stops, and returns its position. It also stops after a damaged block, with a k above
// 63.
func coefficientsGo(data []byte, c *cursor, units []unit, i, k int) (unit, at int) {
	for ; i < len(units); i, k = i+1, -1 {
		u := &units[i]
		for done := k >= 63; !done; {
			c.refill(data)
			for range 2 { // have enough bits
				table := u.ac
				if k < 0 {
					table = u.dc
				}
				s := table.short[c.bits>>(64-lookBits)]
				if s == 0 {
					return i, k
				}
				if k, done = c.take(s, k, u); done {
					break
				}
			}
		}
		if k > 63 {
			return i, k
		}
	}
	return i, k
}
