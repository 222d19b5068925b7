package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// TestOnBad damages a sample of the training shards.
func TestOnBad(t *testing.T) {
	w := newWorld(t)
	shard := filepath.Join(w.train, "shard.00000.mds")
	data, err := os.ReadFile(shard)
	if err != nil {
		t.Fatal(err)
	}
	first := binary.LittleEndian.Uint32(data[4:])
	data[first+4+3*testSize*testSize] = 99 // the first sample's label, behind its name's length and its pixels
	if err := os.WriteFile(shard, data, 0o666); err != nil {
		t.Fatal(err)
	}
	call(append(w.args(filepath.Join(w.dir, "stop")), "--epochs", "1")...).must(t, 1, shard, "damaged")
	r := call(append(w.args(filepath.Join(w.dir, "skip")), "--epochs", "1", "--on-bad", "skip", "--shuffle", "shards")...)
	r.must(t, 3, "1 pictures of "+w.train+" could not be read", shard, "damaged")
	call(append(w.args(filepath.Join(w.dir, "odd")), "--on-bad", "hope")...).must(t, 2, "--on-bad hope: want stop or skip")
	call(append(w.args(filepath.Join(w.dir, "odd")), "--shuffle", "hope")...).must(t, 2, "--shuffle")
}
