package tiff

import (
	"encoding/binary"
	"math"
)

// predicted undoes the predictor of a stored row with n samples a pixel, in place.
// scratch is as long as row.
func (l *layout) predicted(row, scratch []byte, n int) {
	size := l.bits / 8
	switch {
	case l.predictor == 2 && size == 1:
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
	case l.predictor == 2:
		for i := n * size; i+size <= len(row); i += size {
			l.putWord(row[i:][:size], l.word(row[i:][:size])+l.word(row[i-n*size:][:size]))
		}
	case l.predictor == 3: // bytes of the same significance are together, the highest first
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
		copy(scratch, row)
		count := len(row) / size
		for i := range count {
			for k := range size {
				to := k
				if l.order == binary.LittleEndian {
					to = size - 1 - k
				}
				row[i*size+to] = scratch[k*count+i]
			}
		}
	}
}

// word reads a sample of whole bytes.
func (l *layout) word(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(l.order.Uint16(b))
	case 4:
		return uint64(l.order.Uint32(b))
	case 8:
		return l.order.Uint64(b)
	}
	v := uint64(0)
	for i := range b { // of 24 bits
		if l.order == binary.LittleEndian {
			v = v<<8 | uint64(b[len(b)-1-i])
		} else {
			v = v<<8 | uint64(b[i])
		}
	}
	return v
}

func (l *layout) putWord(b []byte, v uint64) {
	switch len(b) {
	case 2:
		l.order.PutUint16(b, uint16(v))
	case 4:
		l.order.PutUint32(b, uint32(v))
	case 8:
		l.order.PutUint64(b, v)
	}
}

// sample returns the i-th sample of a stored row as its bits.
func (l *layout) sample(row []byte, i int) uint64 {
	if l.bits%8 == 0 {
		size := l.bits / 8
		return l.word(row[i*size:][:size])
	}
	v := uint64(0)
	for at := i * l.bits; at < (i+1)*l.bits; {
		take := min(8-at%8, (i+1)*l.bits-at)
		b := uint64(row[at/8]) >> (8 - at%8 - take) & (1<<take - 1)
		v = v<<take | b
		at += take
	}
	return v
}

// number returns a sample of floating-point numbers.
func (l *layout) number(v uint64) float64 {
	switch l.bits {
	case 16:
		return smallFloat(v, 5, 10)
	case 24:
		return smallFloat(v, 7, 16)
	case 32:
		return float64(math.Float32frombits(uint32(v)))
	}
	return math.Float64frombits(v)
}

// smallFloat decodes a number of a sign, exponent bits and fraction bits.
func smallFloat(v uint64, exponentBits, fractionBits int) float64 {
	fraction := float64(v&(1<<fractionBits-1)) / float64(int(1)<<fractionBits)
	exponent := int(v >> fractionBits & (1<<exponentBits - 1))
	bias := 1<<(exponentBits-1) - 1
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, 1-bias)
	case 1<<exponentBits - 1:
		f = math.Inf(1)
		if fraction != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(1+fraction, exponent-bias)
	}
	if v>>(exponentBits+fractionBits)&1 == 1 {
		return -f
	}
	return f
}

// toBytes overwrites out with the samples of a stored row as bytes, every step-th from
// the first on. Samples of fewer than 8 bits are scaled to 0…255, except palette indices;
// of more than 8 bits, the highest 8 are used. Signed numbers of more than 8 bits:
// negative ones become 0, the largest 255. Signed numbers of 8 bits keep their bits, as
// in Pillow. Floating-point numbers are divided by white, and limited to 0…1.
func (l *layout) toBytes(out []byte, step int, row []byte, white float64) {
	n := (len(out) + step - 1) / step
	switch {
	case l.bits == 8:
		for i := range n {
			out[i*step] = row[i]
		}
	case l.format == float:
		for i := range n {
			f := l.number(l.sample(row, i)) / white
			if !(f > 0) { // or not a number
				f = 0
			}
			out[i*step] = byte(math.Round(255 * min(f, 1)))
		}
	case l.bits == 16 && l.format == unsigned:
		high := 0
		if l.order == binary.LittleEndian {
			high = 1
		}
		for i := range n {
			out[i*step] = row[2*i+high]
		}
	case l.photometric == palette:
		for i := range n {
			out[i*step] = byte(l.sample(row, i))
		}
	case l.bits < 8:
		most := uint64(1)<<l.bits - 1
		for i := range n {
			out[i*step] = byte(l.sample(row, i) * 255 / most)
		}
	case l.format == signed:
		for i := range n {
			v := int64(l.sample(row, i)<<(64-l.bits)) >> (64 - l.bits)
			out[i*step] = byte(max(v, 0) >> (l.bits - 9))
		}
	default:
		for i := range n {
			out[i*step] = byte(l.sample(row, i) >> (l.bits - 8))
		}
	}
}
