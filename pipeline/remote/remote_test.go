package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"alexnet/pipeline/mds"
)

// writeShards writes a folder of shards of some 9 kB each and gives its index.
func writeShards(t testing.TB, shards int, cfg mds.WriterConfig) (dir string, x *mds.Index) {
	t.Helper()
	dir = t.TempDir()
	cfg.Columns = []mds.Column{{Name: "x", Encoding: "bytes"}}
	cfg.SizeLimit = 10_000
	w, err := mds.NewWriter(dir, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 * shards {
		if err := w.Write(bytes.Repeat([]byte{byte(i), byte(i * i), byte(i >> 3)}, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	list, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != shards {
		t.Fatalf("%d shards, want %d", len(list), shards)
	}
	x = &mds.Index{Version: mds.Version, Shards: list}
	if err := x.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir, x
}

// config is quick, for servers that fail.
func config(t testing.TB) Config { return Config{Cache: t.TempDir(), Backoff: time.Millisecond} }

// open opens a folder until the test's end.
func open(t testing.TB, url string, c Config) *Folder {
	t.Helper()
	f, err := Open(t.Context(), url, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// compare reads every sample of a shard that was fetched and compares it with
// the original.
func compare(t *testing.T, f *Folder, origin string, shard *mds.ShardInfo) {
	t.Helper()
	dir, local, err := f.Fetch(t.Context(), shard)
	if err != nil {
		t.Error(err)
		return
	}
	got, err := mds.OpenShard(dir, local)
	if err != nil {
		t.Error(err)
		return
	}
	defer got.Close()
	want, err := mds.OpenShard(origin, *shard)
	if err != nil {
		t.Error(err)
		return
	}
	defer want.Close()
	if err := got.Verify(); err != nil {
		t.Error(err)
	}
	for i := range want.Len() {
		a, _ := got.Column(i, 0)
		if b, err := want.Column(i, 0); err != nil || !bytes.Equal(a, b) {
			t.Errorf("sample %d of %s differs from the original (%v)", i, shard.RawData.Basename, err)
		}
	}
}

// server serves a folder. Handlers of its faults come first; they return false
// to leave the request to the plain server.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	asked  map[string]int // requests for each name
	faulty func(w http.ResponseWriter, r *http.Request, name string, nth int) bool
}

func serve(t testing.TB, dir string, faulty func(w http.ResponseWriter, r *http.Request, name string, nth int) bool) *server {
	t.Helper()
	s := &server{asked: map[string]int{}, faulty: faulty}
	files := http.FileServer(http.Dir(dir))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/set")
		name := strings.TrimPrefix(r.URL.Path, "/")
		s.mu.Lock()
		s.asked[name]++
		nth := s.asked[name]
		s.mu.Unlock()
		if s.faulty == nil || !s.faulty(w, r, name, nth) {
			files.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) times(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name]
}

// used is what the files of a cache take, at a moment when nobody changes them.
func used(t testing.TB, dir string) int64 {
	t.Helper()
	c := cache{dir: filepath.Join(dir, cacheName)}
	if _, err := os.Stat(c.dir); err != nil {
		return 0 // the processes haven't begun yet
	}
	unlock, err := c.lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	_, _, total, err := c.files()
	if err != nil {
		t.Fatal(err)
	}
	return total
}

func TestFetch(t *testing.T) {
	for name, cfg := range map[string]mds.WriterConfig{
		"hashes":    {Hashes: []string{"sha1", "xxh64"}},
		"no hashes": {},
		"zstd":      {Compression: "zstd:3", Hashes: []string{"xxh64"}},
	} {
		t.Run(name, func(t *testing.T) {
			origin, x := writeShards(t, 5, cfg)
			s := serve(t, origin, nil)
			c := config(t)
			f := open(t, s.URL+"/set/", c)
			if f.Index().Samples() != x.Samples() || f.Location() != s.URL+"/set" {
				t.Errorf("%d samples at %s", f.Index().Samples(), f.Location())
			}
			var group sync.WaitGroup
			for range 4 { // at once, each shard comes once
				group.Go(func() {
					for i := range f.Index().Shards {
						compare(t, f, origin, &f.Index().Shards[i])
					}
				})
			}
			group.Wait()
			again := open(t, s.URL+"/set", c) // another process would find them too
			for i := range x.Shards {
				compare(t, again, origin, &x.Shards[i])
				object := x.Shards[i].RawData.Basename
				if x.Shards[i].ZipData != nil {
					object = x.Shards[i].ZipData.Basename
				}
				if n := s.times(object); n != 1 {
					t.Errorf("%s was asked for %d times, want once", object, n)
				}
			}
		})
	}
}

// TestFaults meets servers that fail in one way, and expects the shard all the
// same, or an error that names the URL and the reason.
func TestFaults(t *testing.T) {
	const shard = "shard.00001.mds"
	hang := func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for _, c := range []struct {
		name   string
		cfg    mds.WriterConfig
		faulty func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool
		want   string // in the error; "": none
		times  int    // requests; of servers that stall, the least, since a busy machine may look like one
		stalls bool
	}{
		{name: "stalls before its answer", faulty: func(w http.ResponseWriter, r *http.Request, _ []byte, nth int) bool {
			if nth == 1 {
				<-r.Context().Done()
			}
			return nth == 1
		}, times: 2, stalls: true},
		{name: "stalls in the middle", faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			if nth > 1 {
				return false // honours Range
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			w.Write(whole[:5000])
			hang(w, r)
			return true
		}, times: 2, stalls: true},
		{name: "stalls for ever", faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			hang(w, r)
			return true
		}, want: "tried 3 times", times: 3, stalls: true},
		{name: "cuts off", faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			if nth > 1 {
				return false
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			w.Write(whole[:5000])
			return true
		}, times: 2},
		{name: "hangs up", faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			if nth == 1 {
				panic(http.ErrAbortHandler)
			}
			return false
		}, times: 2},
		{name: "cuts off and knows no ranges", faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			if nth == 1 {
				whole = whole[:5000]
			}
			w.Write(whole)
			return true
		}, times: 2},
		{name: "sends no length and cuts off", faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			w.(http.Flusher).Flush()
			if nth == 1 {
				whole = whole[:5000]
			}
			w.Write(whole)
			return true
		}, times: 2},
		{name: "has a shorter object", faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			w.Write(whole[:5000])
			return true
		}, want: "5000 bytes", times: wholeAttempts},
		{name: "has a longer object", faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			w.(http.Flusher).Flush()
			w.Write(append(whole, 0))
			return true
		}, want: "bytes or more", times: wholeAttempts},
		{name: "lies once", faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			if nth == 1 {
				whole[7000] ^= 1
			}
			w.Write(whole)
			return true
		}, times: 2},
		{name: "lies", faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			whole[7000] ^= 1
			w.Write(whole)
			return true
		}, want: "xxh64 of " + shard, times: wholeAttempts},
		{name: "lies about zstd", cfg: mds.WriterConfig{Compression: "zstd:1"}, faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			whole[20] ^= 0xff
			w.Write(whole)
			return true
		}, want: "damaged", times: wholeAttempts},
		{name: "is busy", faulty: func(w http.ResponseWriter, r *http.Request, _ []byte, nth int) bool {
			if nth < 3 {
				http.Error(w, "slow down", http.StatusServiceUnavailable)
			}
			return nth < 3
		}, times: 3},
		{name: "is busy for ever", faulty: func(w http.ResponseWriter, r *http.Request, _ []byte, nth int) bool {
			http.Error(w, "slow down", http.StatusServiceUnavailable)
			return true
		}, want: "503 Service Unavailable: slow down", times: 3},
		{name: "has no shard", faulty: func(w http.ResponseWriter, r *http.Request, _ []byte, nth int) bool {
			http.NotFound(w, r)
			return true
		}, want: "check the address", times: 1},
		{name: "refuses", faulty: func(w http.ResponseWriter, r *http.Request, _ []byte, nth int) bool {
			http.Error(w, "who are you?", http.StatusForbidden)
			return true
		}, want: "check the credentials", times: 1},
		{name: "answers with another range", faulty: func(w http.ResponseWriter, r *http.Request, whole []byte, nth int) bool {
			if nth == 1 {
				w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
				w.Write(whole[:5000])
			} else {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 6000-%d/%d", len(whole)-1, len(whole)))
				w.WriteHeader(http.StatusPartialContent)
			}
			return true
		}, want: "the server sends them from 6000", times: 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.cfg.Hashes = []string{"xxh64"}
			origin, x := writeShards(t, 2, c.cfg)
			object := &x.Shards[1].RawData
			if zip := x.Shards[1].ZipData; zip != nil {
				object = zip
			}
			s := serve(t, origin, func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
				if name != object.Basename {
					return false
				}
				whole, err := os.ReadFile(filepath.Join(origin, name))
				if err != nil {
					t.Error(err)
				}
				return c.faulty(w, r, whole, nth)
			})
			cfg := config(t)
			cfg.Attempts = 3
			if c.stalls {
				cfg.Stall = 100 * time.Millisecond
				if c.want == "" {
					cfg.Attempts = 20
				}
			}
			f := open(t, s.URL+"/set", cfg)
			if c.want == "" {
				compare(t, f, origin, &x.Shards[1])
			} else {
				_, _, err := f.Fetch(t.Context(), &x.Shards[1])
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.URL+"/set/"+object.Basename) {
					t.Errorf("error is %v; want %q and the URL in it", err, c.want)
				}
				if left, _ := filepath.Glob(filepath.Join(cfg.Cache, "*/*/shard.00001*")); len(left) > 0 {
					t.Errorf("%v is left in the cache", left)
				}
			}
			if n := s.times(object.Basename); n < c.times || n > c.times && !c.stalls {
				t.Errorf("%d requests, want %d", n, c.times)
			}
			compare(t, f, origin, &x.Shards[0])
		})
	}
}

