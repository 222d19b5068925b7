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

// TestFullDiskOfResults: whatever writes results says that the disk is full, leaves nothing
// half-written, and writes what it should when there is room.
func TestFullDiskOfResults(t *testing.T) {
	w := newWorld(t)
	nothing := func(*testing.T, string) {}
	shard := []string{"shard", "--size", "64", "--codec", "raw", "--shard-size", "128KiB", "--workers", "1"}
	parts := t.TempDir()
	for part := range 2 {
		must(t, "prep-imagenet", append(shard, "--in", w.pictures, "--out", filepath.Join(parts, fmt.Sprint(part)), "--part", fmt.Sprintf("%d/2", part))...)
	}
	exported := filepath.Join(t.TempDir(), "net.safetensors")
	must(t, "train-alexnet", "export", "--checkpoint", w.checkpoint, "--safetensors", exported)
	for _, c := range []struct {
		name  string
		begin func(t *testing.T, dir string)
		args  string // DIR is a folder on the disk
	}{
		{"pca", nothing, "compute-pca --shards LARGE --out DIR/pca.json --mean-image DIR/mean.png"},
		{"onnx", nothing, "train-alexnet export --checkpoint CHECKPOINT --onnx DIR/net.onnx"},
		{"safetensors", nothing, "train-alexnet export --checkpoint CHECKPOINT --safetensors DIR/net.safetensors"},
		{"import", nothing, "train-alexnet import --weights " + exported + " --checkpoint DIR/net.safetensors"},
		{"sheet", nothing, "train-alexnet predict --checkpoint CHECKPOINT --sheet DIR/sheet.png PICTURE"},
		{"features", nothing, "train-alexnet features --checkpoint CHECKPOINT --layer fc3 --data TRAIN --out DIR/fc3.npy"},
		{"inspect", nothing, "prep-imagenet inspect LARGE --sheet DIR/sheet.png"},
		{"sample", nothing, "prep-imagenet sample --out DIR/out --classes 2 --per-class 10"},
		{"folders", nothing, "prep-imagenet export --to folders --out DIR/out TRAIN"},
		{"webdataset", nothing, "prep-imagenet export --to webdataset --out DIR/out TRAIN"},
		{"merge", nothing, "prep-imagenet merge DIR/out " + filepath.Join(parts, "0") + " " + filepath.Join(parts, "1")},
		{"append", func(t *testing.T, dir string) {
			must(t, "prep-imagenet", append(shard, "--in", w.pictures, "--out", filepath.Join(dir, "out"))...)
		}, "prep-imagenet shard --append --in MORE --out DIR/out --workers 1"},
		{"repair", func(t *testing.T, dir string) {
			copied(t, w.train, filepath.Join(dir, "out"))
			if err := os.WriteFile(filepath.Join(dir, "out", "index.json"), make([]byte, 5000), 0o666); err != nil {
				t.Fatal(err)
			}
		}, "prep-imagenet repair --split train DIR/out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := func(dir string) []string {
				r := strings.NewReplacer("LARGE", w.large, "CHECKPOINT", w.checkpoint, "PICTURE", w.picture, "TRAIN", w.train, "MORE", w.more, "DIR", dir)
				return strings.Fields(r.Replace(c.args))
			}
			roomy := t.TempDir()
			c.begin(t, roomy)
			before := space(t, roomy)
			a := args(roomy)
			must(t, a[0], a[1:]...)
			disk := small(t, max(before+(space(t, roomy)-before)/2, 4096))
			c.begin(t, disk)
			began := files(t, disk)
			if before == 0 { // of one page, which may be enough
				if err := os.WriteFile(filepath.Join(disk, "fills"), make([]byte, 4096), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			a = args(disk)
			o := finish(t, command(a[0], a[1:]...), time.Minute)
			o.calm(t, c.name)
			if o.code != 1 || !strings.Contains(o.text, "no space left") {
				t.Errorf("exit code %d\n%s", o.code, o.text)
			}
			for line := range strings.Lines(o.text) {
				twice := strings.Count(line, disk) > 1 && c.name != "append" // which names a file and the folder
				if twice || strings.Count(line, "write ") > 1 || strings.Contains(line, ".tmp") {
					t.Errorf("says a thing twice, or a name that nobody gave: %s", line)
				}
			}
			os.Remove(filepath.Join(disk, "fills"))
			for name, text := range files(t, disk) {
				if old, ok := began[name]; ok && old != text {
					t.Errorf("%s has changed", name)
				} else if whole, err := os.ReadFile(filepath.Join(roomy, name)); !ok && err == nil && string(whole) != text {
					t.Errorf("%s is half-written: %d of %d bytes", name, len(text), len(whole))
				}
			}
			if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d", 64<<20)); err != nil {
				t.Fatal(err)
			}
			must(t, a[0], a[1:]...)
			same(t, roomy, disk)
		})
	}
}

// space is how much of a tmpfs the files of a folder take: whole pages.
func space(t *testing.T, dir string) (bytes int) {
	for _, text := range files(t, dir) {
		bytes += (len(text) + 4095) &^ 4095
	}
	return bytes
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
