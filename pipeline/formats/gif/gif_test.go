package gif

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"testing"

	"alexnet/pipeline/formats/internal/golden"
)

func TestPillow(t *testing.T) {
	golden.Check(t, "testdata/gif", 60, DecodeConfig, func(file []byte) (image.Image, error) {
		return Decode(t.Context(), file)
	})
}

func TestBad(t *testing.T) {
	whole := golden.Files(t, "testdata/gif")["covering-transparent-5.gif"]
	for n := range len(whole) - 4 { // all but the end code, the end of the blocks and the end mark
		if _, err := Decode(t.Context(), whole[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut to %d of %d bytes: %v, want io.ErrUnexpectedEOF", n, len(whole), err)
		}
	}
	if _, err := Decode(t.Context(), append(bytes.Clone(whole[:13+48]), ';')); err == nil {
		t.Error("a file without a frame is decoded")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ctx, whole); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

// FuzzDecode: whatever the bytes, a picture of the size that its header says, or an
// error.
func FuzzDecode(f *testing.F) {
	for _, file := range golden.Files(f, "testdata/gif") {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := DecodeConfig(file)
		if err != nil || c.Width*c.Height > 1<<20 {
			return
		}
		if m, err := Decode(t.Context(), file); err == nil && m.Bounds() != image.Rect(0, 0, c.Width, c.Height) {
			t.Errorf("%v, the header says %d×%d", m.Bounds(), c.Width, c.Height)
		}
	})
}
