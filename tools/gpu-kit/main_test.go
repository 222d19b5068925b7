package main

import (
	"context"
	"encoding/json"
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
	if lines := strings.Split(strings.TrimSpace(text), "\n"); !strings.Contains(lines[len(lines)-1], "cuda:0,cuda:0") {
		t.Errorf("the table isn't last:\n%s", text)
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

// TestLimits: the parts fit into the default of -limit, which is below ten minutes.
func TestLimits(t *testing.T) {
	var total time.Duration
	for _, p := range allParts() {
		total += p.limit
	}
	if total > 580*time.Second {
		t.Errorf("the limits add up to %v", total)
	}
}
