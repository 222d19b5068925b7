//go:build linux

package hostile

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A cache whose files were changed, cut, emptied or replaced is found out: the result
// is right, or the command fails and says so; never a wrong result.
func TestPoisonedCache(t *testing.T) {
	w := newWorld(t)
	web := httptest.NewServer(http.FileServer(http.Dir(w.dir)))
	defer web.Close()
	dir := t.TempDir()
	args := func(cache, out string) []string {
		return []string{"--shards", web.URL + "/large", "--recompute", "--cache-dir", cache, "--out", out}
	}
	right, clean := filepath.Join(dir, "right.json"), filepath.Join(dir, "clean")
	must(t, "compute-pca", args(clean, right)...)
	want, err := os.ReadFile(right)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(8, 14))
	changes := map[string]func(data []byte) []byte{
		"one bit":  func(d []byte) []byte { d[random.IntN(len(d))] ^= 1 << random.IntN(8); return d },
		"a label":  func(d []byte) []byte { copy(d[len(d)-40:], "\x01\x00\x00\x00\x00\x00\x00\x00"); return d },
		"cut":      func(d []byte) []byte { return d[:random.IntN(len(d))] },
		"empty":    func(d []byte) []byte { return nil },
		"longer":   func(d []byte) []byte { return append(d, d...) },
		"zeros":    func(d []byte) []byte { return make([]byte, len(d)) },
		"the head": func(d []byte) []byte { copy(d, "\xff\xff\xff\xff\xff\xff\xff\xff"); return d },
	}
	tried, mended, refused := 0, 0, 0
	for name, change := range changes {
		for _, what := range []string{"*.mds", "index.json"} {
			cache := filepath.Join(dir, fmt.Sprint("cache-", tried))
			copied(t, clean, cache)
			changed := 0
			err := filepath.WalkDir(cache, func(path string, d os.DirEntry, err error) error {
				if ok, _ := filepath.Match(what, filepath.Base(path)); err != nil || !ok || d.IsDir() {
					return err
				}
				data, err := os.ReadFile(path)
				if err != nil || len(data) < 100 {
					return err
				}
				info, err := d.Info()
				if err != nil {
					return err
				}
				changed++
				if err := os.WriteFile(path, change(data), 0o666); err != nil {
					return err
				}
				return os.Chtimes(path, info.ModTime(), info.ModTime()) // as a careful poisoner does
			})
			if changed == 0 || err != nil {
				t.Fatalf("%s: nothing to change in the cache: %v", what, err)
			}
			tried++
			out := filepath.Join(dir, "out.json")
			os.Remove(out)
			o := finish(t, command("compute-pca", args(cache, out)...), time.Minute)
			o.calm(t, name+" of "+what)
			got, err := os.ReadFile(out)
			switch {
			case o.code == 0 && string(got) == string(want):
				mended++
			case o.code == 0:
				t.Errorf("%s of %s: another result without a word (%v)\n%s", name, what, err, o.text)
			case err == nil:
				t.Errorf("%s of %s: exit code %d, and a result\n%s", name, what, o.code, o.text)
			default:
				refused++
			}
		}
	}
	t.Logf("%d poisoned caches: %d made no difference, %d were refused", tried, mended, refused)
}
