package jpeg

import "bytes"

// lookBits is how many bits are looked up at once; codes that are longer are
// rare.
const lookBits = 11

// The most bits that a coefficient may have after its code: those of eight-bit
// pictures (T.81, tables F.1 and F.2). A code has at most 16 bits, so what takes
// part in two coefficients fits the 56 bits that are at hand after a refill.
const largestDC, largestAC = 11, 10

// A symbol tells, from the lowest bit: in 6 bits how many bits its code and the
// coefficient after that have together, in 4 bits those of the coefficient alone,
// and in 5 bits by how far the coefficient lies behind the last one. 0 is no
// symbol.
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

// zeroes is the step of sixteen zeros without a coefficient.
const zeroes = 16

// huffman is a table of codes.
type huffman struct {
	short [1 << lookBits]symbol // by the next bits; 0: a longer code, or none

	// Codes of l bits, moved to the left of 16, are below limit[l] and not below
	// limit[l−1]; number i of all codes is symbol values[i], and first[l] is the
	// number of a code of l bits with the bits 0.
	limit  [17]uint32
	first  [17]int
	values []byte

	made []byte // counts, values and largest that it was made of
}

// set makes the table of T.81, C.2: counts of codes by length, and their values.
// It is false where there are more codes than bits allow, and for values that ask
// for more than largest bits. Files often have the tables of the file before.
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
