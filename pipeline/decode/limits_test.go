package decode

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"strings"
	"testing"
	"time"
)

// scanBomb returns a progressive JPEG file of width×height pixels in n scans that
// hold nothing but the ends of their bands.
func scanBomb(width, height, n int) []byte {
	b := []byte("\xff\xd8\xff\xdb\x00\x43\x00" + strings.Repeat("\x01", 64))
	b = append(b, 0xff, 0xc2, 0, 11, 8, byte(height>>8), byte(height), byte(width>>8), byte(width), 1, 1, 0x11, 0)
	// One code of one bit: a run of 2^14 empty blocks and more.
	b = append(b, 0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0)
	blocks := (width + 7) / 8 * ((height + 7) / 8)
	for range n {
		b = append(b, 0xff, 0xda, 0, 8, 1, 1, 0, 1, 5, 0)
		for left, bits, have := blocks, uint32(0), 0; left > 0; left -= 1<<15 - 1 {
			run := min(left, 1<<15-1)
			if run < 1<<14 {
				run = 1 << 14
			}
			bits, have = bits<<15|uint32(run-1<<14), have+15
			for ; have >= 8; have -= 8 {
				b = append(b, byte(bits>>(have-8)))
				if b[len(b)-1] == 0xff {
					b = append(b, 0)
				}
			}
			if left <= 1<<15-1 && have > 0 {
				b = append(b, byte(bits<<(8-have))|byte(1<<(8-have)-1))
				if b[len(b)-1] == 0xff {
					b = append(b, 0)
				}
			}
		}
	}
	return append(b, 0xff, 0xd9)
}

// TestLimits: what asks for more than the limits is refused at once, by a sentence
// that says what it is and how large the limit is.
func TestLimits(t *testing.T) {
	deep := encodePNG(t, image.NewNRGBA64(image.Rect(0, 0, 2000, 1500)))
	for _, c := range []struct {
		name string
		file []byte
		cfg  Config
		want string
	}{
		{"scans", scanBomb(7000, 7000, 100), Config{}, "a JPEG of 7000×7000 pixels in 100 scans takes as long to decode as 4900 megapixels, over the limit of 4000 for all scans"},
		{"pixels", scanBomb(60000, 60000, 1), Config{}, "a JPEG of 60000×60000 pixels is over the limit of 200 megapixels"},
		{"bytes", deep, Config{MaxBytes: 20e6}, "a PNG of 2000×1500 pixels takes up to 24 MB of memory to be decoded, over the limit of 20 MB"},
	} {
		for _, decoder := range decoders() {
			c.cfg.Size, c.cfg.Decoder = 16, decoder
			start := time.Now()
			err := New(c.cfg).Decode(context.Background(), make([]byte, 16*16*3), c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s by %s: got %v, want …%s…", c.name, decoder, err, c.want)
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("%s by %s: refused after %v", c.name, decoder, took)
			}
		}
	}
}

// flatPNG is a PNG file of 8000×8000 pixels whose data are a few hundred
// kilobytes.
func flatPNG(t *testing.T) []byte { return encodePNG(t, image.NewNRGBA(image.Rect(0, 0, 8000, 8000))) }

// endsAfter is a context that ends when it has been asked n times.
type endsAfter struct {
	context.Context
	n int
}

func (c *endsAfter) Err() error {
	if c.n--; c.n < 0 {
		return context.Canceled
	}
	return nil
}

// TestContextEnds: decoding ends when its context does, in the middle of a
// picture, and the next picture is as if nothing had been.
func TestContextEnds(t *testing.T) {
	const size = 16
	r := New(Config{Size: size, Decoder: Go})
	want, got := make([]byte, 3*size*size), make([]byte, 3*size*size)
	small := read(t, "rgb-420.jpg")
	if err := r.Decode(context.Background(), want, small); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"PNG":              flatPNG(t),
		"progressive JPEG": scanBomb(3000, 3000, 200),
		"baseline JPEG":    read(t, "rgb-444.jpg"),
	} {
		err := r.Decode(&endsAfter{context.Background(), 3}, got, file)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", name, err, context.Canceled)
		}
		if err := r.Decode(context.Background(), got, small); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: the next picture: %v, or other pixels", name, err)
		}
	}
}

// TestMemory: what Describe says is no less than what the pixels take.
func TestMemory(t *testing.T) {
	interlaced := encodePNG(t, image.NewNRGBA64(image.Rect(0, 0, 100, 50)))
	interlaced[28] = 1
	binary.BigEndian.PutUint32(interlaced[29:], crc32.ChecksumIEEE(interlaced[12:29]))
	for _, c := range []struct {
		name string
		file []byte
		want int64
	}{
		{"16-bit PNG", encodePNG(t, image.NewNRGBA64(image.Rect(0, 0, 100, 50))), 8 * 5000},
		{"interlaced", interlaced, 12 * 5000},
		{"grey PNG", encodePNG(t, image.NewGray(image.Rect(0, 0, 100, 50))), 5000},
		{"4:4:4 JPEG", read(t, "rgb-444.jpg"), 9 * 44 * 32},
		{"4:2:0 JPEG", read(t, "rgb-420.jpg"), 6 * 44 * 32},
		{"CMYK JPEG", read(t, "cmyk-bare.jpg"), 15 * 44 * 32},
	} {
		d, err := Describe(c.file)
		if err != nil || d.Memory != c.want {
			t.Errorf("%s: %d bytes, %v; want %d", c.name, d.Memory, err, c.want)
		}
	}
}
