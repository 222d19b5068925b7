package jxl

import (
	"context"
	"errors"
	"image"
	"io"
	"strings"
	"testing"

	"alexnet/pipeline/formats/internal/golden"
)

func need(t testing.TB) {
	t.Helper()
	if err := Available(); err != nil {
		t.Skip(err)
	}
}

// TestTools compares with libjxl's djxl.
func TestTools(t *testing.T) {
	need(t)
	golden.Check(t, "testdata/jxl", 12, DecodeConfig, func(file []byte) (image.Image, error) {
		return Decode(t.Context(), file)
	})
}

func TestBad(t *testing.T) {
	need(t)
	files := golden.Files(t, "testdata/jxl")
	for name, whole := range files {
		if name == "animation.jxl" { // whose second frame isn't looked at
			continue
		}
		for n := 0; n < len(whole)*3/4; n += len(whole)/7 + 1 {
			if _, err := Decode(t.Context(), whole[:n]); err == nil {
				t.Errorf("%s cut to %d of %d bytes is decoded", name, n, len(whole))
			}
		}
	}
	whole := files["lossless.jxl"]
	if _, err := Decode(t.Context(), whole[:len(whole)/2]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half a file: %v, want io.ErrUnexpectedEOF", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ctx, whole); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

// TestMissing: where there is no library, the error says what to install.
func TestMissing(t *testing.T) {
	t.Setenv(spec.Variable, "/nonexistent/libjxl.so")
	if _, err := spec.Open(); err == nil || !strings.Contains(err.Error(), "apt-get install libjxl") && !strings.Contains(err.Error(), "Linux") {
		t.Errorf("%v, want what to install", err)
	}
}
