package jpeg

import (
	"bytes"
	"context"
	"errors"
	"image"
	"slices"
	"testing"
	"time"
)

// TestDecodersAgree: the fast decoder, libjpeg-turbo and the general decoder give
// photographs the same pixels to the bit, and damaged ones the same fault.
func TestDecodersAgree(t *testing.T) {
	all := decoders()
	step := 25
	if testing.Short() {
		step = 60
	}
	for i, file := range photographs(t, step) {
		want, bounds, err := decodeAll(all["go"], file)
		if err != nil {
			t.Fatal(err)
		}
		h, err := ReadHeader(file)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		p, err := all["go"].general.decode(context.Background(), file, h, bounds)
		if err != nil {
			t.Fatalf("photograph %d by the general decoder: %v", i, err)
		}
		if p.RGB(got, bounds); !bytes.Equal(got, want) {
			t.Errorf("photograph %d by the general decoder: other pixels", i)
		}
		if d := all["turbo"]; d != nil {
			if err := d.byTurbo(file, h); err != nil {
				t.Fatalf("photograph %d by libjpeg-turbo: %v", i, err)
			}
			if d.picture.RGB(got, bounds); !bytes.Equal(got, want) {
				t.Errorf("photograph %d by libjpeg-turbo: other pixels", i)
			}
		}
		for _, damaged := range [][]byte{file[:len(file)/2], file[:200], append(slices.Clip(file[:len(file)-100]), file[:90]...)} {
			for name, d := range all {
				if _, _, err := decodeAll(d, damaged); !isError(err, Cut, Damaged) {
					t.Errorf("photograph %d, damaged, by %s: %v", i, name, err)
				}
			}
		}
	}
}

func isError(err error, kinds ...Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && slices.Contains(kinds, e.Kind)
}

// TestCutFiles: a file that ends too early is never a picture, wherever it ends;
// only the end marker itself isn't missed, where nothing else is.
func TestCutFiles(t *testing.T) {
	files, _ := matrix(t)
	for name, decoder := range decoders() {
		for _, kind := range []string{"plain", "plain-r", "plain-prog", "scans-separate", "scans-deep-r", "grey-prog"} {
			file := files[kind]
			whole, _, err := decodeAll(decoder, file)
			if err != nil {
				t.Fatal(err)
			}
			for n := 4; n < len(file); n++ {
				pixels, _, err := decodeAll(decoder, file[:n:n])
				if n >= len(file)-2 {
					if err != nil || !bytes.Equal(pixels, whole) {
						t.Errorf("%s by %s without its end: %v, or other pixels", kind, name, err)
					}
				} else if !isError(err, Cut) && !(isError(err, Damaged) && n < len(file)) {
					t.Fatalf("%s by %s, %d of %d bytes: %v", kind, name, n, len(file), err)
				}
			}
		}
	}
}

// TestFlippedBits: with a bit changed, a file is a picture or an error, the same by
// both, and a used decoder is as good as new.
func TestFlippedBits(t *testing.T) {
	files, _ := matrix(t)
	all := decoders()
	for _, kind := range []string{"plain-r", "plain-prog", "scans-deep", "cmyk-prog"} {
		file := bytes.Clone(files[kind])
		for bit := 16; bit < 8*len(file); bit += 13 {
			file[bit/8] ^= 1 << (bit % 8)
			var pixels [][]byte
			for name, d := range all {
				got, bounds, err := decodeAll(d, file)
				if _, ok := errors.AsType[*Error](err); err != nil && !ok {
					t.Errorf("%s, bit %d, by %s: %v", kind, bit, name, err)
				}
				if err == nil && !bounds.Empty() {
					pixels = append(pixels, got)
				}
			}
			// libjpeg smooths over bits that no scan has (package doc).
			if len(pixels) == 2 && !bytes.Equal(pixels[0], pixels[1]) && all["go"].general.complete() {
				t.Errorf("%s, bit %d: the decoders' pixels differ", kind, bit)
			}
			file[bit/8] ^= 1 << (bit % 8)
		}
		want, _, err := decodeAll(NewDecoder(false), file)
		got, _, err2 := decodeAll(all["go"], file)
		if err != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %v, or other pixels after damaged ones", kind, err, err2)
		}
	}
}

// countdown is a context that ends when it has been asked n times.
type countdown struct {
	context.Context
	n int
}