// TestDamageStays: a shard that was fetched in vain isn't fetched for each of its
// samples.
func TestDamageStays(t *testing.T) {
	origin, x := writeShards(t, 1, mds.WriterConfig{Hashes: []string{"xxh64"}})
	s := serve(t, origin, func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
		if name == mds.IndexName {
			return false
		}
		w.Write(make([]byte, x.Shards[0].RawData.Bytes))
		return true
	})
	f := open(t, s.URL+"/set", config(t))
	for range 10 {
		var damage *mds.CorruptError
		if _, _, err := f.Fetch(t.Context(), &x.Shards[0]); !errors.As(err, &damage) {
			t.Fatalf("error %v is no CorruptError", err)
		}
	}
	if n := s.times("shard.00000.mds"); n != wholeAttempts {
		t.Errorf("%d requests, want %d", n, wholeAttempts)
	}
}

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
	if _, _, err := tiny.Fetch(t.Context(), &x.Shards[9]); err == nil || !strings.Contains(err.Error(), "--cache-size") {
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

// TestCancel lets callers leave a download that hangs; the last one ends it.
func TestCancel(t *testing.T) {
	origin, x := writeShards(t, 2, mds.WriterConfig{})
	gone := make(chan struct{}, 10)
	s := serve(t, origin, func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
		if name == mds.IndexName || nth > 1 {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(x.Shards[0].RawData.Bytes))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		gone <- struct{}{}
		return true
	})
	c := config(t)
	c.Stall = time.Hour
	f := open(t, s.URL+"/set", c)
	took := time.Hour // the best of both, since the machine may be busy
	for i := range x.Shards {
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if _, _, err := f.Fetch(ctx, &x.Shards[i]); !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want that of the context", err)
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		began := time.Now()
		cancel()
		group.Wait()
		took = min(took, time.Since(began))
		<-gone // the server sees that nobody listens
	}
	if took > 100*time.Millisecond {
		t.Errorf("Fetch returned %v after the context was cancelled", took)
	}
	compare(t, f, origin, &x.Shards[0]) // begins anew

	s.mu.Lock()
	s.asked = map[string]int{}
	s.mu.Unlock()
	time.AfterFunc(20*time.Millisecond, func() { f.Close() })
	if _, _, err := f.Fetch(t.Context(), &x.Shards[1]); !errors.Is(err, errClosed) {
		t.Errorf("error %v, want %v", err, errClosed)
	}
	if _, _, err := f.Fetch(t.Context(), &x.Shards[1]); !errors.Is(err, errClosed) {
		t.Errorf("error %v after Close, want %v", err, errClosed)
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
	for _, want := range []string{s.URL + "/set/shard.00001.mds", "tried 2 times", "refused", "check the network", "--resume"} {
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

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, mds.IndexName), []byte("<html>"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := serve(t, dir, nil)
	for url, want := range map[string]string{
		s.URL + "/set":                     "is it a folder of shards?",
		s.URL + "/set/nowhere":             "check the address",
		"ftp://host/folder":                `don't know "ftp"`,
		"s3:///folder":                     "no host or bucket",
		"https://host:x/":                  "no URL",
		"s3://bucket/x?endpoint=localhost": "want a URL such as",
	} {
		if _, err := Open(t.Context(), url, config(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", url, err, want)
		}
	}
}

func TestRedact(t *testing.T) {
	for place, want := range map[string]string{
		"https://host/a":                     "https://host/a",
		"https://user:secret@host/a":         "https://user:xxxxx@host/a",
		"https://host/a?sig=secret":          "https://host/a?sig=xxxxx",
		"s3://bucket/a?region=eu&endpoint=e": "s3://bucket/a?endpoint=e&region=eu",
		"https://host:bad/a?sig=secret":      "https://host:bad/a",
	} {
		if got := Redact(place); got != want {
			t.Errorf("Redact(%q) = %q, want %q", place, got, want)
		}
	}
	for place, want := range map[string]bool{"s3://b": true, "gs://b/x": true, "https://h": true, "http://h": true, "/data": false, "data://x": false, "": false} {
		if got := IsURL(place); got != want {
			t.Errorf("IsURL(%q) = %t", place, got)
		}
	}
}
