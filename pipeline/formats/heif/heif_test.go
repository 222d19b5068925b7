package heif

import (
	"context"
	"errors"
	"image"
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

func TestPillow(t *testing.T) {
	need(t)
	golden.Check(t, "testdata/heif", 14, DecodeConfig, func(file []byte) (image.Image, error) {
		return Decode(t.Context(), file)
	})
}

func TestBad(t *testing.T) {
	need(t)
	files := golden.Files(t, "testdata/heif")
	for name, whole := range files {
		for n := 0; n < len(whole); n += len(whole)/7 + 1 {
			if _, err := Decode(t.Context(), whole[:n]); err == nil {
				t.Errorf("%s cut to %d of %d bytes is decoded", name, n, len(whole))
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ctx, files["444.avif"]); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

// TestMissing: where there is no library, the error says what to install.
func TestMissing(t *testing.T) {
	t.Setenv(spec.Variable, "/nonexistent/libheif.so.1")
	if _, err := spec.Open(); err == nil || !strings.Contains(err.Error(), "apt-get install libheif1") && !strings.Contains(err.Error(), "Linux") {
		t.Errorf("%v, want what to install", err)
	}
}
