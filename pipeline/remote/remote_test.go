package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
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

// TestCancel lets callers leave a download that hangs; the last one ends it.
func TestCancel(t *testing.T) {
	origin, x := writeShards(t, 2, mds.WriterConfig{})
	came, gone := make(chan struct{}, 10), make(chan struct{}, 10) // requests
	s := serve(t, origin, func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
		if name == mds.IndexName || nth > 1 {
			return false
		}
		w.Header().Set("Content-Length", fmt.Sprint(x.Shards[0].RawData.Bytes))
		w.(http.Flusher).Flush()
		came <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
		return true
	})
	c := config(t)
	c.Stall = time.Hour
	f := open(t, s.URL+"/set", c)
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
		<-came
		cancel()
		group.Wait() // though the server never answers
		<-gone       // the server sees that nobody listens
	}
	compare(t, f, origin, &x.Shards[0]) // begins anew

	s.mu.Lock()
	s.asked = map[string]int{}
	s.mu.Unlock()
	go func() { <-came; f.Close() }()
	if _, _, err := f.Fetch(t.Context(), &x.Shards[1]); !errors.Is(err, errClosed) {
		t.Errorf("error %v, want %v", err, errClosed)
	}
	if _, _, err := f.Fetch(t.Context(), &x.Shards[1]); !errors.Is(err, errClosed) {
		t.Errorf("error %v after Close, want %v", err, errClosed)
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

// TestOpenLeavesNoConnection: a folder that can't be opened keeps no connection
// to its server.
func TestOpenLeavesNoConnection(t *testing.T) {
	states := make(chan http.ConnState, 100)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) { states <- state }
	s.Start()
	defer s.Close()
	if _, err := Open(t.Context(), s.URL, config(t)); err == nil {
		t.Fatal("a page is taken for an index")
	}
	for {
		select {
		case state := <-states:
			if state == http.StateClosed {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the connection is still open")
		}
	}
}

func TestIsURL(t *testing.T) {
	for place, want := range map[string]bool{"s3://b": true, "gs://b/x": true, "https://h": true, "http://h": true, "HTTPS://h": true, "/data": false, "data://x": false, "": false} {
		if got := IsURL(place); got != want {
			t.Errorf("IsURL(%q) = %t", place, got)
		}
	}
}
