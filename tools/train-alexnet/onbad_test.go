package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/tools/internal/ranks/rankstest"
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
	r.must(t, 3, "1 picture of "+w.train+" could not be read", shard, "damaged")
	call(append(w.args(filepath.Join(w.dir, "odd")), "--on-bad", "hope")...).must(t, 2, "--on-bad hope: want stop or skip")
	call(append(w.args(filepath.Join(w.dir, "odd")), "--shuffle", "hope")...).must(t, 2, "--shuffle")
}

// TestOnBadRanks: pictures that any rank leaves out are counted, and the exit code
// says so.
func TestOnBadRanks(t *testing.T) {
	w := newWorld(t)
	shard := filepath.Join(w.train, "shard.00000.mds")
	data, err := os.ReadFile(shard)
	if err != nil {
		t.Fatal(err)
	}
	const bad = 8 // every seventh, so that they are in the shares of all ranks
	for i := range bad {
		at := binary.LittleEndian.Uint32(data[4+4*7*i:])
		data[at+4+3*testSize*testSize] = 99 // as above
	}
	if err := os.WriteFile(shard, data, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{2, 3} {
		out, err := rankstest.Run(t, rankstest.TCP, n, w.args(filepath.Join(w.dir, fmt.Sprint(n)), "--epochs", "1", "--on-bad", "skip", "--shuffle", "none", "--threads", "1")[1:]...)
		if err == nil || strings.Count(out, fmt.Sprint(bad, " pictures of ", w.train, " could not be read")) != 1 {
			t.Errorf("%d ranks: %v\n%s", n, err, out)
		}
	}
}
