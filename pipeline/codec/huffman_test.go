package codec

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/klauspost/compress/huff0"
)

// compressible are bytes of which the small are the most frequent, signs mixed,
// as residuals are.
func compressible(random *rand.Rand, n int, spread float64) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(int(random.NormFloat64() * spread))
	}
	return data
}

// TestHuffmanIsHuff0: tables and streams are those of huff0.Compress4X, byte for
// byte, and where that gives up, so do we.
func TestHuffmanIsHuff0(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, n := range []int{1, 2, 3, 11, 12, 13, 14, 15, 16, 17, 63, 100, 255, 1000, 4096, 65535, 65536} {
		for _, spread := range []float64{0.05, 0.4, 1, 3, 10, 30, 60, 1000} {
			data := compressible(random, n, spread)
			var s huff0.Scratch
			s.Reuse = huff0.ReusePolicyNone
			want, _, wantErr := huff0.Compress4X(data, &s)
			var h huffman
			if len(data) > 1 && h.constant(data) {
				if !errors.Is(wantErr, huff0.ErrUseRLE) {
					t.Errorf("%d bytes, spread %v: constant, but huff0 says %v", n, spread, wantErr)
				}
				continue
			}
			h.countSymbols(data)
			for _, asm := range []bool{false, true} {
				defer setBMI2(setBMI2(asm))
				got, err := h.append([]byte("before"), data)
				// huff0 also gives up where nothing is gained.
				if err == nil && len(got)-6 >= n {
					err = errIncompressible
				}
				if errors.Is(wantErr, huff0.ErrIncompressible) && errors.Is(err, errIncompressible) {
					continue
				}
				if err != nil || wantErr != nil || !bytes.Equal(got[6:], want) || string(got[:6]) != "before" {
					t.Fatalf("%d bytes, spread %v, assembly %v: %d bytes, %v; huff0 %d bytes, %v", n, spread, asm, len(got)-6, err, len(want), wantErr)
				}
			}
		}
	}
}
