package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"
)

// testPictures are pictures that take every way through the codec.
func testPictures(size int) map[string][]byte {
	random := rand.New(rand.NewPCG(uint64(size), 0))
	n := size * size * 3
	noise, grey, diagonal := make([]byte, n), make([]byte, n), make([]byte, n)
	for i := range noise {
		noise[i] = byte(random.Uint32())
		grey[i] = byte(i / 3 * 7)
		diagonal[i] = byte(i/3%size*3 + i/3/size*5 + i%3)
	}
	return map[string][]byte{
		"noise": noise, "grey": grey, "diagonal": diagonal, "gradient": gradient(size),
		"black": make([]byte, n), "white": bytes.Repeat([]byte{255}, n), "red": bytes.Repeat([]byte{255, 0, 3}, n/3),
	}
}

func TestLosslessRoundTrip(t *testing.T) {
	for _, size := range []int{1, 2, 3, 4, 5, 15, 16, 17, 31, 32, 33, 64, 224, 256, 257, 370} {
		encoder, decoder := Lossless{}.NewEncoder(size), Lossless{}.NewDecoder(size)
		rgb := make([]byte, size*size*3)
		for name, want := range testPictures(size) {
			encoded, err := encoder.Encode(nil, want)
			if err != nil {
				t.Fatalf("%s %d: %v", name, size, err)
			}
			if most := len(want) + 64 + size; len(encoded) > most {
				t.Errorf("%s %d: %d bytes, more than %d", name, size, len(encoded), most)
			}
			for i := range rgb {
				rgb[i] = 0xaa
			}
			if err := decoder.Decode(rgb, encoded); err != nil {
				t.Fatalf("%s %d: %v", name, size, err)
			}
			if !bytes.Equal(rgb, want) {
				t.Errorf("%s %d: the pixels differ", name, size)
			}
		}
	}
}

// TestLosslessBytes has a picture of 2×2 pixels, worked out by hand. Its planes
// are G = 10 12 / 11 14, R−G = 1 1 / 1 1 and B−G = 255 0 / 0 1. Ties between
// predictors go to the gradient (2); only B−G's first row is better by up (1).
func TestLosslessBytes(t *testing.T) {
	rgb := []byte{11, 10, 9, 13, 12, 12, 12, 11, 11, 15, 14, 15}
	want := []byte{
		1, 2, 0, 0xab, 0xdc, 0xd6, 0x8c, // version, size, CRC
		0b10_10, 0, 10, 12 - 10, 11 - 10, 14 - (11 + 12 - 10),
		0b10_10, 0, 1, 0, 0, 0,
		0b10_01, 0, 255, 0, 256 + 0 - 255, 1 - (0 + 0 - 255) - 256,
	}
	got, err := Lossless{}.NewEncoder(2).Encode(nil, rgb)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("encoded\n%v, want\n%v", got, want)
	}
}

// TestLosslessDamage flips every bit of a picture in turn.
func TestLosslessDamage(t *testing.T) {
	const size = 16
	encoded, err := Lossless{}.NewEncoder(size).Encode(nil, gradient(size))
	if err != nil {
		t.Fatal(err)
	}
	decoder, rgb := Lossless{}.NewDecoder(size), make([]byte, size*size*3)
	for bit := range 8 * len(encoded) {
		encoded[bit/8] ^= 1 << (bit % 8)
		if err := decoder.Decode(rgb, encoded); err == nil {
			t.Fatalf("bit %d flipped: no error", bit)
		}
		encoded[bit/8] ^= 1 << (bit % 8)
	}
	if err := decoder.Decode(rgb, encoded); err != nil {
		t.Errorf("after the damaged ones: %v", err)
	}
}

// TestLosslessAfterDamage feeds one decoder pictures with a flipped bit behind a
// right CRC: it may take them or not, but then has to decode the next one right.
func TestLosslessAfterDamage(t *testing.T) {
	const size = 16
	want := gradient(size)
	encoded, err := Lossless{}.NewEncoder(size).Encode(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	decoder, rgb := Lossless{}.NewDecoder(size), make([]byte, size*size*3)
	for bit := 8 * losslessPlaneAt; bit < 8*len(encoded); bit++ {
		damaged := bytes.Clone(encoded)
		damaged[bit/8] ^= 1 << (bit % 8)
		binary.LittleEndian.PutUint32(damaged[losslessCRCAt:], crc32.ChecksumIEEE(damaged[losslessPlaneAt:]))
		_ = decoder.Decode(rgb, damaged)
		if err := decoder.Decode(rgb, encoded); err != nil || !bytes.Equal(rgb, want) {
			t.Fatalf("after a picture with bit %d flipped: %v, or other pixels", bit, err)
		}
	}
}

// TestLosslessErrors has pictures that are wrong though their CRC is right.
func TestLosslessErrors(t *testing.T) {
	for _, test := range []struct {
		want  string
		bytes []byte
	}{
		{"6 bytes are too short for a picture", []byte{1, 1, 0, 0, 0, 0}},
		{"version 2, want 1", []byte{2, 1, 0, 0, 0, 0, 0}},
		{"the picture is 2×2, want 1×1", []byte{1, 2, 0, 0, 0, 0, 0}},
		{"ends too early", []byte{1, 1, 0, 0, 0, 0, 0}},
		{"ends too early", []byte{1, 1, 0, 0, 0, 0, 0, 2, 1, 7, 2, 1, 7, 2, 1}},
		{"plane 0: damaged: block of unknown kind 9", []byte{1, 1, 0, 0, 0, 0, 0, 2, 9, 7, 2, 1, 7, 2, 1, 7}},
		{"plane 1: damaged: it ends too early", []byte{1, 1, 0, 0, 0, 0, 0, 2, 1, 7, 2, 2, 255, 255}},
		{"plane 2 row 0 has unknown predictor 3", []byte{1, 1, 0, 0, 0, 0, 0, 2, 1, 7, 2, 0, 7, 3, 1, 7}},
		{"2 bytes left over", []byte{1, 1, 0, 0, 0, 0, 0, 2, 1, 7, 2, 0, 7, 2, 1, 7, 0, 0}},
		{"", []byte{1, 1, 0, 0, 0, 0, 0, 2, 1, 7, 2, 0, 7, 2, 1, 7}},
	} {
		if len(test.bytes) > 7 {
			binary.LittleEndian.PutUint32(test.bytes[3:], crc32.ChecksumIEEE(test.bytes[7:]))
		}
		err := Lossless{}.NewDecoder(1).Decode(make([]byte, 3), test.bytes)
		if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error is %v, want %q", test.bytes, err, test.want)
		}
	}
}

