package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// script writes a program of the kit.
func script(t *testing.T, dir, name, body string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body), 0o777); err != nil {
		t.Fatal(err)
	}
}

func runKit(t *testing.T, dir string, args ...string) (int, string, report) {
	t.Helper()
	out := filepath.Join(dir, "out")
	var text strings.Builder
	code, err := run(context.Background(), append([]string{"-dir", dir, "-out", out, "-python", filepath.Join(dir, "python")}, args...), &text)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(out, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return code, text.String(), r
}

func TestNoGPU(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "train-alexnet", `printf 'cpu\t2 cores\n\nmissing for GPUs: NVIDIA driver\n'`)
	code, text, r := runKit(t, dir)
	if code != 3 || r.GPU || !strings.Contains(text, "There is no GPU that can be used here") || !strings.Contains(text, "missing for GPUs: NVIDIA driver") {
		t.Errorf("code %d:\n%s", code, text)
	}
	for _, p := range r.Parts {
		if p.Status != "skipped" || p.Detail != "no GPU" {
			t.Errorf("%+v", p)
		}
	}
}

// TestParts runs the kit on programs that pass, fail, hang and measure.
func TestParts(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "train-alexnet", `case "$1 $*" in
devices*) printf 'cpu\t2 cores\ncuda:0\tA GPU\n';;
*"cuda:0,cuda:0"*) echo '{"train_images_per_s": 900, "infer_images_per_s": 2000}';;
*bench*) echo '{"train_images_per_s": 1000, "infer_images_per_s": 3000}';;
esac`)
	script(t, dir, "nvidia.test", `echo '--- PASS: TestGPUStream (0.00s)'`)
	script(t, dir, "cuda.test", `case "$*" in *Conformance*) echo '    gpu_test.go:9: off by one'; echo '--- FAIL: TestGPUConformance/conv (0.00s)'; exit 1;; *) echo '--- SKIP: no'; esac`)
	script(t, dir, "enginetest.test", `sleep 30`)
	script(t, dir, "python", `echo '{"who": "PyTorch, own", "train_images_per_s": 500}'; echo '{"who": "PyTorch, sum", "train_images_per_s": 800}'; exit 1`)
	code, text, r := runKit(t, dir, "-only", "driver,conf,timed,speed in bf16, batch 128,two", "-steps", "1")
	if code != 1 || !r.GPU {
		t.Errorf("code %d:\n%s", code, text)
	}
	status := map[string]string{}
	for _, p := range r.Parts {
		status[p.Name] = p.Status
	}
	for name, want := range map[string]string{"driver": "ok", "conformance": "failed", "timed plans": "skipped", "speed in bf16, batch 128": "ok", "two contexts on one GPU": "ok"} {
		if status[name] != want {
			t.Errorf("%s: %s, want %s", name, status[name], want)
		}
	}
	for _, want := range []string{"1 passed, 0 failed", "gpu_test.go:9: off by one", "PyTorch, sum", "1.25", "PyTorch: python"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}

// TestPython: a Python named by a path from here is found from the kit's work
// folder, and stands first on the $PATH of programs, which find its libraries so.
func TestPython(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "train-alexnet", `case "$*" in
devices) printf 'cuda:0\tA GPU, first on the path: %s\n' "${PATH%%:*}";;
*) echo '{"train_images_per_s": 1000}';;
esac`)
	script(t, dir, "python", `echo '{"who": "PyTorch", "train_images_per_s": 500}'`)
	t.Chdir(dir)
	_, text, r := runKit(t, dir, "-python", "./python", "-only", "speed in bf16, batch 128")
	if !strings.Contains(r.Machine, "first on the path: "+dir) || r.times("speed in bf16, batch 128") != 2 {
		t.Errorf("machine %q, report:\n%s", r.Machine, text)
	}
}

func TestTimeLimit(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "slow.test", "exec sleep 30")
	k := &kit{dir: dir, out: dir}
	p := &part{Name: "slow", limit: 50 * time.Millisecond, do: tests("slow.test", "x")}
	k.try(context.Background(), p, true)
	if p.Status != "timed out" || p.Seconds > 10 {
		t.Errorf("%+v", p)
	}
}

