//go:build linux

package platforms

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// variable says that the systems are to be tried; without it nothing is.
const variable = "ALEXNET_PLATFORMS"

// system is a way to run the commands.
type system struct {
	os, arch, tags string
	ending         string   // of a program's name
	runner         []string // what comes before the program
	variables      []string // of the environment, besides this process'
	root           string   // what the programs see as /, "" for all
	bin            string
}

func TestPlatforms(t *testing.T) {
	if os.Getenv(variable) == "" {
		t.Skip("make try-platforms runs this: it builds for other systems and wants wine64 and root")
	}
	want := play(t, system{os: "linux", arch: runtime.GOARCH})
	for name, s := range map[string]func(t *testing.T) system{"windows": wine, "static": chroot, "arm64": qemu} {
		t.Run(name, func(t *testing.T) {
			got := play(t, s(t))
			for path, content := range want {
				if name == "arm64" && computed(path) {
					near(t, path, got[path], content)
				} else if !bytes.Equal(got[path], content) {
					t.Errorf("%s: %d bytes that differ from the %d of Linux", path, len(got[path]), len(content))
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d files, want %d", len(got), len(want))
			}
		})
	}
}

// computed says that a file holds what floating point gave. Go joins a product and a
// sum into one instruction on arm64, which rounds once and not twice, in our portable
// kernels as in gonum's eigenvectors.
func computed(path string) bool {
	return path == "pca.json" || path == "net.onnx" || strings.HasSuffix(path, ".safetensors")
}

// near compares the numbers of a checkpoint or of pca.json, which may differ by
// rounding; a net for ONNX holds a checkpoint's.
func near(t *testing.T, path string, got, want []byte) {
	t.Helper()
	numbers := func(data []byte) (all []float64) {
		if path == "pca.json" {
			for _, word := range regexp.MustCompile(`-?\d[-+.\deE]*`).FindAllString(strings.ReplaceAll(string(data), `"0-255"`, ""), -1) {
				n, err := strconv.ParseFloat(word, 64)
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				all = append(all, n)
			}
			return all
		}
		if len(data) < 8 || uint64(len(data)-8) < binary.LittleEndian.Uint64(data) {
			t.Fatalf("%s: %d bytes", path, len(data))
		}
		for data = data[8+binary.LittleEndian.Uint64(data):]; len(data) >= 4; data = data[4:] {
			all = append(all, float64(math.Float32frombits(binary.LittleEndian.Uint32(data))))
		}
		return all
	}
	if path == "net.onnx" {
		if len(got) != len(want) {
			t.Errorf("%s: %d bytes, want %d", path, len(got), len(want))
		}
		return
	}
	a, b := numbers(got), numbers(want)
	if len(a) != len(b) || len(a) < 12 {
		t.Errorf("%s: %d numbers, want %d", path, len(a), len(b))
		return
	}
	worst, different := 0.0, 0
	for i := range a {
		if a[i] != b[i] {
			different++
			worst = max(worst, math.Abs(a[i]-b[i])/max(math.Abs(b[i]), 1e-3))
		}
	}
	t.Logf("%s: %d of %d numbers differ, by a share of %.1e at most", path, different, len(a), worst)
	if !(worst <= 1e-5) {
		t.Errorf("%s: a number differs by more than rounding", path)
	}
}

func wine(t *testing.T) system {
	loader, err := exec.LookPath("wine64")
	if err != nil {
		if loader = "/usr/lib/wine/wine64"; !exists(loader) {
			t.Skip("wine64 is not installed (apt-get install wine64)")
		}
	}
	prefix := t.TempDir()
	variables := []string{"WINEPREFIX=" + prefix, "WINEDEBUG=-all"}
	boot := exec.Command(loader, "cmd", "/c", "exit")
	boot.Env = append(os.Environ(), variables...)
	if out, err := boot.CombinedOutput(); err != nil {
		t.Fatalf("wine: %v: %s", err, out)
	}
	t.Cleanup(func() { // before the folder goes
		for _, server := range []string{"/usr/lib/wine/wineserver64", "wineserver"} {
			stop := exec.Command(server, "-k", "-w")
			stop.Env = append(os.Environ(), variables...)
			if stop.Run() == nil {
				break
			}
		}
	})
	library := filepath.Join(prefix, "drive_c/windows/system32/bcryptprimitives.dll")
	if !exists(library) {
		if err := os.WriteFile(library, forwarder("bcryptprimitives.dll", "ProcessPrng", "advapi32.SystemFunction036"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return system{os: "windows", arch: "amd64", ending: ".exe", runner: []string{loader}, variables: variables}
}

func chroot(t *testing.T) system {
	if os.Geteuid() != 0 {
		t.Skip("a root folder with nothing but the programs wants root")
	}
	return system{os: "linux", arch: runtime.GOARCH, tags: "static", root: t.TempDir()}
}

func qemu(t *testing.T) system {
	emulator, err := exec.LookPath("qemu-aarch64")
	const libraries = "/usr/aarch64-linux-gnu"
	if err != nil || !exists(libraries) {
		t.Skip("no emulator or C library of arm64 (apt-get install qemu-user libc6-arm64-cross)")
	}
	return system{os: "linux", arch: "arm64", runner: []string{emulator, "-L", libraries}}
}

// command is a program of the system's in a folder. Paths are relative to it.
func (s system) command(dir, program string, args ...string) *exec.Cmd {
	path := filepath.Join(s.bin, program+s.ending)
	if s.root != "" {
		path, _ = strings.CutPrefix(path, s.root)
		dir, _ = strings.CutPrefix(dir, s.root)
	}
	words := append(append(append([]string{}, s.runner...), path), args...)
	c := exec.Command(words[0], words[1:]...)
	c.Dir = dir
	c.Env = append(os.Environ(), s.variables...)
	if s.root != "" {
		c.Env = append(c.Env, "HOME=/", "TMPDIR=/")
		c.SysProcAttr = &syscall.SysProcAttr{Chroot: s.root}
	}
	return c
}

// must runs a program that has to end with a code, and returns what it printed.
func (s system) must(t *testing.T, code int, dir, program string, args ...string) string {
	t.Helper()
	var all bytes.Buffer
	s.run(t, code, &all, &all, dir, program, args...)
	return all.String()
}

// result is must for standard output alone. On the other one the emulator may print too.
func (s system) result(t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	var out, notes bytes.Buffer
	s.run(t, 0, &out, &notes, dir, program, args...)
	if notes.Len() > 0 {
		t.Logf("%s %s also printed\n%s", program, strings.Join(args, " "), notes.Bytes())
	}
	return out.String()
}

func (s system) run(t *testing.T, code int, stdout, stderr *bytes.Buffer, dir, program string, args ...string) {
	t.Helper()
	c := s.command(dir, program, args...)
	c.Stdout, c.Stderr = stdout, stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(4*time.Minute, func() { c.Process.Kill() })
	defer timer.Stop()
	c.Wait()
	if got := c.ProcessState.ExitCode(); got != code {
		t.Fatalf("%s %s: exit code %d, want %d:\n%s", program, strings.Join(args, " "), got, code, stderr.Bytes())
	}
}

// struck starts training and signals it once a first checkpoint is there, and
// returns its exit code.
func (s system) struck(t *testing.T, signal os.Signal, dir, run string, args ...string) int {
	t.Helper()
	c := s.command(dir, "train-alexnet", args...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if saved, _ := filepath.Glob(filepath.Join(dir, run, "checkpoints/step-*.safetensors")); len(saved) > 0 {
			break
		}
		if time.Now().After(end) {
			c.Process.Kill()
			c.Wait()
			t.Fatalf("no checkpoint after a minute:\n%s", out.Bytes())
		}
	}
	c.Process.Signal(signal)
	timer := time.AfterFunc(time.Minute, func() { c.Process.Kill() })
	defer timer.Stop()
	c.Wait()
	return c.ProcessState.ExitCode()
}

// wide are the fields of a net file that say how wide a layer is. A quarter of it
// is enough here, and takes an emulator a twentieth of the time.
var wide = regexp.MustCompile(`"(maps|units)": ([1-9]\d*)`)

// play runs everything on a system, in a folder whose name is not ASCII, and long where it may be,
// and returns the files that have to be the same everywhere.
func play(t *testing.T, s system) map[string][]byte {
	begun := time.Now()
	base := s.root
	if base == "" {
		base = t.TempDir()
	}
	s.bin = filepath.Join(base, "bin")
	for _, program := range []string{"prep-imagenet", "compute-pca", "train-alexnet"} {
		build := exec.Command("go", "build", "-trimpath", "-tags", s.tags, "-o", s.bin+"/", "alexnet/tools/"+program)
		build.Env = append(os.Environ(), "GOOS="+s.os, "GOARCH="+s.arch, "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build %s for %s/%s: %v: %s", program, s.os, s.arch, err, out)
		}
	}
	dir := filepath.Join(base, "größe 写真")
	if s.os != "windows" { // where a current folder's name has at most 260 characters
		dir = filepath.Join(dir, strings.Repeat("long ", 40)+"x", strings.Repeat("long ", 40)+"x")
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	at := func(path string) string {
		if s.os == "windows" {
			return strings.ReplaceAll(path, "/", `\`)
		}
		return path
	}
	s.must(t, 0, dir, "prep-imagenet", "sample", "--out", at("pictures/all"), "--classes", "3", "--per-class", "12")
	s.must(t, 0, dir, "prep-imagenet", "shard", "--in", at("pictures/all/train"), "--out", at("shards/train"), "--size", "72", "--decoder", "go")
	s.must(t, 0, dir, "prep-imagenet", "shard", "--in", at("pictures/all/val"), "--out", at("shards/val"), "--size", "72", "--split", "val", "--decoder", "go")
	s.must(t, 0, dir, "prep-imagenet", "verify", at("shards/train"))
	s.must(t, 0, dir, "compute-pca", "--shards", at("shards/train"), "--out", "pca.json")
	text := s.result(t, dir, "train-alexnet", "net", "alexnet-mini", "--classes", "3")
	if !json.Valid([]byte(text)) {
		t.Fatalf("the net that is printed isn't JSON:\n%s", text)
	}
	slim := wide.ReplaceAllStringFunc(text, func(field string) string {
		m := wide.FindStringSubmatch(field)
		n, _ := strconv.Atoi(m[2])
		return fmt.Sprintf(`"%s": %d`, m[1], n/4)
	})
	if err := os.WriteFile(filepath.Join(dir, "net.json"), []byte(slim), 0o666); err != nil {
		t.Fatal(err)
	}
	train := func(run string, more ...string) []string {
		return append([]string{"--train", at("shards/train"), "--val", at("shards/val"), "--pca", "pca.json", "--run", run, "--net", "net.json",
			"--init", "he", "--input-scale", "0.015625", "--lr", "0.001", "--batch", "8", "--kernels", "portable", "--devices", "cpu"}, more...)
	}
	s.must(t, 0, dir, "train-alexnet", train("run", "--steps", "4")...)
	s.signals(t, dir, train)
	if says := s.must(t, 0, dir, "train-alexnet", "devices"); s.os != "linux" && (strings.Contains(says, "apt-get") || !strings.Contains(says, "on Linux (amd64, arm64) only")) {
		t.Errorf("devices on %s says\n%s", s.os, says)
	}
	if says := s.must(t, 1, dir, "train-alexnet", "bench", "--batch", "1048576", "--devices", "cpu"); !strings.Contains(says, "on this machine") || !strings.Contains(says, " fits") {
		t.Errorf("a batch that no machine has memory for: %s", says)
	}
	if s.os == "windows" {
		s.ctrlBreak(t, dir, train("broken", "--checkpoint-every", "1"))
		s.longPaths(t, dir)
	}
	best := at("run/checkpoints/best.safetensors")
	evaluated := s.result(t, dir, "train-alexnet", "eval", "--checkpoint", best, "--data", at("shards/val"), "--kernels", "portable")
	s.must(t, 0, dir, "train-alexnet", "export", "--checkpoint", best, "--onnx", "net.onnx")
	s.must(t, 0, dir, "prep-imagenet", "export", "--to", "folders", "--out", "exported", at("shards/val"))
	s.serve(t, dir, best)

	files := map[string][]byte{
		"eval":   []byte(regexp.MustCompile(`(?m)^.*error.*$`).FindString(evaluated)),
		"stream": []byte(s.stream(t, dir, at("shards/train"))),
	}
	for _, pattern := range []string{"pictures/all/*/*/*", "shards/*/*", "pca.json", "run/checkpoints/*", "net.onnx", "exported/*/*"} {
		found, _ := filepath.Glob(filepath.Join(dir, pattern))
		if len(found) == 0 {
			t.Errorf("no %s", pattern)
		}
		for _, path := range found {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name, _ := filepath.Rel(dir, path)
			files[name] = content
		}
	}
	t.Logf("%s/%s: %d files in %.0f s", s.os, s.arch, len(files), time.Since(begun).Seconds())
	return files
}

// signals interrupts a run, and kills one that goes on.
func (s system) signals(t *testing.T, dir string, train func(run string, more ...string) []string) {
	t.Helper()
	// A run that is interrupted saves; one that is killed goes on where it had saved.
	if code := s.struck(t, os.Interrupt, dir, "stopped", train("stopped", "--checkpoint-every", "1")...); code != 130 {
		t.Errorf("interrupted: exit code %d, want 130", code)
	}
	s.struck(t, os.Kill, dir, "killed", train("killed", "--steps", "4", "--checkpoint-every", "1")...)
	s.must(t, 0, dir, "train-alexnet", "--run", "killed", "--resume")
	whole, _ := os.ReadFile(filepath.Join(dir, "run/checkpoints/step-000000004.safetensors"))
	resumed, err := os.ReadFile(filepath.Join(dir, "killed/checkpoints/step-000000004.safetensors"))
	if err != nil || len(whole) == 0 || !bytes.Equal(whole, resumed) {
		t.Errorf("a killed run ends otherwise than one that wasn't: %d and %d bytes, %v", len(resumed), len(whole), err)
	}
}

// ctrlBreak presses it while a run trains: as Ctrl-C, it saves and exits with 130.
func (s system) ctrlBreak(t *testing.T, dir string, args []string) {
	t.Helper()
	build := exec.Command("go", "build", "-o", s.bin+"/", "./testdata/ctrlbreak")
	build.Env = append(os.Environ(), "GOOS="+s.os, "GOARCH="+s.arch, "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const saved = `broken\checkpoints\step-*.safetensors`
	program := `Z:` + strings.ReplaceAll(filepath.Join(s.bin, "train-alexnet.exe"), "/", `\`)
	s.must(t, 130, dir, "ctrlbreak", append([]string{saved, program}, args...)...)
	s.must(t, 0, dir, "prep-imagenet", "verify", `shards\train`)
	s.must(t, 0, dir, "train-alexnet", "--run", "broken", "--resume", "--max-time", "1s")
}

// longPaths goes beyond the 260 characters that old interfaces of Windows take, by
// relative and absolute paths, and by the prefix that turns the limit off.
func (s system) longPaths(t *testing.T, dir string) {
	t.Helper()
	here := `Z:` + strings.ReplaceAll(dir, "/", `\`)
	long := strings.Repeat(`long `, 30) + `x\` + strings.Repeat(`long `, 30) + "x"
	for i, base := range []string{"", here + `\`, `\\?\` + here + `\`} {
		at := fmt.Sprintf(`%s%s\%d`, base, long, i)
		s.must(t, 0, dir, "prep-imagenet", "sample", "--out", at, "--classes", "2", "--per-class", "2")
		s.must(t, 0, dir, "prep-imagenet", "shard", "--in", at+`\train`, "--out", at+`\shards`, "--size", "72")
		s.must(t, 0, dir, "prep-imagenet", "verify", at+`\shards`)
		s.must(t, 0, dir, "compute-pca", "--shards", at+`\shards`, "--out", at+`\pca.json`)
		s.must(t, 0, dir, "train-alexnet", "--train", at+`\shards`, "--run", at+`\run`, "--net", "alexnet-mini", "--batch", "2", "--steps", "1", "--devices", "cpu")
		s.must(t, 0, dir, "prep-imagenet", "export", "--to", "folders", "--out", at+`\out`, at+`\shards`)
	}
}

// serve asks a server for a picture's class, and stops it.
func (s system) serve(t *testing.T, dir, checkpoint string) {
	t.Helper()
	pictures, _ := filepath.Glob(filepath.Join(dir, "pictures/all/val/*/*"))
	if len(pictures) == 0 {
		t.Fatal("no picture")
	}
	picture, err := os.ReadFile(pictures[0])
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	c := s.command(dir, "train-alexnet", "serve", "--checkpoint", checkpoint, "--addr", address)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { c.Process.Kill() })
	defer timer.Stop()
	var answer string
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		r, err := http.Post(fmt.Sprintf("http://%s/predict", address), "image/jpeg", bytes.NewReader(picture))
		if err == nil {
			text, _ := io.ReadAll(r.Body)
			r.Body.Close()
			answer = fmt.Sprint(r.StatusCode, " ", string(text))
			break
		}
	}
	c.Process.Signal(os.Interrupt)
	c.Wait()
	if !strings.HasPrefix(answer, "200 ") {
		t.Errorf("serve answers %q:\n%s", answer, out.Bytes())
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
