package webp

import (
	"context"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"strings"
	"testing"

	"alexnet/pipeline/formats/internal/golden"
)

// decode decodes to pixels whose RGB is final.
func decode(t *testing.T, file []byte) (image.Image, error) {
	img, err := Decode(t.Context(), file)
	m, ok := img.(*image.YCbCr)
	if err != nil || !ok {
		return img, err
	}
	rgb := make([]byte, 3*m.Rect.Dx()*m.Rect.Dy())
	new(Upsampler).RGB(rgb, m, m.Rect)
	whole := image.NewNRGBA(m.Rect)
	for i := range len(rgb) / 3 {
		copy(whole.Pix[4*i:], rgb[3*i:3*i+3])
		whole.Pix[4*i+3] = 255
	}
	return whole, nil
}

// opaque makes alpha 255 everywhere, since it has no meaning.
func opaque(img image.Image) image.Image {
	if m, ok := img.(*image.NRGBA); ok {
		for i := 3; i < len(m.Pix); i += 4 {
			m.Pix[i] = 255
		}
	}
	return img
}

// TestPillow compares with libwebp: to one level, since libwebp's loops for some
// processors round otherwise.
func TestPillow(t *testing.T) {
	golden.Check(t, "testdata/webp", 50, DecodeConfig, func(file []byte) (image.Image, error) {
		img, err := decode(t, file)
		return opaque(img), err
	})
}

// TestParts: a part of a picture has the pixels of the whole.
func TestParts(t *testing.T) {
	img, err := Decode(t.Context(), golden.Files(t, "testdata/webp")["lossy-17x25.webp"])
	if err != nil {
		t.Fatal(err)
	}
	m := img.(*image.YCbCr)
	whole := make([]byte, 3*17*25)
	new(Upsampler).RGB(whole, m, m.Rect)
	var u Upsampler
	for _, part := range []image.Rectangle{image.Rect(0, 0, 1, 1), image.Rect(3, 2, 16, 9), image.Rect(2, 3, 17, 25), image.Rect(16, 24, 17, 25)} {
		got := make([]byte, 3*part.Dx()*part.Dy())
		u.RGB(got, m, part)
		for i := range len(got) / 3 {
			x, y := part.Min.X+i%part.Dx(), part.Min.Y+i/part.Dx()
			if [3]byte(got[3*i:]) != [3]byte(whole[3*(y*17+x):]) {
				t.Fatalf("%v: pixel (%d, %d) is %v, in the whole %v", part, x, y, got[3*i:3*i+3], whole[3*(y*17+x):][:3])
			}
		}
	}
}

func TestBad(t *testing.T) {
	files := golden.Files(t, "testdata/webp")
	for _, name := range []string{"lossy-16x16.webp", "lossless-16x16.webp", "animated-by-pillow.webp"} {
		whole := files[name]
		for n := 12; n < len(whole)*2/3; n += 3 {
			_, err := Decode(t.Context(), whole[:n])
			if err == nil && !strings.HasPrefix(name, "anim") || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
				t.Errorf("%s cut to %d of %d bytes: %v, want io.ErrUnexpectedEOF", name, n, len(whole), err)
			}
		}
	}
	// A frame beyond its canvas.
	file := files["animated-lossy-at-6-4-background-255-0-0-0.webp"]
	at := strings.Index(string(file), "ANMF") + 8
	binary.LittleEndian.PutUint16(file[at:], 500)
	if _, err := DecodeConfig(file); err == nil || !strings.Contains(err.Error(), "canvas") {
		t.Errorf("%v, want an error about the canvas", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ctx, files["lossless-16x16.webp"]); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

// FuzzDecode: whatever the bytes, a picture of the size that its header says, or an
// error.
func FuzzDecode(f *testing.F) {
	for _, file := range golden.Files(f, "testdata/webp") {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := DecodeConfig(file)
		if err != nil || c.Width*c.Height > 1<<18 {
			return
		}
		if m, err := decode(t, file); err == nil && m.Bounds() != image.Rect(0, 0, c.Width, c.Height) {
			t.Errorf("%v, the header says %d×%d", m.Bounds(), c.Width, c.Height)
		}
	})
}