// TestLimits: every part fits into a call, which takes less than ten minutes by
// default, and everything into the half hour that a card may be lent for.
func TestLimits(t *testing.T) {
	var total time.Duration
	for _, p := range allParts(3) {
		total += p.limit
		if p.limit > 300*time.Second {
			t.Errorf("%s may take %v of a call", p.Name, p.limit)
		}
	}
	if total > 29*time.Minute {
		t.Errorf("the limits add up to %v", total)
	}
}

// TestPanic: a part that panics fails, and others run.
func TestPanic(t *testing.T) {
	k := &kit{out: t.TempDir()}
	p := &part{Name: "bad", limit: time.Second, do: func(context.Context, *kit, *part) error { panic("oh") }}
	k.try(context.Background(), p, true)
	if p.Status != "failed" || !strings.HasPrefix(p.Detail, "the kit itself: oh\n") {
		t.Errorf("%+v", p)
	}
}

// measuring is a kit whose programs pass and measure; calls are noted in a file.
func measuring(t *testing.T, dir string) {
	t.Helper()
	script(t, dir, "train-alexnet", `echo "$*" >> "`+dir+`/calls"
metrics() { mkdir -p "$1"; echo '{"split":"val","top1_error":0.9}' > "$1/metrics.jsonl"; echo "{\"split\":\"val\",\"top1_error\":0.2$2}" >> "$1/metrics.jsonl"; }
while [ $# -gt 0 ]; do case $1 in
devices) printf 'cpu\t2 cores\ncuda:0\tNVIDIA H100 80GB HBM3, 79.1 GiB\n'; exit;;
--devices) devices=$2;; --data) data=yes;; --peak) peak=$2;; --bandwidth) bandwidth=$2;; --run) run=$2;; --seed) seed=$2;;
--batch) [ $2 = 2000000 ] && { echo 'no memory' >&2; exit 1; };; --precision) precision=$2;; esac; shift; done
case "$devices $data $run" in
cuda:99*) echo 'no such GPU' >&2; exit 1;;
cpu*) echo 'computes in fp32 only' >&2; exit 1;;
cuda:0,cuda:0*) echo '{"train_images_per_s": 900, "infer_images_per_s": 2000}';;
*yes*) echo '{"train_images_per_s": 1000, "train_from_data_images_per_s": 960, "train_from_memory_images_per_s": 1000}';;
*run*|*imagenette*) metrics "$run" "$seed";;
*) [ -n "$peak" ] && echo "$peak $bandwidth" >> "`+dir+`/peaks"; echo '{"train_images_per_s": 1000, "infer_images_per_s": 3000, "roofline_images_per_s": 2000}';;
esac`)
	script(t, dir, "python", `echo "python $*" >> "`+dir+`/calls"
case "$1" in
*imagenette_torch.py) while [ $# -gt 0 ]; do case $1 in --run) run=$2;; --seed) seed=$2;; esac; shift; done
mkdir -p "$run"; echo "{\"split\":\"val\",\"top1_error\":0.21$seed}" > "$run/metrics.jsonl";;
*) echo '{"who": "PyTorch, own", "train_images_per_s": 500}'; echo '{"who": "PyTorch, sum", "train_images_per_s": 800}';;
esac`)
	for _, name := range []string{"nvidia.test", "cuda.test", "enginetest.test"} {
		script(t, dir, name, `echo '--- PASS: TestGPU (0.00s)'`)
	}
}

