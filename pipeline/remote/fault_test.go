package remote

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alexnet/pipeline/mds"
)

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

// TestBadIndex: an index that has no end, comes a byte at a time, or is nested
// without end stops soon, with its address.
func TestBadIndex(t *testing.T) {
	origin, _ := writeShards(t, 1, mds.WriterConfig{})
	for name, c := range map[string]struct {
		send func(w http.ResponseWriter, r *http.Request)
		want string
	}{
		"drips": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		}, "next to nothing"},
		"drips faster than it may stall": {func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.Write(make([]byte, minProgress))
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		}, "next to nothing"},
		"has no end": {func(w http.ResponseWriter, r *http.Request) {
			for zeros := make([]byte, 1<<20); r.Context().Err() == nil; {
				w.Write(zeros)
			}
		}, "has more than 67108864 bytes"},
		"is deep": {func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(`{"version":2,"shards":` + strings.Repeat("[", 1<<20)))
		}, "not an index"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, origin, func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
				c.send(w, r)
				return true
			})
			cfg := config(t)
			cfg.Attempts = 2
			cfg.Stall = 100 * time.Millisecond
			if name == "has no end" || name == "is deep" {
				cfg.Stall = 0
			}
			begun := time.Now()
			_, err := Open(t.Context(), s.URL+"/set", cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), s.URL+"/set/index.json") {
				t.Errorf("error %v", err)
			}
			if took := time.Since(begun); took > time.Minute {
				t.Errorf("took %v", took)
			}
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
