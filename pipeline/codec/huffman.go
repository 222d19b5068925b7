package codec

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"github.com/klauspost/compress/fse"
	"github.com/klauspost/compress/huff0"
)

// A huffman encoder writes what huff0.Compress4X writes, byte for byte, in about
// half the time: package huff0 makes the table of codes, but symbols are counted
// and coded here.
type huffman struct {
	tables  huff0.Scratch
	weights fse.Scratch
	count   [4][256]uint32
	codes   [256]code
	table   []byte
}

// code is the code of a symbol; its first bit is the lowest.
type code struct{ code, bits uint16 }

// The longest code in bits, and the shortest input that Compress4X accepts.
const (
	longestCode  = 11
	shortestFour = 12
)

var errIncompressible = errors.New("incompressible")

// constant reports whether all bytes of src are equal; such a block has no codes.
func (h *huffman) constant(src []byte) bool {
	h.countSymbols(src)
	return h.count[0][src[0]] == uint32(len(src))
}

// append appends the codes of src to dst: a table and four streams. constant(src) must
// have returned false just before. It returns errIncompressible if the result isn't
// shorter.
func (h *huffman) append(dst, src []byte) ([]byte, error) {
	most := slices.Max(h.count[0][:])
	if len(src) < shortestFour || most == 1 || most < uint32(len(src)>>7) {
		return dst, errIncompressible
	}
	if err := h.tables.BuildCTable(&h.count[0]); err != nil {
		return dst, err
	}
	var err error
	h.table, err = h.tables.AppendTable(h.table[:0])
	if errors.Is(err, huff0.ErrIncompressible) {
		return dst, errIncompressible
	}
	if err == nil {
		err = h.readCodes()
	}
	if err != nil {
		return dst, err
	}
	start := len(dst)
	dst = append(dst, h.table...)
	sizes := len(dst)
	dst = append(dst, make([]byte, 6)...)
	dst = slices.Grow(dst, (len(src)*longestCode+7)/8+4*8)
	segment := (len(src) + 3) / 4
	for i := range 4 {
		n := min(segment, len(src))
		before := len(dst)
		dst = h.appendStream(dst, src[:n])
		size := len(dst) - before
		if size > 1<<16-1 {
			return dst[:start], errIncompressible
		}
		if i < 3 {
			binary.LittleEndian.PutUint16(dst[sizes+2*i:], uint16(size))
		}
		src = src[n:]
	}
	return dst, nil
}

// countSymbols counts into four tables in turn, because counting equal neighbours in one
// table would wait for the last store. The sums are in the first table.
func (h *huffman) countSymbols(src []byte) {
	h.count = [4][256]uint32{}
	a, b, c, d := &h.count[0], &h.count[1], &h.count[2], &h.count[3]
	for ; len(src) >= 8; src = src[8:] {
		v := binary.LittleEndian.Uint64(src)
		a[byte(v)]++
		b[byte(v>>8)]++
		c[byte(v>>16)]++
		d[byte(v>>24)]++
		a[byte(v>>32)]++
		b[byte(v>>40)]++
		c[byte(v>>48)]++
		d[byte(v>>56)]++
	}
	for _, v := range src {
		a[v]++
	}
	for i := range a {
		a[i] += b[i] + c[i] + d[i]
	}
}

// readCodes reads h.table by RFC 8878, section 4.2.1: the weights of all symbols but the
// last. The weights determine the codes.
func (h *huffman) readCodes() error {
	var room [256]byte
	weights := room[:0]
	if n := int(h.table[0]); n >= 128 {
		for i := range n - 127 {
			weights = append(weights, h.table[1+i/2]>>(4-i%2*4)&15)
		}
	} else {
		w, err := fse.Decompress(h.table[1:1+n], &h.weights)
		if err != nil {
			return err
		}
		weights = append(weights, w...)
	}
	sum := 0
	for _, w := range weights {
		sum += 1 << w >> 1
	}
	longest := bits.Len(uint(sum))
	weights = append(weights, byte(bits.Len(uint(1<<longest-sum))))

	// Codes of the same length are consecutive; the shortest are the highest.
	var next [longestCode + 2]uint16
	var of [longestCode + 2]uint16
	for _, w := range weights {
		if int(w) > longest {
			return errors.New("table of codes with a weight too large")
		}
		of[w]++
	}
	first := uint16(0)
	for w := 1; w <= longest; w++ {
		next[w] = first
		first = (first + of[w]) >> 1
	}
	h.codes = [256]code{}
	for s, w := range weights {
		if w > 0 {
			h.codes[s] = code{next[w], uint16(longest + 1 - int(w))}
			next[w]++
		}
	}
	return nil
}

// appendStream appends the codes of src from the last to the first, and an end bit. dst
// needs room for them and eight bytes more.
func (h *huffman) appendStream(dst, src []byte) []byte {
	out := dst[len(dst):cap(dst)]
	pos, acc, have := encodeSymbols(out, src, &h.codes)
	acc |= 1 << have
	binary.LittleEndian.PutUint64(out[pos:], acc)
	return dst[:len(dst)+pos+int(have)/8+1]
}

// encodeSymbolsGo writes the codes of src from the last to the first to out. It returns
// the number of complete bytes, and the remaining bits (at most 7).
func encodeSymbolsGo(out, src []byte, codes *[256]code) (pos int, acc uint64, have uint) {
	i := len(src)
	for i > 0 {
		for stop := max(0, i-4); i > stop; { // at most 7 + 4·11 bits
			i--
			c := codes[src[i]]
			acc |= uint64(c.code) << (have & 63)
			have += uint(c.bits)
		}
		binary.LittleEndian.PutUint64(out[pos:], acc)
		pos += int(have >> 3)
		acc >>= have &^ 7 & 63
		have &= 7
	}
	return pos, acc, have
}