// TestReach runs everything on programs that measure, and reads what is said of it.
func TestReach(t *testing.T) {
	dir := t.TempDir()
	measuring(t, dir)
	code, text, r := runKit(t, dir, "-steps", "1", "-train", dir, "-val", dir, "-pca", dir, "-limit", "1h")
	if code != 0 {
		t.Errorf("code %d:\n%s", code, text)
	}
	cores := fmt.Sprint(r.Cores)
	for _, want := range []string{
		"1.25×", "no   training in bf16, batch 128, to PyTorch's best", "yes  training in tf32, batch 128, to PyTorch's best",
		"yes  training in bf16, batch 128, of the roofline", "50 %",
		"yes  time of cuda:0,cuda:0 to cuda:0 in bf16, batch 512", "1.11×",
		"yes  from shards on " + cores + " cores, batch 128, of the rate from memory", "96.0 %", "at least 95 % on 16",
		"yes  Imagenette's top-1 error to PyTorch's, means of 3 seeds", "0.80 points", "at most 1.00 points",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if peaks, _ := os.ReadFile(filepath.Join(dir, "peaks")); string(peaks) != "989 3350\n989 3350\n" {
		t.Errorf("the roofline was asked for with %q, want the H100's", peaks)
	}
	if !strings.HasSuffix(strings.TrimSpace(text), "a standard deviation") {
		t.Errorf("the table of what is reached isn't last:\n%s", text)
	}
	calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
	for _, want := range []string{"--seed 3 --epochs 15 --net alexnet --batch 32", "--data " + dir} {
		if !strings.Contains(string(calls), want) {
			t.Errorf("no call with %q in\n%s", want, calls)
		}
	}
}

// TestGoesOn gives the kit too little time: what doesn't fit is left, the same
// command again does it and keeps the rest, and -only runs a part anew.
func TestGoesOn(t *testing.T) {
	dir := t.TempDir()
	measuring(t, dir)
	args := []string{"-steps", "1", "-seeds", "0"}
	code, text, r := runKit(t, dir, append(args, "-limit", "59s")...)
	left := 0
	for _, p := range r.Parts {
		if p.Status == "left" {
			left++
			if !strings.Contains(p.Detail, "run the same command again") {
				t.Errorf("%s: %s", p.Name, p.Detail)
			}
		}
	}
	if code != 4 || left == 0 || r.part("driver").Status != "ok" || r.part("conformance").Status != "left" {
		t.Fatalf("code %d, %d parts left:\n%s", code, left, text)
	}
	script(t, dir, "nvidia.test", `exit 1`) // isn't asked again
	code, text, r = runKit(t, dir, append(args, "-limit", "1h")...)
	if code != 0 || r.part("driver").Status != "ok" || r.part("conformance").Status != "ok" {
		t.Errorf("code %d:\n%s", code, text)
	}
	code, _, r = runKit(t, dir, append(args, "-only", "driver")...)
	if code != 1 || r.part("driver").Status != "failed" || r.part("conformance").Status != "ok" {
		t.Errorf("code %d, driver %+v", code, r.part("driver"))
	}
	script(t, dir, "nvidia.test", `echo '--- PASS: TestGPU (0.00s)'`)
	code, text, _ = runKit(t, dir, append(args, "-again", "-limit", "1h")...)
	if code != 0 {
		t.Errorf("code %d:\n%s", code, text)
	}
}

// TestRehearsal casts the same command lines for the CPU, and judges nothing.
func TestRehearsal(t *testing.T) {
	dir := t.TempDir()
	measuring(t, dir)
	script(t, dir, "train-alexnet", `echo "$*" >> "`+dir+`/calls"; case "$*" in devices*) printf 'cpu\t2 cores\n';; *) echo '{"train_images_per_s": 1000, "roofline_images_per_s": 1001}';; esac`)
	code, text, r := runKit(t, dir, "-rehearse", "-only", "two,roof", "-steps", "1")
	if code != 0 || r.GPU || !strings.Contains(text, "A rehearsal on the CPU: no figure here means anything.") || !strings.Contains(text, "-  training in bf16, batch 512, of the roofline                100 %") {
		t.Errorf("code %d:\n%s", code, text)
	}
	for _, g := range r.Reach {
		if g.Met {
			t.Errorf("%+v", g)
		}
	}
	calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
	if strings.Contains(string(calls), "cuda") || strings.Contains(string(calls), "bf16") || !strings.Contains(string(calls), "--devices cpu,cpu --precision fp32 --batch 16") {
		t.Errorf("called\n%s", calls)
	}
}

func TestCards(t *testing.T) {
	for line, want := range map[string]float64{
		"cuda:0\tNVIDIA H100 80GB HBM3, 79.1 GiB": 3350, "cuda:0\tNVIDIA H100 PCIe, 79.1 GiB": 2000, "cuda:0\tNVIDIA H200, 140 GiB": 4800,
		"cpu\t2 cores\ncuda:0\tNVIDIA A100-SXM4-40GB": 1555, "cuda:0\tTesla T4": 0, "cuda:1\tNVIDIA H100": 0,
	} {
		if got := cardOf(line).bandwidth; got != want {
			t.Errorf("%q: %v GB/s, want %v", line, got, want)
		}
	}
}
