package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"alexnet/pipeline/mds"
)

// childURL makes a process of this test read that folder instead of testing.
const childURL, childCache, childSize = "REMOTE_TEST_URL", "REMOTE_TEST_CACHE", "REMOTE_TEST_SIZE"

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		if err := child(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// child reads every shard several times, in an order of its own.
func child(url string) error {
	size, err := strconv.ParseInt(os.Getenv(childSize), 10, 64)
	if err != nil {
		return err
	}
	f, err := Open(context.Background(), url, Config{Cache: os.Getenv(childCache), CacheSize: size})
	if err != nil {
		return err
	}
	defer f.Close()
	shards := f.Index().Shards
	for range 3 {
		for _, k := range rand.Perm(len(shards)) {
			for {
				dir, local, err := f.Fetch(context.Background(), &shards[k])
				if err != nil {
					return err
				}
				s, err := mds.OpenShard(dir, local)
				if errors.Is(err, fs.ErrNotExist) {
					continue // another process took its room
				}
				if err != nil {
					return err
				}
				time.Sleep(time.Millisecond) // while another may remove its file
				if err := s.Verify(); err != nil {
					return err
				}
				s.Close()
				break
			}
		}
	}
	return nil
}

// TestProcesses lets three processes share a cache: one that holds all, so that
// each shard comes once, and one that is too small.
func TestProcesses(t *testing.T) {
	if testing.Short() {
		t.Skip("processes take seconds to start")
	}
	const shards = 12
	for name, fits := range map[string]int64{"all fit": 100, "three fit": 3} {
		t.Run(name, func(t *testing.T) {
			origin, x := writeShards(t, shards, mds.WriterConfig{Hashes: []string{"xxh64"}})
			s := serve(t, origin, func(w http.ResponseWriter, r *http.Request, name string, nth int) bool {
				time.Sleep(2 * time.Millisecond) // so that they meet
				return false
			})
			cache, size := t.TempDir(), fits*x.Shards[0].RawData.Bytes+8000
			done := make(chan error)
			for range 3 {
				c := exec.CommandContext(t.Context(), os.Args[0])
				c.Env = append(os.Environ(), childURL+"="+s.URL+"/set", childCache+"="+cache, childSize+"="+fmt.Sprint(size))
				go func() {
					text, err := c.CombinedOutput()
					if err != nil {
						err = fmt.Errorf("%w: %s", err, text)
					}
					done <- err
				}()
			}
			for left := 3; left > 0; {
				select {
				case err := <-done:
					if left--; err != nil {
						t.Error(err)
					}
				case <-time.After(5 * time.Millisecond):
				}
				if n := used(t, cache); n > size {
					t.Errorf("%d bytes in a cache of %d", n, size)
				}
			}
			for i := range shards {
				if n := s.times(x.Shards[i].RawData.Basename); fits > shards && n != 1 {
					t.Errorf("shard %d was asked for %d times, want once", i, n)
				}
			}
		})
	}
}
