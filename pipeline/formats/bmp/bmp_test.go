package bmp

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"io"
	"testing"

	"alexnet/pipeline/formats/internal/golden"
)

var goPNG = PNG{
	Config: func(file []byte) (image.Config, error) { return png.DecodeConfig(bytes.NewReader(file)) },
	Decode: func(_ context.Context, file []byte) (image.Image, error) { return png.Decode(bytes.NewReader(file)) },
}

func TestPillow(t *testing.T) {
	golden.Check(t, "testdata/bmp", 45, DecodeConfig, func(file []byte) (image.Image, error) {
		return Decode(t.Context(), file)
	})
	golden.Check(t, "testdata/icon", 15, goPNG.IconConfig, func(file []byte) (image.Image, error) {
		img, err := goPNG.DecodeIcon(t.Context(), file)
		if m, ok := img.(*image.NRGBA); ok { // alpha means nothing
			for i := 3; i < len(m.Pix); i += 4 {
				m.Pix[i] = 255
			}
		}
		return img, err
	})
}

// TestDIB: a file without its first 14 bytes has the same pixels.
func TestDIB(t *testing.T) {
	for name, file := range golden.Files(t, "testdata/bmp") {
		if name == "gap-before-pixels.bmp" { // of which only the file's header tells
			continue
		}
		want, err := Decode(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeDIB(t.Context(), file[14:])
		if err != nil || !bytes.Equal(golden.RGB(got), golden.RGB(want)) {
			t.Errorf("%s: other pixels, %v", name, err)
		}
	}
}

func TestBad(t *testing.T) {
	files := golden.Files(t, "testdata/bmp")
	for _, name := range []string{"24-bits-header-40.bmp", "8-bits-header-12.bmp", "565-fields.bmp", "rle8.bmp", "rle4-absolute.bmp"} {
		whole := files[name]
		for n := range len(whole) - 4 { // behind which only the end of the picture is missing
			if _, err := Decode(t.Context(), whole[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s cut to %d of %d bytes: %v, want io.ErrUnexpectedEOF", name, n, len(whole), err)
			}
		}
	}
	file := bytes.Clone(files["24-bits-header-40.bmp"])
	file[30] = pngFile
	var u *UnsupportedError
	if _, err := Decode(t.Context(), file); !errors.As(err, &u) {
		t.Errorf("%v, want an UnsupportedError", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ctx, files["24-bits-header-40.bmp"]); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

// FuzzDecode: whatever the bytes, as a file and as an icon, a picture of the size
// that its header says, or an error.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"testdata/bmp", "testdata/icon"} {
		for _, file := range golden.Files(f, name) {
			f.Add(file)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, format := range []struct {
			config func([]byte) (image.Config, error)
			decode func(context.Context, []byte) (image.Image, error)
		}{{DecodeConfig, Decode}, {goPNG.IconConfig, goPNG.DecodeIcon}} {
			c, err := format.config(file)
			if err != nil || c.Width > 1<<20/max(1, c.Height) {
				continue
			}
			if m, err := format.decode(t.Context(), file); err == nil && m.Bounds() != image.Rect(0, 0, c.Width, c.Height) {
				t.Errorf("%v, the header says %d×%d", m.Bounds(), c.Width, c.Height)
			}
		}
	})
}
