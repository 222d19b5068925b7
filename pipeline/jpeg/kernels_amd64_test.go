//go:build amd64 && !noasm

package jpeg

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// setAssembly turns the assembly on, where there is AVX2, or off, and returns
// what was.
func setAssembly(on bool) (was bool) {
	was, useAVX2 = useAVX2, on && hasAVX2
	return was
}

var hasAVX2 = useAVX2

// TestInversePairAVX2 compares the assembly with its portable twin on
// coefficients of every size, those that overflow included, with guards around.
// AVX-512's takes two pairs.
func TestInversePairAVX2(t *testing.T) {
	if !hasAVX2 {
		t.Skip("no AVX2 here")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 5000 {
		var two [2][pair]int16
		var divisors [pair]int16
		for i := range divisors {
			divisors[i] = int16(1 + random.IntN(1+round%255))
			for j := range two {
				if random.IntN(3) >= round/2000 {
					two[j][i] = int16(random.Uint32()) >> (round % 16)
				}
			}
		}
		const stride, guard = 37, 5
		var got [3][]byte
		for i := range got {
			got[i] = bytes.Repeat([]byte{77}, guard+7*stride+32+guard)
			dst := got[i][guard : len(got[i])-guard]
			switch i {
			case 0:
				inversePairGo(dst, stride, two[0][:], &divisors)
				inversePairGo(dst[16:], stride, two[1][:], &divisors)
			case 1:
				inversePair(dst, stride, two[0][:], &divisors)
				inversePair(dst[16:], stride, two[1][:], &divisors)
			case 2:
				inverseTwo(dst, dst[16:], stride, &two, &divisors)
			}
		}
		if !bytes.Equal(got[0], got[1]) || !bytes.Equal(got[0], got[2]) {
			t.Fatalf("round %d: portable\n%v, assembly\n%v, of two pairs\n%v", round, got[0], got[1], got[2])
		}
	}
}

// TestCoefficientsBMI2 compares the assembly with its portable twin on random
// bits, from every start.
func TestCoefficientsBMI2(t *testing.T) {
	if !hasAVX2 {
		t.Skip("no AVX2 here")
	}
	random := rand.New(rand.NewPCG(3, 4))
	counts := []byte{0, 1, 2, 2, 3, 2, 3, 2, 2, 1, 1, 1, 1, 2, 1, 3}
	for range 3000 {
		var values []byte
		for range counts {
			values = append(values, byte(random.IntN(11)|random.IntN(16)<<4), 0, byte(random.IntN(11)))
		}
		var ac, dc huffman
		ac.set(counts, values, largestAC)
		for i := range values {
			values[i] &= 15
		}
		dc.set(counts, values, largestDC)
		ac.couple()
		data := make([]byte, 64+padding)
		for i := range 64 {
			data[i] = byte(random.Uint32())
		}
		have := uint(random.IntN(64))
		start := cursor{random.IntN(8), random.Uint64() &^ (1<<(64-have) - 1), have}
		if have == 0 {
			start.bits = 0
		}
		const n = 3
		first, k := random.IntN(n), random.IntN(64)-1
		var got [2]struct {
			cursor
			blocks     [n][pair]int16
			prediction int32
			unit, k    int
		}
		for i, kernel := range []func([]byte, *cursor, []unit, int, int) (int, int){coefficientsGo, coefficients} {
			g := &got[i]
			g.cursor, g.prediction = start, 5
			var units [n]unit
			for j := range units {
				units[j] = unit{block: &g.blocks[j][0], dc: &dc, ac: &ac, prediction: &g.prediction}
			}
			g.unit, g.k = kernel(data, &g.cursor, units[:], first, k)
			g.refill(data)
		}
		if got[0] != got[1] {
			t.Fatalf("from unit %d, %d, %+v: portable %+v, assembly %+v", first, k, start, got[0], got[1])
		}
	}
}
