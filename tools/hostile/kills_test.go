//go:build linux

package hostile

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// killed is a job that is killed again and again.
type killed struct {
	name string
	// begin makes what the job needs in a new folder, in which it works.
	begin func(t *testing.T, dir string)
	// command is the job's command line, the same every time.
	command func(dir string) (name string, args []string)
	// result is the folder, in dir, whose every byte counts. nil is dir/out.
	result func(t *testing.T, dir string) map[string]string
	// refused is in the refusal to go on with what was left; "" if the job goes on.
	refused string
	// slow jobs are killed a quarter as often.
	slow bool
}

// TestKills kills every job at random moments, lets the same command go on each time,
// and wants the bytes of a job that nobody killed.
func TestKills(t *testing.T) {
	w := newWorld(t)
	kills := number(t, killsVariable, 40)
	web := httptest.NewServer(slowly(http.FileServer(http.Dir(w.dir))))
	t.Cleanup(web.Close)
	out := func(dir string) string { return filepath.Join(dir, "out") }
	shard := []string{"shard", "--size", "64", "--codec", "raw", "--shard-size", "128KiB", "--workers", "1"}
	nothing := func(*testing.T, string) {}
	makeOut := func(t *testing.T, dir string) {
		if err := os.Mkdir(out(dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	jobs := []killed{
		{name: "shard", begin: nothing, command: func(dir string) (string, []string) {
			return "prep-imagenet", append(shard, "--in", w.pictures, "--out", out(dir))
		}},
		{name: "append", begin: func(t *testing.T, dir string) {
			must(t, "prep-imagenet", append(shard, "--in", w.pictures, "--out", out(dir))...)
		}, command: func(dir string) (string, []string) {
			return "prep-imagenet", []string{"shard", "--append", "--in", w.more, "--out", out(dir), "--workers", "1"}
		}},
		{name: "merge", begin: func(t *testing.T, dir string) {
			for part := range 3 {
				must(t, "prep-imagenet", append(shard, "--in", w.pictures, "--out", filepath.Join(dir, fmt.Sprint("part", part)), "--part", fmt.Sprintf("%d/3", part))...)
			}
		}, command: func(dir string) (string, []string) {
			return "prep-imagenet", []string{"merge", out(dir), filepath.Join(dir, "part0"), filepath.Join(dir, "part1"), filepath.Join(dir, "part2")}
		}},
		{name: "repair", begin: func(t *testing.T, dir string) {
			copied(t, w.large, out(dir))
			index := filepath.Join(out(dir), "index.json")
			text, err := os.ReadFile(index)
			if err == nil {
				err = os.WriteFile(index, []byte(strings.ReplaceAll(string(text), `"label": `, `"label": 1`)[:len(text)/2]), 0o666)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, command: func(dir string) (string, []string) {
			return "prep-imagenet", []string{"repair", "--workers", "1", "--split", "train", out(dir)}
		}},
		{name: "verify", begin: func(t *testing.T, dir string) { copied(t, w.large, out(dir)) }, command: func(dir string) (string, []string) {
			return "prep-imagenet", []string{"verify", out(dir)}
		}},
		{name: "inspect", begin: makeOut, command: func(dir string) (string, []string) {
			return "prep-imagenet", []string{"inspect", w.large, "--sheet", filepath.Join(out(dir), "sheet.png")}
		}},
		{name: "export folders", begin: nothing, slow: true, refused: "choose a new folder", command: func(dir string) (string, []string) {
			return "prep-imagenet", []string{"export", "--to", "folders", "--out", out(dir), w.train}
		}},
		{name: "export webdataset", begin: nothing, slow: true, refused: "choose a new folder", command: func(dir string) (string, []string) {
			return "prep-imagenet", []string{"export", "--to", "webdataset", "--out", out(dir), w.train}
		}},
		{name: "ablate", begin: nothing, slow: true, command: func(dir string) (string, []string) {
			return "train-alexnet", []string{"ablate", "--train", w.train, "--val", w.val, "--net", w.net, "--out", out(dir), "--parts", "relu", "--seeds", "1",
				"--batch", "12", "--epochs", "1", "--seed", "3", "--threads", "1", "--checkpoint-every", "2"}
		}, result: studied},
		{name: "compute-pca", begin: makeOut, command: func(dir string) (string, []string) {
			return "compute-pca", []string{"--shards", w.large, "--recompute", "--workers", "1", "--out", filepath.Join(out(dir), "pca.json"), "--mean-image", filepath.Join(out(dir), "mean.png")}
		}},
		{name: "train-alexnet", begin: nothing, command: func(dir string) (string, []string) {
			return "train-alexnet", []string{"--train", w.train, "--val", w.val, "--net", w.net, "--run", out(dir), "--batch", "12", "--steps", "16", "--seed", "3", "--threads", "1", "--checkpoint-every", "1", "--autoresume"}
		}, result: weights},
		{name: "remote cache", begin: makeOut, command: func(dir string) (string, []string) {
			return "compute-pca", []string{"--shards", web.URL + "/large", "--cache-dir", filepath.Join(dir, "cache"), "--recompute", "--workers", "1", "--out", filepath.Join(out(dir), "pca.json")}
		}, result: func(t *testing.T, dir string) map[string]string {
			all := files(t, dir)
			delete(all, filepath.Join("cache", "lock"))
			return all
		}},
	}
	for _, j := range jobs {
		t.Run(j.name, func(t *testing.T) {
			t.Parallel()
			if j.slow {
				j.kill(t, kills/4)
			} else {
				j.kill(t, kills)
			}
		})
	}
}

// slowly has a file's bytes come in pieces, so that there is something to cut short.
func slowly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(5 * time.Millisecond)
		next.ServeHTTP(dripping{w}, r)
	})
}

type dripping struct{ http.ResponseWriter }

func (d dripping) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		var m int
		m, err = d.ResponseWriter.Write(b[:min(len(b), 8<<10)])
		n, b = n+m, b[m:]
		time.Sleep(time.Millisecond)
	}
	return n, err
}

