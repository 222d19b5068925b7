package pnm

import (
	"context"
	"errors"
	"image"
	"io"
	"testing"

	"alexnet/pipeline/formats/internal/golden"
)

func TestPillow(t *testing.T) {
	golden.Check(t, "testdata/pnm", 40, DecodeConfig, func(file []byte) (image.Image, error) {
		return Decode(t.Context(), file)
	})
}

func TestBad(t *testing.T) {
	files := golden.Files(t, "testdata/pnm")
	for _, name := range []string{"p1.pbm", "p4.pbm", "p6-255.ppm", "p5-65535.pgm", "p7-4.pam"} {
		whole := files[name]
		for n := 3; n < len(whole)-1; n++ {
			_, err := Decode(t.Context(), whole[:n])
			if err == nil {
				t.Errorf("%s cut to %d of %d bytes is decoded", name, n, len(whole))
			}
		}
		if _, err := Decode(t.Context(), whole[:len(whole)-1]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s without its last byte: %v, want io.ErrUnexpectedEOF", name, err)
		}
	}
	for _, bad := range []string{"P2 2 2 10\n1 2 3 11", "P3 1 1 255\n1 x 3", "P1 2 1\n0 2", "P6 0 5 255\n", "P5 5 5 70000\n", "P6 99999999999 1 255\n", "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 9\nMAXVAL 1\nENDHDR\n"} {
		if _, err := Decode(t.Context(), []byte(bad)); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v, want another error", bad, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ctx, files["p6-255.ppm"]); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

// FuzzDecode: whatever the bytes, a picture of the size that its header says, or an
// error.
func FuzzDecode(f *testing.F) {
	for _, file := range golden.Files(f, "testdata/pnm") {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := DecodeConfig(file)
		if err != nil || c.Width > 1<<20/c.Height {
			return
		}
		if m, err := Decode(t.Context(), file); err == nil && m.Bounds() != image.Rect(0, 0, c.Width, c.Height) {
			t.Errorf("%v, the header says %d×%d", m.Bounds(), c.Width, c.Height)
		}
	})
}
