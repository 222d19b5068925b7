package remote

import (
	"bytes"
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
