package jpeg

import "bytes"

// lookBits is the number of bits of one look-up; longer codes are rare.
const lookBits = 11

// The most bits of a coefficient after its code, for eight-bit pictures (T.81, tables F.1
// and F.2). A code has at most 16 bits. So two codes and their values fit the 56 bits
// that a refill guarantees.
const largestDC, largestAC = 11, 10

// A symbol holds, from the lowest bit: in 6 bits the bits of its code and coefficient
// together, in 4 bits those of the coefficient, and in 5 bits the coefficient's distance
// from the last one. 0 is no symbol.
type symbol = uint16

const (
	totalMask = 1<<6 - 1
	sizeShift = 6
	sizeMask  = 1<<4 - 1
	stepShift = 10
)

func makeSymbol(codeBits int, value byte) symbol {
	size := symbol(value & 15)
	return symbol(codeBits) + size | size<<sizeShift | (symbol(value>>4)+1)<<stepShift
}

// zeroes is the distance of a symbol for sixteen zeros, without a coefficient.
const zeroes = 16

// huffman is a table of codes. The assembly depends on the order of its first fields.
type huffman struct {
	short   [1 << lookBits]symbol // by the next bits; 0: a longer code, or none
	couples [1 << lookBits]couple // by the same bits, if coupled
	coupled bool

	// Codes of l bits, shifted to 16 bits, are below limit[l] and not below limit[l−1]. The
	// i-th of all codes has the symbol values[i], and first[l] is the number of a code of l
	// zero bits.
	limit  [17]uint32
	first  [17]int
	values []byte

	made []byte // the counts, values and largest of this table
}

// set makes the table of T.81, C.2, from counts of codes by length, and their values. It
// returns false if there are more codes than bits allow, or values of more than largest
// bits. A file often has the same tables as the last one, which are kept.
func (h *huffman) set(counts, values []byte, largest byte) bool {
	n := len(h.made)
	if n == 17+len(values) && bytes.Equal(h.made[:16], counts) && bytes.Equal(h.made[16:n-1], values) && h.made[n-1] == largest {
		return true
	}
	*h = huffman{values: append(h.values[:0], values...), made: h.made[:0]}
	code, symbols := 0, 0
	for l := 1; l <= 16; l++ {
		h.first[l] = symbols - code
		for range counts[l-1] {
			if code >= 1<<l || values[symbols]&15 > largest {
				return false
			}
			if l <= lookBits {
				at := code << (lookBits - l)
				for i := range 1 << (lookBits - l) {
					h.short[at+i] = makeSymbol(l, values[symbols])
				}
			}
			code++
			symbols++
		}
		h.limit[l] = uint32(code) << (16 - l)
		code <<= 1
	}
	h.made = append(append(append(h.made, counts...), values...), largest)
	return true
}

// A couple is two symbols of AC coefficients with their values, if all of them is within
// the looked-up bits. It holds, from the lowest bit: in 6 bits the number of bits of
// both; in 5 bits the first coefficient's distance from the last one, and in 6 bits the
// second's from the first; in 7 bits the value of the first, and in 8 bits that of the
// second. If there is no second one, it repeats the first, with a distance of 0. Sixteen
// zeros are a coefficient of 0, and so is a block's end, at distance toEnd.
//
// A wide couple is one symbol whose coefficient is outside the bits, or has more than 7
// bits. After its total it has five bits of 0, the coefficient's size, and the distance.
// 0 means that the bits hold no whole symbol.
type couple = uint32

const (
	firstShift, secondShift           = 6, 11
	firstValueShift, secondValueShift = 17, 24
)

// toEnd is a distance that leaves a block from any position. After a first symbol that
// ends the block, and counts as a coefficient one further, it is one less.
const toEnd = 63

// couple makes the couples, unless they exist.
func (h *huffman) couple() {
	if h.coupled {
		return
	}
	h.coupled = true
	for i := range h.couples {
		h.couples[i] = h.coupleOf(uint64(i) << (64 - lookBits))
	}
}

// coupleOf is the couple of the lookBits highest bits.
func (h *huffman) coupleOf(bits uint64) couple {
	total, step, v := h.whole(bits, lookBits)
	if step == 0 || v != v<<25>>25 {
		s := uint32(h.short[bits>>(64-lookBits)])
		return s&totalMask | s>>sizeShift<<secondShift
	}
	step2, v2 := uint32(0), v
	if step == toEnd {
		step, step2 = 1, toEnd-1
	} else if more, s, w := h.whole(bits<<total, lookBits-total); s > 0 && w == int32(int8(w)) {
		total, step2, v2 = total+more, s, w
	}
	return uint32(total) | step<<firstShift | step2<<secondShift |
		uint32(v)<<25>>(25-firstValueShift) | uint32(v2)<<secondValueShift
}

// whole returns the symbol at the beginning of the highest n bits, at most lookBits, and
// its coefficient. A step of 0 means that they don't hold all of it.
func (h *huffman) whole(bits uint64, n uint) (total uint, step uint32, v int32) {
	s := h.short[bits>>(64-lookBits)]
	total, size := uint(s&totalMask), uint(s>>sizeShift&sizeMask)
	switch {
	case s == 0 || total > n:
		return 0, 0, 0
	case size > 0:
		v = value(bits, total, size)
	case s>>stepShift != zeroes:
		return total, toEnd, 0
	}
	return total, uint32(s >> stepShift), v
}

// long finds the symbol of a code of more than lookBits bits, which begins at the
// highest bit; 0 if there is none.
func (h *huffman) long(bits uint64) symbol {
	code := uint32(bits >> 48)
	for l := lookBits + 1; l <= 16; l++ {
		if code < h.limit[l] {
			return makeSymbol(l, h.values[h.first[l]+int(code>>(16-l))])
		}
	}
	return 0
}