// TestTwins compares assembly and portable Go at every length and
// alignment, and checks that neither writes beyond its slices.
func TestTwins(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	const guard = 0xa5
	fresh := func(offset, n int) (all, part []byte) {
		all = bytes.Repeat([]byte{guard}, offset+n+40)
		part = all[offset:][:n:n]
		for i := range part {
			part[i] = byte(random.Uint32())
		}
		return all, part
	}
	for n := range 100 {
		for offset := range 4 {
			check := func(name string, fast, slow func([]byte), times int) {
				t.Helper()
				all, part := fresh(offset, times*n)
				twin := bytes.Clone(all)
				fast(part)
				slow(twin[offset:][:times*n])
				if !bytes.Equal(all, twin) {
					t.Fatalf("%s of %d at %d differs from its twin", name, n, offset)
				}
			}
			_, above := fresh(offset, n)
			_, r := fresh(offset, n)
			_, b := fresh(offset, n)
			carry := byte(random.Uint32())
			check("prefixSum", func(p []byte) { prefixSum(p, above, carry) }, func(p []byte) { prefixSumGo(p, above, carry) }, 1)
			check("addBytes", func(p []byte) { addBytes(p, above) }, func(p []byte) { addBytesGo(p, above) }, 1)
			check("merge", func(p []byte) { merge(p, above, r, b) }, func(p []byte) { mergeGo(p, above, r, b) }, 3)

			_, rgb := fresh(offset, 3*n)
			check("split",
				func(p []byte) { split(p[:n], p[n:2*n], p[2*n:], rgb) },
				func(p []byte) { splitGo(p[:n], p[n:2*n], p[2*n:], rgb) }, 3)
			_, row := fresh(offset, n+1)
			_, rowAbove := fresh(offset, n+1)
			var costs, twinCosts [3]int
			check("residuals3",
				func(p []byte) { costs = residuals3(p[:n], p[n:2*n], p[2*n:], row, rowAbove) },
				func(p []byte) { twinCosts = residuals3Go(p[:n], p[n:2*n], p[2*n:], row, rowAbove) }, 3)
			if costs != twinCosts {
				t.Fatalf("residuals3 of %d: costs %v, its twin has %v", n, costs, twinCosts)
			}

			// The portable ones against the loops of their comments.
			row = row[:n]
			sum, added := bytes.Clone(row), bytes.Clone(row)
			prefixSumGo(sum, above, carry)
			addBytesGo(added, above)
			mergeGo(rgb, row, r, b)
			for i := range n {
				carry += row[i]
				if sum[i] != carry+above[i] || added[i] != row[i]+above[i] {
					t.Fatalf("row of %d: byte %d is wrong", n, i)
				}
				if want := [3]byte{r[i] + row[i], row[i], b[i] + row[i]}; [3]byte(rgb[3*i:]) != want {
					t.Fatalf("pixel %d is %v, want %v", i, rgb[3*i:][:3], want)
				}
			}
		}
	}
}

// FuzzLossless decodes anything behind a right header and CRC, which fuzzing
// would otherwise hardly ever get past.
func FuzzLossless(f *testing.F) {
	const size = 16
	for _, rgb := range testPictures(size) {
		encoded, err := Lossless{}.NewEncoder(size).Encode(nil, rgb)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded[losslessPlaneAt:])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		src := []byte{losslessVersion, size, 0, 0, 0, 0, 0}
		binary.LittleEndian.PutUint32(src[losslessCRCAt:], crc32.ChecksumIEEE(data))
		rgb, again := make([]byte, size*size*3), make([]byte, size*size*3)
		if err := (Lossless{}).NewDecoder(size).Decode(rgb, append(src, data...)); err != nil {
			return
		}
		// What decodes is a picture, and pictures survive.
		encoded, err := Lossless{}.NewEncoder(size).Encode(nil, rgb)
		if err != nil {
			t.Fatal(err)
		}
		if err := (Lossless{}).NewDecoder(size).Decode(again, encoded); err != nil || !bytes.Equal(rgb, again) {
			t.Fatalf("round trip: %v, equal: %t", err, bytes.Equal(rgb, again))
		}
	})
}

func ExampleLossless() {
	picture := bytes.Repeat([]byte{200, 50, 100}, 64*64)
	encoded, _ := Lossless{}.NewEncoder(64).Encode(nil, picture)
	decoded := make([]byte, len(picture))
	err := Lossless{}.NewDecoder(64).Decode(decoded, encoded)
	fmt.Println(len(encoded) < len(picture)/5, bytes.Equal(decoded, picture), err)
	// Output: true true <nil>
}
