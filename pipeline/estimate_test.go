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
		if err != nil {
			t.Fatal(err)
		}
		if ratio := float64(e.Bytes) / float64(sum.Bytes); ratio < 0.8 || ratio > 1.05 {
			t.Errorf("%s: estimated %d bytes, written %d", codec, e.Bytes, sum.Bytes)
		}
	}
}
