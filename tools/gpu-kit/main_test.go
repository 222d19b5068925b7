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

// measuring is a kit whose programs pass and measure; calls are noted in a file.
func measuring(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script(t, dir, "train-alexnet", `echo "$*" >> "`+dir+`/calls"
case "$*" in
devices) printf 'cpu\t2 cores\ncuda:0\tNVIDIA H100 80GB HBM3, 79.1 GiB\nvulkan:0\tNVIDIA H100 80GB HBM3, discrete\n';;
*2000000*) echo 'no memory' >&2; exit 1;;
*cuda:99*) echo 'no such GPU' >&2; exit 1;;
*cuda:0,cuda:0*) echo '{"train_images_per_s": 900}';;
*--data*) echo '{"train_images_per_s": 1000, "train_from_data_images_per_s": 960, "train_from_memory_images_per_s": 1000}';;
*--peak*) echo '{"train_images_per_s": 1000, "roofline_images_per_s": 2000}';;
*) echo '{"train_images_per_s": 1000, "infer_images_per_s": 3000}';;
esac`)
	script(t, dir, "python", `echo "python $*" >> "`+dir+`/calls"
echo '{"who": "PyTorch, own", "train_images_per_s": 500}'; echo '{"who": "PyTorch, sum", "train_images_per_s": 800}'`)
	for _, name := range []string{"nvidia.test", "cuda.test", "vulkan.test", "enginetest.test"} {
		script(t, dir, name, `echo '--- PASS: TestGPU (0.00s)'`)
	}
	for _, name := range []string{"shards/train", "shards/val", "shards/pca.json"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func runKit(t *testing.T, dir string, args ...string) (int, string, map[string]*part) {
	t.Helper()
	var text strings.Builder
	code, err := run(context.Background(), append([]string{"-dir", dir, "-out", filepath.Join(dir, "out"), "-python", filepath.Join(dir, "python"), "-steps", "1"}, args...), &text)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "out", reportName))
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	parts := map[string]*part{}
	for _, p := range r.Parts {
		parts[p.Name] = p
	}
	return code, text.String(), parts
}

func TestNoGPU(t *testing.T) {
	dir := measuring(t)
	script(t, dir, "train-alexnet", `printf 'cpu\t2 cores\n\nmissing for GPUs: NVIDIA driver\n'`)
	code, text, parts := runKit(t, dir)
	if code != 3 || !strings.Contains(text, "missing for GPUs: NVIDIA driver") {
		t.Errorf("code %d:\n%s", code, text)
	}
	for _, p := range parts {
		if p.Status != skipped || !strings.HasPrefix(p.Detail, "no GPU") {
			t.Errorf("%+v", p)
		}
	}
}

// TestVulkanAlone: where there is a GPU of another make, Vulkan's parts run and no other; a
// device in software is none.
func TestVulkanAlone(t *testing.T) {
	for about, runs := range map[string]bool{"Radeon, discrete": true, "llvmpipe, in software": false} {
		dir := measuring(t)
		script(t, dir, "train-alexnet", `case "$*" in
devices) printf 'cpu\t2 cores\nvulkan:0\t`+about+`\n';;
*) echo '{"train_images_per_s": 70}';;
esac`)
		code, text, parts := runKit(t, dir, "-minutes", "60")
		if code != map[bool]int{true: 0, false: 3}[runs] {
			t.Errorf("%s: code %d:\n%s", about, code, text)
		}
		for _, p := range parts {
			if ran := p.Status == "ok"; ran != (runs && strings.HasPrefix(p.Name, "Vulkan")) {
				t.Errorf("%s: %+v", about, p)
			}
		}
		if speed := parts["Vulkan: speed"]; runs && len(speed.Rates) != 2 {
			t.Errorf("%s: %+v", about, speed)
		}
	}
}

// TestAllParts runs everything on programs that measure, and reads what is said of it.
func TestAllParts(t *testing.T) {
	dir := measuring(t)
	code, text, parts := runKit(t, dir, "-minutes", "60")
	if code != 0 {
		t.Errorf("code %d:\n%s", code, text)
	}
	for _, p := range parts {
		if want := map[bool]string{true: skipped, false: "ok"}[strings.HasPrefix(p.Name, "Imagenette")]; p.Status != want {
			t.Errorf("%s: %s, want %s", p.Name, p.Status, want)
		}
	}
	for _, want := range []string{
		"ours cuda:0 bf16 512 1000 3000 1.25 ",
		"ours cuda:0,cuda:0 bf16 128 900",
		"ours cuda:0 bf16 128 1000 0 0.50 ", // of the roofline
		"ours cuda:0 bf16 128 1000 0 0.96 ",
		"PyTorch, sum cuda:0 tf32 128 800",
	} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
	for _, want := range []string{"--peak 989 --bandwidth 3350", "--data " + dir + "/shards/train", "--batch 128 --steps 1 --seconds 149 --compile"} {
		if !strings.Contains(string(calls), want) {
			t.Errorf("no call with %q in\n%s", want, calls)
		}
	}
}