// weights are the checkpoints of a run; its records have times in them.
func weights(t *testing.T, dir string) map[string]string {
	return files(t, filepath.Join(dir, "out", "checkpoints"))
}

// studied are a study's table, figures and picture, and the checkpoints of its runs.
func studied(t *testing.T, dir string) map[string]string {
	all := files(t, filepath.Join(dir, "out"))
	for name := range all {
		if strings.Contains(name, string(filepath.Separator)) && !strings.Contains(name, "checkpoints") || name == ".lock" {
			delete(all, name)
		}
	}
	return all
}

func (j *killed) contents(t *testing.T, dir string) map[string]string {
	if j.result != nil {
		return j.result(t, dir)
	}
	return files(t, filepath.Join(dir, "out"))
}

func (j *killed) kill(t *testing.T, kills int) {
	top := t.TempDir()
	folder := func(n int) string {
		dir := filepath.Join(top, fmt.Sprint(n))
		if err := os.Mkdir(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		j.begin(t, dir)
		return dir
	}
	whole := folder(0)
	name, args := j.command(whole)
	full := must(t, name, args...).took
	want := j.contents(t, whole)
	if len(want) == 0 {
		t.Fatal("the job writes nothing")
	}
	check := func(dir string) {
		t.Helper()
		got := j.contents(t, dir)
		for path := range want {
			if got[path] != want[path] {
				t.Errorf("%s has other bytes than in a job that wasn't killed", path)
			}
		}
		for path := range got {
			if _, ok := want[path]; !ok {
				t.Errorf("%s was left", path)
			}
		}
	}
	seed := fnv.New64()
	seed.Write([]byte(j.name))
	random := rand.New(rand.NewPCG(seed.Sum64(), 14))
	began, folders, died := time.Now(), 1, 0
	dir := folder(folders)
	reach := full // in which a kill comes: less if the job is faster now, so that most runs die
	refusals := 0
	for died < kills {
		name, args := j.command(dir)
		c := command(name, args...)
		o := struck(t, c, 2*time.Minute, time.Duration(random.Float64()*float64(reach)), syscall.SIGKILL)
		switch {
		case o.code == -1:
			died++
			reach += reach / 30
		case j.refused != "" && o.code > 0 && strings.Contains(o.text, j.refused):
			refusals++
			os.RemoveAll(dir)
			folders++
			dir = folder(folders)
		case o.code == 0: // it was faster
			reach -= reach / 10
			check(dir)
			os.RemoveAll(dir)
			folders++
			dir = folder(folders)
		default:
			t.Fatalf("after %d kills: exit code %d\n%s", died, o.code, o.text)
		}
		if t.Failed() {
			return
		}
	}
	if j.refused != "" {
		dir = folder(folders + 1)
	}
	name, args = j.command(dir)
	must(t, name, args...)
	check(dir)
	t.Logf("%d kills in %d folders, %d refusals, %.1f s; undisturbed the job takes %.2f s", died, folders, refusals, time.Since(began).Seconds(), full.Seconds())
}
