package remote

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/pipeline/mds"
)

// TestPoisonedCache: what a run finds in the cache is compared with the index
// before it is used, once, and fetched again where it differs, in whatever way.
func TestPoisonedCache(t *testing.T) {
	for _, hashes := range [][]string{{"sha1", "xxh64"}, {"md5"}, {"xxh3_64"}, {"sha512"}} {
		origin, x := writeShards(t, 6, mds.WriterConfig{Hashes: hashes})
		s := serve(t, origin, nil)
		c := config(t)
		first := open(t, s.URL+"/set", c)
		for i := range x.Shards {
			compare(t, first, origin, &x.Shards[i])
		}
		path := func(i int) string {
			return filepath.Join(first.dir, first.local(&x.Shards[i]).RawData.Basename)
		}
		whole, err := os.ReadFile(path(0))
		if err != nil {
			t.Fatal(err)
		}
		for i, poison := range []func(b []byte) []byte{
			func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, // a label, say
			func(b []byte) []byte { return b[:len(b)-1] },
			func(b []byte) []byte { return append(b, 0) },
			func(b []byte) []byte { return make([]byte, len(b)) },
			func(b []byte) []byte { return nil },
		} {
			b, err := os.ReadFile(path(i))
			if err != nil {
				t.Fatal(err)
			}
			stat, err := os.Stat(path(i))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path(i), poison(b), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path(i), stat.ModTime(), stat.ModTime()); err != nil {
				t.Fatal(err)
			}
		}
		var notes []string
		c.Note = func(text string) { notes = append(notes, text) }
		second := open(t, s.URL+"/set", c)
		for i := range x.Shards {
			compare(t, second, origin, &x.Shards[i])
			want := 2
			if i == 5 {
				want = 1 // it was whole
			}
			if n := s.times(fmt.Sprintf("shard.%05d.mds", i)); n != want {
				t.Errorf("%v: shard %d was asked for %d times, want %d", hashes, i, n, want)
			}
		}
		if len(notes) != 5 || !strings.Contains(notes[0], path(0)+" in the cache is not as it was fetched: "+hashes[len(hashes)-1]) {
			t.Errorf("notes %q", notes)
		}
		// The first Folder has fetched its shards itself, and trusts them.
		whole[len(whole)-1] ^= 1
		if err := os.WriteFile(path(0), whole, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, _, err := first.Fetch(t.Context(), &x.Shards[0]); err != nil {
			t.Error(err)
		}
		// Without the server it is an error, and no shard of other bytes.
		s.Close()
		c.Attempts = 2
		third := open(t, s.URL+"/set", c)
		if _, _, err := third.Fetch(t.Context(), &x.Shards[0]); !errors.As(err, new(*Error)) {
			t.Errorf("a poisoned shard without a server: %v", err)
		}
		compare(t, third, origin, &x.Shards[1])
	}
}

// BenchmarkCheckCached is what the first use of a shard in the cache costs more.
func BenchmarkCheckCached(b *testing.B) {
	path := filepath.Join(b.TempDir(), "shard")
	data := bytes.Repeat([]byte("0123456789abcdef"), 4<<20)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"xxh64", "sha1"} {
		h := mds.NewHash(name)
		h.Write(data)
		object := &mds.FileInfo{Bytes: int64(len(data)), Hashes: map[string]string{name: fmt.Sprintf("%x", h.Sum(nil))}}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(object.Bytes)
			for b.Loop() {
				if err := checkCached(b.Context(), path, object); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