// TestFailures: a test's failure is kept whole, and the parts after it run.
func TestFailures(t *testing.T) {
	dir := measuring(t)
	script(t, dir, "cuda.test", `echo '    --- FAIL: TestGPUThin/fp32/conv_forward (0.00s)
        gpu_test.go:9: y at [0,1,2,3] is 1, want 2
        op: {X:x 1×1×1×1}
        plans: engine 7
    --- PASS: TestGPUThin/fp32/dense'; exit 1`)
	script(t, dir, "python", `echo '{"who": "PyTorch, own", "train_images_per_s": 500}'; echo 'no more' >&2; exit 1`)
	code, text, parts := runKit(t, dir, "-only", "conformance and a step, fp32,speed in bf16, batch 128")
	p := parts["conformance and a step, fp32"]
	if code != 1 || p.Status != "failed" {
		t.Errorf("code %d, %+v", code, p)
	}
	for _, want := range []string{"1 passed, 1 failed", "y at [0,1,2,3] is 1, want 2", "op: {X:x 1×1×1×1}", "plans: engine 7"} {
		if !strings.Contains(p.Detail, want) || !strings.Contains(text, want) {
			t.Errorf("the detail lacks %q: %s", want, p.Detail)
		}
	}
	if p := parts["speed in bf16, batch 128"]; p.Status != "ok" || len(p.Rates) != 3 || !strings.Contains(p.Detail, "no more") {
		t.Errorf("%+v", p)
	}
	log, _ := os.ReadFile(filepath.Join(dir, "out/log.txt"))
	if !strings.Contains(string(log), "== conformance and a step, fp32\n$ cuda.test ") {
		t.Errorf("the log is %s", log)
	}
}

// TestHardEnd: the call ends in time whatever its programs do, with all that they have
// started; what doesn't fit is left, and the same command again does it.
func TestHardEnd(t *testing.T) {
	dir := measuring(t)
	script(t, dir, "nvidia.test", `case "$*" in *ReLU*) echo '--- PASS: x'; exit;; esac; trap '' TERM INT; sleep 60 & echo $! > "`+dir+`/child"; wait`)
	began := time.Now()
	code, text, parts := runKit(t, dir, "-minutes", "0.3") // five seconds of it for the kit itself
	if took := time.Since(began); took > 18*time.Second {
		t.Errorf("it took %v:\n%s", took, text)
	}
	if code != 1 || parts["driver and kernels"].Status != "timed out" || parts["PyTorch's numbers"].Status != left {
		t.Errorf("code %d:\n%s", code, text)
	}
	child, _ := os.ReadFile(filepath.Join(dir, "child"))
	stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(child)) + "/stat")
	if err == nil && !strings.Contains(string(stat), ") Z ") {
		t.Errorf("a program's child is alive: %s", stat)
	}
	code, text, parts = runKit(t, dir, "-minutes", "60")
	if code != 1 || parts["driver and kernels"].Status != "timed out" || parts["PyTorch's numbers"].Status != "ok" {
		t.Errorf("code %d:\n%s", code, text)
	}
	script(t, dir, "nvidia.test", `echo '--- PASS: TestGPU (0.00s)'`)
	code, text, parts = runKit(t, dir, "-only", "driver")
	if code != 0 || parts["driver and kernels"].Status != "ok" {
		t.Errorf("code %d:\n%s", code, text)
	}
}

// TestInterrupted: what a signal ends, and what comes after it, is left for another call.
func TestInterrupted(t *testing.T) {
	dir := measuring(t)
	script(t, dir, "nvidia.test", "exec sleep 30")
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(300*time.Millisecond, cancel)
	code, err := run(ctx, []string{"-dir", dir, "-out", filepath.Join(dir, "out"), "-only", "driver,PyTorch"}, new(strings.Builder))
	data, _ := os.ReadFile(filepath.Join(dir, "out", reportName))
	if code != 4 || err != nil || strings.Count(string(data), `"status": "left"`) != 2 {
		t.Errorf("code %d, %v, report %s", code, err, data)
	}
}

// TestBudgets: the parts that come first fit into eight minutes.
func TestBudgets(t *testing.T) {
	total := 0.0
	for _, p := range allParts() {
		if p.Name == "NaN behind ReLU" {
			break
		}
		total += p.budget.Minutes()
	}
	if total > 8 {
		t.Errorf("they take %.1f minutes", total)
	}
}

// TestRehearsal casts the same command lines for a small net.
func TestRehearsal(t *testing.T) {
	dir := measuring(t)
	code, text, _ := runKit(t, dir, "-rehearse", "-only", "two,each")
	if code != 0 || !strings.Contains(text, "A rehearsal: no figure here means anything.") {
		t.Errorf("code %d:\n%s", code, text)
	}
	calls, _ := os.ReadFile(filepath.Join(dir, "calls"))
	if n := strings.Count(string(calls), "--batch 16 --steps 2"); n != 4 || strings.Count(string(calls), "--net alexnet-mini") != n {
		t.Errorf("called\n%s", calls)
	}
}

// TestPanic: a part that panics fails.
func TestPanic(t *testing.T) {
	p := &part{Name: "bad", budget: time.Second, do: func(context.Context, *kit, *part) error { panic("oh") }}
	new(kit).try(context.Background(), p)
	if p.Status != "failed" || !strings.HasPrefix(p.Detail, "the kit itself: oh\n") {
		t.Errorf("%+v", p)
	}
}

func TestCards(t *testing.T) {
	for line, want := range map[string]float64{
		"cuda:0\tNVIDIA H100 80GB HBM3, 79.1 GiB": 3350, "cuda:0\tNVIDIA H100 PCIe, 79.1 GiB": 2000, "cuda:0\tNVIDIA H200, 140 GiB": 4800,
		"cpu\t2 cores\ncuda:0\tNVIDIA A100-SXM4-40GB": 1555, "cuda:0\tTesla T4": 0, "cuda:1\tNVIDIA H100": 0,
	} {
		if got := cardOf(line).bandwidth; got != want {
			t.Error(fmt.Sprintf("%q: %v GB/s, want %v", line, got, want))
		}
	}
}
