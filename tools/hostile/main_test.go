//go:build linux

package hostile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Variables of the environment.
const (
	binVariable   = "ALEXNET_HOSTILE"       // folder of the built commands; without it nothing is tried
	killsVariable = "ALEXNET_HOSTILE_KILLS" // kills a command; 40
	serveVariable = "ALEXNET_HOSTILE_SERVE" // how long clients ask serve; 15s
)

func TestMain(m *testing.M) {
	if os.Getenv(binVariable) == "" {
		fmt.Println("nothing was tried: make check-hostile builds the commands and tries them")
		os.Exit(0)
	}
	code := m.Run()
	if shared.dir != "" {
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// setting is a variable of the environment, or what stands for it.
func setting(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	n, err := strconv.Atoi(setting(name, strconv.Itoa(otherwise)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// bin is the path of a built command.
func bin(name string) string { return filepath.Join(os.Getenv(binVariable), name) }

// command is a built command, in a process group of its own.
func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(bin(name), args...)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return c
}

// outcome is how a command has ended.
type outcome struct {
	code int // −1: killed by a signal
	text string
	took time.Duration
	cpu  time.Duration // of the processors
	peak int64         // bytes of memory at most
}

// finish runs a command to its end, which has to come within limit.
func finish(t testing.TB, c *exec.Cmd, limit time.Duration) outcome {
	t.Helper()
	return struck(t, c, limit, limit, syscall.SIGKILL)
}

// struck is finish with a signal on the way.
func struck(t testing.TB, c *exec.Cmd, limit, after time.Duration, signal syscall.Signal) outcome {
	t.Helper()
	var text bytes.Buffer
	if c.Stdout == nil {
		c.Stdout = &text
	}
	c.Stderr = &text
	began := time.Now()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	strike := time.NewTimer(after)
	defer strike.Stop()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-strike.C:
			c.Process.Signal(signal)
		case <-ctx.Done():
			c.Process.Kill()
			<-done
			running = false
			t.Errorf("%s: not done within %v\n%s", strings.Join(c.Args, " "), limit, text.String())
		}
	}
	o := outcome{code: c.ProcessState.ExitCode(), text: text.String(), took: time.Since(began), cpu: c.ProcessState.UserTime() + c.ProcessState.SystemTime()}
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		o.peak = u.Maxrss << 10
	}
	return o
}

// must runs a command that has to succeed.
func must(t testing.TB, name string, args ...string) outcome {
	t.Helper()
	o := finish(t, command(name, args...), 2*time.Minute)
	if o.code != 0 {
		t.Fatalf("%s %s: exit code %d\n%s", name, strings.Join(args, " "), o.code, o.text)
	}
	return o
}

// calm wants an end in words: no Go trace, no signal, no silence.
func (o outcome) calm(t testing.TB, what string) {
	t.Helper()
	switch {
	case o.code < 0:
		t.Errorf("%s: ended by a signal\n%s", what, o.text)
	case strings.Contains(o.text, "goroutine ") && strings.Contains(o.text, ".go:"):
		t.Errorf("%s: ended with a trace\n%.4000s", what, o.text)
	case o.code != 0 && strings.TrimSpace(o.text) == "":
		t.Errorf("%s: exit code %d without a word", what, o.code)
	}
}

// world is what all tests share: pictures, shards, a net and its checkpoint.
type world struct {
	dir        string
	pictures   string // synthetic set: train and val
	train, val string // shards
	large      string // shards of 256 pixels a side
	net, run   string // a net file, and a run that was trained
	checkpoint string
	picture    string // one of the pictures
	once       sync.Once
	err        error
	more       string // more pictures of the same classes
}

var shared world

// tiny is a net that trains in milliseconds.
const tiny = `{
  "name": "tiny", "input": {"size": 28, "scale": 0.02}, "towers": 2, "classes": 3,
  "layers": [
    {"name": "conv1", "conv": {"maps": 8, "kernel": 5, "stride": 2, "pad": 2, "std": 0.05}},
    {"activate": "relu"},
    {"maxpool": {"kernel": 3, "stride": 2, "pad": 0}},
    {"name": "fc3", "dense": {"units": 16, "std": 0.05}},
    {"activate": "relu"},
    {"dropout": {"rate": 0.5}},
    {"name": "fc4", "dense": {"std": 0.05}}
  ]}`

// newWorld makes the world the first time.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &shared
	w.once.Do(func() { w.err = w.build(t) })
	if w.err != nil {
		t.Fatal(w.err)
	}
	return w
}

func (w *world) build(t testing.TB) (err error) {
	if w.dir, err = os.MkdirTemp("", "hostile-"); err != nil {
		return err
	}
	at := func(name string) string { return filepath.Join(w.dir, name) }
	w.pictures, w.more, w.train, w.val, w.large, w.net, w.run = at("pictures"), at("more"), at("train"), at("val"), at("large"), at("tiny.json"), at("run")
	must(t, "prep-imagenet", "sample", "--out", w.pictures, "--classes", "3", "--per-class", "60")
	must(t, "prep-imagenet", "sample", "--out", w.more, "--classes", "3", "--per-class", "60", "--seed", "9")
	if err := renamed(filepath.Join(w.more, "train"), "more-"); err != nil {
		return err
	}
	must(t, "prep-imagenet", "shard", "--in", w.pictures, "--out", w.train, "--size", "32")
	must(t, "prep-imagenet", "shard", "--in", w.pictures, "--split", "val", "--out", w.val, "--size", "32")
	must(t, "prep-imagenet", "shard", "--in", w.pictures, "--out", w.large, "--shard-size", "2MiB")
	if err := os.WriteFile(w.net, []byte(tiny), 0o666); err != nil {
		return err
	}
	must(t, "train-alexnet", "--train", w.train, "--val", w.val, "--net", w.net, "--run", w.run, "--batch", "12", "--epochs", "2", "--seed", "3")
	w.checkpoint = filepath.Join(w.run, "checkpoints", "best.safetensors")
	found, err := filepath.Glob(filepath.Join(w.pictures, "val", "*", "*"))
	if err != nil || len(found) == 0 {
		return errors.Join(errors.New("no pictures"), err)
	}
	w.picture = found[0]
	return nil
}

// bytes are those of one of the pictures.
func (w *world) bytes(t testing.TB) []byte {
	t.Helper()
	picture, err := os.ReadFile(w.picture)
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

// renamed gives the files of all class folders names of their own.
func renamed(dir, prefix string) error {
	found, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	for _, path := range found {
		err = errors.Join(err, os.Rename(path, filepath.Join(filepath.Dir(path), prefix+filepath.Base(path))))
	}
	return err
}

// files are the contents of all files below a folder, by their paths in it.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		out[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// same wants the same files with the same bytes in both folders.
func same(t testing.TB, want, got string) {
	t.Helper()
	a, b := files(t, want), files(t, got)
	for name := range a {
		if b[name] != a[name] {
			t.Errorf("%s: %s is not that of %s", got, name, want)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			t.Errorf("%s has %s, %s doesn't", got, name, want)
		}
	}
}

// copied copies a folder.
func copied(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}
