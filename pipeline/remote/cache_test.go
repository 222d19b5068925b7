package remote

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"alexnet/pipeline/mds"
)

// TestSmallCache fetches twenty shards, thrice, through a cache of three.
func TestSmallCache(t *testing.T) {
	origin, x := writeShards(t, 20, mds.WriterConfig{Hashes: []string{"xxh64"}})
	s := serve(t, origin, nil)
	c := config(t)
	c.CacheSize = 3*x.Shards[0].RawData.Bytes + 8000 // the index counts too
	f := open(t, s.URL+"/set", c)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for k := range 3 * len(x.Shards) {
				shard := &x.Shards[k%len(x.Shards)]
				for {
					dir, local, err := f.Fetch(t.Context(), shard)
					if err != nil {
						t.Error(err)
						return
					}
					opened, err := mds.OpenShard(dir, local)
					if errors.Is(err, fs.ErrNotExist) {
						continue // the other took its room
					}
					if err != nil {
						t.Error(err)
						return
					}
					if err := opened.Verify(); err != nil {
						t.Error(err)
					}
					opened.Close()
					break
				}
				if n := used(t, c.Cache); n > c.CacheSize {
					t.Errorf("%d bytes in a cache of %d", n, c.CacheSize)
				}
			}
		})
	}
	group.Wait()

	// The one that was used longest ago goes first.
	order := []int{0, 1, 2, 0, 3}
	for _, k := range order {
		if _, _, err := f.Fetch(t.Context(), &x.Shards[k]); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // for file systems with coarse times
	}
	for k, there := range map[int]bool{0: true, 1: false, 2: true, 3: true} {
		local := f.local(&x.Shards[k])
		if _, err := os.Stat(filepath.Join(f.dir, local.RawData.Basename)); (err == nil) != there {
			t.Errorf("shard %d is in the cache: %t, want %t", k, err == nil, there)
		}
	}

	c.CacheSize = x.Shards[0].RawData.Bytes - 1
	tiny := open(t, s.URL+"/set", c)
	if _, _, err := tiny.Fetch(t.Context(), &x.Shards[9]); err == nil || !strings.Contains(err.Error(), "\"cache-size\"") {
		t.Errorf("error %v of a cache smaller than a shard", err)
	}
}

// TestStrangers puts files beside the cache and in it that no cache has made:
// they stay.
func TestStrangers(t *testing.T) {
	origin, x := writeShards(t, 3, mds.WriterConfig{})
	s := serve(t, origin, nil)
	c := config(t)
	c.CacheSize = x.Shards[0].RawData.Bytes + 8000
	mine := []string{filepath.Join(c.Cache, "thesis.mds"), filepath.Join(c.Cache, cacheName, "thesis.txt")}
	if err := os.Mkdir(filepath.Join(c.Cache, cacheName), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, path := range mine {
		if err := os.WriteFile(path, []byte("years of work"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	f := open(t, s.URL+"/set", c)
	for i := range x.Shards {
		compare(t, f, origin, &x.Shards[i])
	}
	for _, path := range mine {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// TestDeadProcess finds what a process left that was killed while it wrote.
func TestDeadProcess(t *testing.T) {
	origin, x := writeShards(t, 3, mds.WriterConfig{Hashes: []string{"xxh64"}})
	s := serve(t, origin, nil)
	c := config(t)
	c.CacheSize = x.Shards[0].RawData.Bytes + 8000
	f := open(t, s.URL+"/set", c)
	for _, k := range []int{0, 1} { // of the shard that is wanted, and of another
		path := filepath.Join(f.dir, f.local(&x.Shards[k]).RawData.Basename) + partSuffix
		if err := os.WriteFile(path, make([]byte, x.Shards[k].RawData.Bytes), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	compare(t, f, origin, &x.Shards[0])
	if n := used(t, c.Cache); n > c.CacheSize {
		t.Errorf("%d bytes in a cache of %d", n, c.CacheSize)
	}
}

// TestOffline goes on with what the cache has, and says what it lacks.
func TestOffline(t *testing.T) {
	origin, x := writeShards(t, 2, mds.WriterConfig{})
	s := serve(t, origin, nil)
	c := config(t)
	c.Attempts = 2
	compare(t, open(t, s.URL+"/set", c), origin, &x.Shards[0])
	s.Close()

	var notes []string
	c.Note = func(text string) { notes = append(notes, text) }
	f := open(t, s.URL+"/set", c)
	if len(notes) != 1 || !strings.Contains(notes[0], s.URL+"/set/index.json") || !strings.Contains(notes[0], "going on with what the cache has") {
		t.Errorf("notes %q", notes)
	}
	compare(t, f, origin, &x.Shards[0])
	_, _, err := f.Fetch(t.Context(), &x.Shards[1])
	for _, want := range []string{s.URL + "/set/shard.00001.mds", "tried 2 times", "refused", "check the network", "the cache stays"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}

	c.Cache = t.TempDir()
	if _, err := Open(t.Context(), s.URL+"/set", c); err == nil || !strings.Contains(err.Error(), s.URL+"/set/index.json") {
		t.Errorf("error %v with nothing in the cache", err)
	}
}

// TestNewSet makes other shards under the same URL.
func TestNewSet(t *testing.T) {
	for _, hashes := range [][]string{nil, {"sha1"}} {
		first, _ := writeShards(t, 1, mds.WriterConfig{Hashes: hashes})
		origin, x := writeShards(t, 2, mds.WriterConfig{Hashes: hashes})
		now := first
		s := serve(t, "/", func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
			http.ServeFile(w, r, filepath.Join(now, name))
			return true
		})
		c := config(t)
		f := open(t, s.URL+"/set", c)
		compare(t, f, first, &f.Index().Shards[0])
		path := filepath.Join(origin, "shard.00000.mds")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-1] ^= 1
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		info, err := mds.DescribeShard(origin, "shard.00000.mds")
		if err != nil {
			t.Fatal(err)
		}
		x.Shards[0] = info
		if err := x.Write(origin); err != nil {
			t.Fatal(err)
		}
		now = origin
		f = open(t, s.URL+"/set", c)
		compare(t, f, origin, &f.Index().Shards[0])
	}
}
