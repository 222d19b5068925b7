package mds

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestGolden writes the shard that MosaicML's MDSWriter (mosaicml-streaming
// 0.13) wrote for the same samples and settings.
func TestGolden(t *testing.T) {
	dir := t.TempDir()
	w, err := NewWriter(dir, WriterConfig{
		Columns:   []Column{{"x", "jpeg"}, {"y", "int"}},
		SizeLimit: NoSizeLimit,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, sample := range []struct {
		x []byte
		y int64
	}{
		{[]byte{0xff, 0xd8, 0xff, 0xd9}, 3},
		{[]byte{0xff, 0xd8, 0x00, 0xff, 0xd9}, -1},
	} {
		if err := w.Write(sample.x, AppendInt(nil, sample.y)); err != nil {
			t.Fatal(err)
		}
	}
	shards, err := w.Finish()
	if err != nil || len(shards) != 1 {
		t.Fatalf("Finish: %d shards, %v", len(shards), err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "shard.00000.mds"))
	if err != nil {
		t.Fatal(err)
	}
	if len(data) != 227 {
		t.Errorf("%d bytes, want 227", len(data))
	}
	for i, want := range []uint32{194, 210, 227} {
		if got := binary.LittleEndian.Uint32(data[4+4*i:]); got != want {
			t.Errorf("offset %d is %d, want %d", i, got, want)
		}
	}
	const want = "f83fcb388a83e0538e8d8d2e7112fa6cdec65ce34a9bb28673554fb10fa7841f"
	if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != want {
		t.Errorf("sha256 %s, want %s\n%q", got, want, data)
	}
}
