package pipeline

import (
	"path/filepath"
	"testing"
)

func TestEstimateShard(t *testing.T) {
	src := resumable
	for _, codec := range []string{"raw", "lossless"} {
		cfg := resumableConfig(filepath.Join(t.TempDir(), "dir"))
		cfg.Codec = codec
		e, err := EstimateShard(t.Context(), cfg, src)
		if err != nil || e.Pictures != 270 || e.Sample < 1 || e.Sample == 270 && e.Bad != 14 || e.Time <= 0 {
			t.Fatalf("%+v, %v", e, err)
		}
		gone(t, cfg.Out)
		sum, err := Shard(t.Context(), cfg, src, nil)
		if err != nil || e.Enlarged != e.Sample-e.Bad {
			t.Fatal(e.Enlarged, err)
		}
		if ratio := float64(e.Bytes) / float64(sum.Bytes); ratio < 0.8 || ratio > 1.05 {
			t.Errorf("%s: estimated %d bytes, written %d", codec, e.Bytes, sum.Bytes)
		}
	}
}

// TestEnlarged: pictures of 9 to 13 by 11 pixels, of which a fifth is narrower than 10.
func TestEnlarged(t *testing.T) {
	cfg := resumableConfig(filepath.Join(t.TempDir(), "dir"))
	cfg.Size = 10
	e, err := EstimateShard(t.Context(), cfg, resumable)
	if err != nil || e.Sample == 270 && e.Enlarged != 54 {
		t.Errorf("estimated: %d of %d, %v", e.Enlarged, e.Sample, err)
	}
	if sum, err := Shard(t.Context(), cfg, resumable, nil); err != nil || sum.Enlarged != 54 {
		t.Errorf("%d enlarged, %v", sum.Enlarged, err)
	}
	cfg.Out, cfg.Size = filepath.Join(t.TempDir(), "dir"), 9
	if sum, err := Shard(t.Context(), cfg, resumable, nil); err != nil || sum.Enlarged != 0 {
		t.Errorf("%d enlarged where none need be, %v", sum.Enlarged, err)
	}
}
