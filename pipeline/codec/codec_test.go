package codec

import (
	"bytes"
	"strings"
	"testing"
)

// codecs are all codecs, for tests that hold for each.
func codecs(t testing.TB) []Codec {
	t.Helper()
	var all []Codec
	for _, name := range Names() {
		c, err := ByName(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// gradient is a picture with smooth colour and a few sharp edges.
func gradient(size int) []byte {
	rgb := make([]byte, 0, size*size*3)
	for y := range size {
		for x := range size {
			edge := byte(0)
			if (x/5+y/3)%4 == 0 {
				edge = 90
			}
			rgb = append(rgb, byte(x*255/size), byte(y*255/size), byte((x+y)*80/size)+edge)
		}
	}
	return rgb
}

func TestByName(t *testing.T) {
	for _, c := range codecs(t) {
		again, err := ByName(c.Name(), Options{})
		if err != nil || again != c {
			t.Errorf("%s: ByName gives %v, %v", c.Name(), again, err)
		}
	}
	for _, test := range []struct {
		name    string
		quality int
		want    string
	}{
		{"gif", 0, `unknown codec "gif"; there are `},
		{"jpeg", 101, "JPEG quality 101: want 1 to 100"},
		{"jpeg", -1, "JPEG quality -1: want 1 to 100"},
	} {
		if _, err := ByName(test.name, Options{Quality: test.quality}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("ByName(%q, %d): %v, want %q", test.name, test.quality, err, test.want)
		}
	}
}

// TestRecognise has every codec say what it says of itself of its own pictures:
// they are its own and no other's, and it loses where pixels change.
func TestRecognise(t *testing.T) {
	const size = 37
	rgb := gradient(size)
	for _, c := range codecs(t) {
		picture, err := c.NewEncoder(size).Encode(nil, rgb)
		if err != nil {
			t.Fatal(err)
		}
		found, side, err := Recognise(c.Encoding(size), picture)
		if err != nil || found.Name() != c.Name() || side != size {
			t.Errorf("%s: recognised as %v of %d pixels a side, %v", c.Name(), found, side, err)
		}
		again := make([]byte, len(rgb))
		if err := c.NewDecoder(size).Decode(again, picture); err != nil {
			t.Fatal(err)
		}
		if c.Loses() == bytes.Equal(again, rgb) {
			t.Errorf("%s: Loses is %v, but the pixels say something else", c.Name(), c.Loses())
		}
		if same, err := ByName(c.Name(), c.Options()); err != nil || same != c {
			t.Errorf("%s: of its options %+v ByName makes %v, %v", c.Name(), c.Options(), same, err)
		}
	}
	for _, other := range []struct{ encoding, picture string }{
		{"bytes", "\x02\x25\x00 not ours"}, {"bytes", "\x01"}, {"png", "\x89PNG"}, {"ndarray:uint8:37,36,3", ""}, {"ndarray:uint8:0,0,3", ""}, {"int", ""},
		{"jpeg", "\x89PNG"},
	} {
		if c, size, err := Recognise(other.encoding, []byte(other.picture)); err == nil {
			t.Errorf("%+v is recognised as %v of %d pixels a side", other, c, size)
		}
	}
	if c, err := ByName("jpeg", Options{Encoder: Go}); err != nil || c != (JPEG{Quality: DefaultQuality, Go: true}) {
		t.Errorf("encoded by Go: %v, %v", c, err)
	}
}

// TestEncodeAppends checks that encoders leave what is in dst alone, and that
// encoders and decoders may be used again.
func TestEncodeAppends(t *testing.T) {
	for _, c := range codecs(t) {
		encoder, decoder := c.NewEncoder(16), c.NewDecoder(16)
		a, err := encoder.Encode([]byte("ab"), gradient(16))
		if err != nil {
			t.Fatal(err)
		}
		b, err := encoder.Encode(nil, gradient(16))
		if err != nil {
			t.Fatal(err)
		}
		if string(a) != "ab"+string(b) {
			t.Errorf("%s: the second encoding differs from the first, or dst was lost", c.Name())
		}
		first, second := make([]byte, 16*16*3), make([]byte, 16*16*3)
		if err := decoder.Decode(first, b); err != nil {
			t.Fatal(err)
		}
		if err := decoder.Decode(second, b); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, second) {
			t.Errorf("%s: the second decoding differs from the first", c.Name())
		}
	}
}

// TestWrongSize checks that a picture of another size is refused.
func TestWrongSize(t *testing.T) {
	for _, c := range codecs(t) {
		for _, size := range []int{15, 17} {
			encoded, err := c.NewEncoder(size).Encode(nil, gradient(size))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.NewDecoder(16).Decode(make([]byte, 16*16*3), encoded); err == nil {
				t.Errorf("%s: decoded a picture of %d×%d as one of 16×16", c.Name(), size, size)
			}
		}
	}
}

// TestDamaged checks that a picture cut anywhere is refused.
func TestDamaged(t *testing.T) {
	for _, c := range codecs(t) {
		encoded, err := c.NewEncoder(16).Encode(nil, gradient(16))
		if err != nil {
			t.Fatal(err)
		}
		decoder, rgb := c.NewDecoder(16), make([]byte, 16*16*3)
		for n := range len(encoded) - 2 { // image/jpeg doesn't ask for the end marker
			if err := decoder.Decode(rgb, encoded[:n]); err == nil {
				t.Errorf("%s: decoded %d of %d bytes", c.Name(), n, len(encoded))
			}
		}
	}
}

// FuzzDecode feeds every decoder: it may fail, but not panic or hang.
func FuzzDecode(f *testing.F) {
	const size = 16
	all := codecs(f)
	for i, c := range all {
		encoded, err := c.NewEncoder(size).Encode(nil, gradient(size))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), encoded)
		f.Add(uint8(i), encoded[:len(encoded)/2])
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		c := all[int(which)%len(all)]
		rgb := make([]byte, size*size*3)
		_ = c.NewDecoder(size).Decode(rgb, data) // an error is as good as a picture
		_ = c.NewDecoder(1).Decode(rgb[:3], data)
	})
}
