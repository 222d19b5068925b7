package jxl

import (
	"context"
	"errors"
	"image"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"alexnet/internal/dynlib"
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

// TestSilent: what libjxl prints about damaged pictures isn't shown, and what comes
// after is.
func TestSilent(t *testing.T) {
	need(t)
	if os.Getenv("SILENT") != "" {
		var all sync.WaitGroup
		for _, whole := range golden.Files(t, "testdata/jxl") {
			all.Go(func() {
				for i := 0; i < len(whole); i += len(whole)/20 + 1 {
					bad := append([]byte(nil), whole...)
					bad[i] ^= 0x55
					_, _ = Decode(t.Context(), bad)
				}
			})
		}
		all.Wait()
		handle, err := dynlib.Open("libc.so.6", false)
		if err != nil {
			t.Skip(err)
		}
		perror, err := dynlib.Symbol(handle, "perror")
		if err != nil {
			t.Fatal(err)
		}
		word := []byte("the end\x00")
		dynlib.Call(perror, uintptr(unsafe.Pointer(&word[0])))
		return
	}
	c := exec.Command(os.Args[0], "-test.run=^TestSilent$")
	c.Env = append(os.Environ(), "SILENT=1")
	var said strings.Builder
	c.Stderr = &said
	if err := c.Run(); err != nil {
		t.Fatal(err, said.String())
	}
	if !strings.HasPrefix(said.String(), "the end: ") || strings.Contains(said.String(), ".cc:") {
		t.Errorf("printed: %.500q", said.String())
	}
}

// TestMissing: where there is no library, the error says what to install.
func TestMissing(t *testing.T) {
	t.Setenv(spec.Variable, "/nonexistent/libjxl.so")
	if _, err := spec.Open(); err == nil || !strings.Contains(err.Error(), "apt-get install libjxl") && !strings.Contains(err.Error(), "Linux") {
		t.Errorf("%v, want what to install", err)
	}
}
