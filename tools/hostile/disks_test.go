//go:build linux

package hostile

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// small mounts a file system of so many bytes.
func small(t *testing.T, bytes int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d", bytes)); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// A full disk is said, leaves what is whole, and the same command goes on when there
// is room.
func TestFullDisks(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name  string
		bytes int
		args  func(out string) []string
	}{
		{"shard", 600 << 10, func(out string) []string {
			return []string{"prep-imagenet", "shard", "--in", w.pictures, "--size", "64", "--codec", "raw", "--shard-size", "128KiB", "--out", out}
		}},
		{"training", 60 << 10, func(out string) []string {
			return []string{"train-alexnet", "--train", w.train, "--val", w.val, "--net", w.net, "--run", out, "--batch", "12", "--steps", "16", "--seed", "3", "--threads", "1", "--autoresume"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			disk := small(t, c.bytes)
			whole, out := filepath.Join(t.TempDir(), "whole"), filepath.Join(disk, "out")
			args := c.args(whole)
			must(t, args[0], args[1:]...)
			args = c.args(out)
			for range 3 {
				o := finish(t, command(args[0], args[1:]...), time.Minute)
				o.calm(t, c.name)
				if o.code != 1 || !strings.Contains(o.text, "no space left") {
					t.Errorf("exit code %d\n%s", o.code, o.text)
				}
			}
			if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", 64<<20)); err != nil {
				t.Fatal(err)
			}
			must(t, args[0], args[1:]...)
			if c.name == "training" {
				whole, out = filepath.Join(whole, "checkpoints"), filepath.Join(out, "checkpoints")
			}
			same(t, whole, out)
		})
	}
	t.Run("cache", func(t *testing.T) {
		web := httptest.NewServer(http.FileServer(http.Dir(w.dir)))
		defer web.Close()
		disk := small(t, 13<<20)
		args := []string{"--shards", web.URL + "/large", "--recompute", "--cache-dir", filepath.Join(disk, "cache"), "--out", filepath.Join(t.TempDir(), "pca.json")}
		o := finish(t, command("compute-pca", args...), time.Minute)
		o.calm(t, "cache")
		if o.code != 1 || !strings.Contains(o.text, "no space left") {
			t.Errorf("exit code %d\n%s", o.code, o.text)
		}
		must(t, "compute-pca", append(args, "--cache-size", "5MB")...)
	})
}

// A limit on the size of files is an error in words too.
func TestFileSizeLimit(t *testing.T) {
	w := newWorld(t)
	out := filepath.Join(t.TempDir(), "out")
	args := []string{"shard", "--in", w.pictures, "--size", "64", "--codec", "raw", "--shard-size", "256KiB", "--out", out}
	limited := exec.Command("bash", append([]string{"-c", `ulimit -f 100; exec "$0" "$@"`, bin("prep-imagenet")}, args...)...)
	o := finish(t, limited, time.Minute)
	o.calm(t, "shard")
	if o.code != 1 || !strings.Contains(o.text, "file too large") {
		t.Errorf("exit code %d\n%s", o.code, o.text)
	}
	whole := filepath.Join(t.TempDir(), "whole")
	must(t, "prep-imagenet", append(args[:len(args)-1:len(args)-1], whole)...)
	must(t, "prep-imagenet", args...)
	same(t, whole, out)
}

// Too little memory ends a job, and harms nothing that it has done: GOMEMLIMIT isn't
// a limit, so this is one of the process's address space.
func TestMemoryLimits(t *testing.T) {
	w := newWorld(t)
	whole := filepath.Join(t.TempDir(), "whole")
	args := []string{"shard", "--in", w.pictures, "--size", "64", "--codec", "raw", "--shard-size", "128KiB", "--workers", "2", "--out"}
	must(t, "prep-imagenet", append(args, whole)...)
	ended, tried := 0, 0
	for mb := 40; mb <= 2000; mb += 280 {
		out := filepath.Join(t.TempDir(), fmt.Sprint(mb))
		limited := exec.Command("bash", append([]string{"-c", fmt.Sprintf(`ulimit -v %d; exec "$0" "$@"`, mb<<10), bin("prep-imagenet")}, append(args, out)...)...)
		o := finish(t, limited, time.Minute)
		tried++
		if o.code != 0 {
			ended++
		}
		must(t, "prep-imagenet", append(args, out)...)
		same(t, whole, out)
	}
	t.Logf("%d of %d runs in 40 to 2,000 MB of addresses ended early", ended, tried)
	if ended == 0 {
		t.Error("no limit was small enough to matter")
	}
	// In a control group, where that can be had: training, and serve's bombs.
	group := filepath.Join("/sys/fs/cgroup/memory", fmt.Sprintf("hostile-%d", os.Getpid()))
	file := "memory.limit_in_bytes"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		group, file = filepath.Join("/sys/fs/cgroup", filepath.Base(group)), "memory.max"
	}
	if err := os.Mkdir(group, 0o777); err != nil {
		t.Logf("no control group can be had: %v", err)
		return
	}
	t.Cleanup(func() { os.Remove(group) })
	run := filepath.Join(t.TempDir(), "run")
	train := []string{"--train", w.train, "--val", w.val, "--net", w.net, "--run", run, "--batch", "12", "--steps", "16", "--seed", "3", "--threads", "1", "--checkpoint-every", "1", "--autoresume"}
	undisturbed := filepath.Join(t.TempDir(), "undisturbed")
	must(t, "train-alexnet", append([]string{"--run", undisturbed}, append(train[:6:6], train[8:]...)...)...)
	killed := 0
	for mb := 4; mb <= 40; mb += 4 {
		if err := os.WriteFile(filepath.Join(group, file), fmt.Append(nil, mb<<20), 0o666); err != nil {
			t.Logf("no control group can be limited: %v", err)
			return
		}
		c := exec.Command("bash", append([]string{"-c", `echo $$ >"$GROUP/cgroup.procs" && exec "$0" "$@"`, bin("train-alexnet")}, train...)...)
		c.Env = append(os.Environ(), "GROUP="+group)
		if o := finish(t, c, time.Minute); o.code != 0 {
			killed++
		}
	}
	must(t, "train-alexnet", train...)
	same(t, filepath.Join(undisturbed, "checkpoints"), filepath.Join(run, "checkpoints"))
	t.Logf("%d of 10 trainings in control groups of 4 to 40 MB were ended", killed)
}