func (c *countdown) Err() error {
	if c.n--; c.n < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// TestContextEnds in the middle of each of our decoders.
func TestContextEnds(t *testing.T) {
	files, _ := matrix(t)
	d := NewDecoder(false)
	for _, kind := range []string{"plain", "plain-prog", "scans-separate-r"} {
		want, _, err := decodeAll(d, files[kind])
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Decode(&countdown{context.Background(), 2}, files[kind], func(h Header) (image.Rectangle, error) {
			return image.Rect(0, 0, h.Width, h.Height), nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", kind, err)
		}
		if got, _, err := decodeAll(d, files[kind]); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: afterwards %v, or other pixels", kind, err)
		}
	}
}

// TestHeader: what can be known before decoding.
func TestHeader(t *testing.T) {
	files, _ := matrix(t)
	for name, want := range map[string]Header{
		"plain":          {Width: 37, Height: 29, Components: 3, Bits: 8, Scans: 1, ScanPixels: 37 * 29},
		"scans-separate": {Width: 70, Height: 40, Components: 3, Bits: 8, Scans: 3, ScanPixels: 70 * 40},
		"grey-prog":      {Width: 37, Height: 29, Components: 1, Bits: 8, Scans: 6, ScanPixels: 6 * 37 * 29},
		"height-in-dnl":  {Width: 37, Height: 29, Components: 3, Bits: 8, Scans: 1, ScanPixels: 37 * 29},
	} {
		h, err := ReadHeader(files[name])
		h.frame, h.space = frame{}, space{}
		if err != nil || h.Width != want.Width || h.Height != want.Height || h.Components != want.Components ||
			h.Bits != want.Bits || h.Scans != want.Scans || h.ScanPixels != want.ScanPixels {
			t.Errorf("%s: %+v, %v; want %+v", name, h, err, want)
		}
	}
	cmyk, err := ReadHeader(files["cmyk"])
	if err != nil || !cmyk.CMYK() {
		t.Errorf("cmyk: %+v, %v", cmyk, err)
	}
}

// TestChooseRefuses: the caller's refusal ends the work, also where only the second
// look shows how many scans there are.
func TestChooseRefuses(t *testing.T) {
	files, _ := matrix(t)
	many := bytes.Clone(files["plain"][:len(files["plain"])-2])
	scan := many[bytes.LastIndex(many, []byte("\xff\xda")):]
	for range 5 {
		many = append(many, scan...)
	}
	many = append(many, 0xff, 0xd9)
	refusal := errors.New("too many")
	for name, d := range decoders() {
		start := time.Now()
		_, err := d.Decode(context.Background(), many, func(h Header) (image.Rectangle, error) {
			if h.Scans > 5 {
				return image.Rectangle{}, refusal
			}
			return image.Rect(0, 0, h.Width, h.Height), nil
		})
		if err != refusal || time.Since(start) > time.Second {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzDecoder: whatever the bytes, a picture or an error, and the same ones by a
// fresh decoder.
func FuzzDecoder(f *testing.F) {
	files, _ := matrix(f)
	for _, file := range files {
		f.Add(file)
	}
	used := NewDecoder(false)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 {
			return
		}
		if h, err := ReadHeader(data); err == nil && h.ScanPixels+int64(h.Width*h.Height) > 1<<18 {
			return
		}
		pixels, _, err := decodeAll(used, data)
		again, _, err2 := decodeAll(NewDecoder(false), data)
		if (err == nil) != (err2 == nil) || !bytes.Equal(pixels, again) {
			t.Errorf("used %v, fresh %v, or other pixels", err, err2)
		}
	})
}

// TestNothingButLongCodes: where data end, zeros are read, and blocks of the longest
// coefficients don't read beyond those, with as many blocks in an MCU as there can be.
func TestNothingButLongCodes(t *testing.T) {
	file := []byte("\xff\xd8\xff\xdb\x00\x43\x00" + string(bytes.Repeat([]byte{1}, 64)))
	file = append(file, "\xff\xc0\x00\x11\x08\x00\x40\x00\x40\x03\x01\x44\x00\x02\x44\x00\x03\x44\x00"...)
	counts := append([]byte{1}, make([]byte, 15)...)
	file = append(append(append(file, 0xff, 0xc4, 0, 38, 0x00), counts...), 15)
	file = append(append(append(file, 0x10), counts...), 15)
	file = append(file, "\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"...)
	for n := range 40 {
		for name, d := range decoders() {
			data := append(bytes.Clone(file), make([]byte, n)...)
			if _, _, err := decodeAll(d, append(data, 0xff, 0xd9)); !isError(err, Cut) {
				t.Fatalf("%d bytes by %s: %v", n, name, err)
			}
		}
	}
}
