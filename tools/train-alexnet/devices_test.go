package main

import (
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/devices"
	"alexnet/tools/internal/command"
)

func TestDevices(t *testing.T) {
	r := call("train-alexnet", "devices")
	r.must(t, 0, "cpu\t", "fp32", "kernels portable in fp32: need nothing", "kernels portable in bf16: need nothing", "kernels amx in bf16: need AMX", ", chosen by itself")
	if list, _ := devices.Resolve(devices.Auto); list == "cpu" {
		r.must(t, 0, "missing for GPUs: ", "  install with ")
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"devices", "--only", "cpu"}, "say what to --check"},
		{[]string{"devices", "--check", "--only", "tpu:1"}, "no such device and precision here; there is cpu (fp32"},
		{[]string{"bench", "--devices", "cpu", "--precision", "tf32"}, "--precision: cpu computes in fp32 or bf16 only, not in tf32"},
		{[]string{"bench", "--devices", "cpu", "--precision", "fp8"}, `--precision "fp8": want fp32, tf32, bf16`},
		{[]string{"bench", "--devices", "cuda:999"}, "--devices: "},
		{[]string{"bench", "--devices", "cpu", "--kernels", "sse"}, `--kernels: no kernels called "sse"; there is portable`},
		{[]string{"bench", "--devices", "cpu", "--precision", "bf16", "--kernels", "avx2"}, `--kernels: no kernels called "avx2" compute in bf16; there is`},
		{[]string{"predict", "--checkpoint", "../../engine/infer/testdata/textures.safetensors", "--devices", "cpu", "--kernels", "sse", "x.jpg"}, `--kernels: no kernels called "sse"`},
		{[]string{"predict", "--checkpoint", "../../engine/infer/testdata/textures.safetensors", "--devices", "tpu", "x.jpg"}, `--devices: no device called "tpu"`},
		{[]string{"devices", "--check", "--kernels", "sse"}, `--kernels: no kernels called "sse"; there is portable`},
	} {
		r := call(append([]string{"train-alexnet"}, c.args...)...)
		if r.code != command.BadUsage || !strings.Contains(r.stderr, c.want) || strings.Contains(r.stderr, "---") {
			t.Errorf("%v: code %d, %s want %q", c.args, r.code, r.stderr, c.want)
		}
	}
}

func TestDevicesCheck(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole suite")
	}
	kernels, err := devices.ChosenKernels("cpu", devices.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := call("train-alexnet", "devices", "--check", "--only", "cpu")
	r.must(t, 0, "ok\tcpu fp32 "+kernels+"\tconv forward/", " cases passed, 0 failed")
}

// TestAutoDevice: without a GPU commands compute on the CPU. Training says so once on a
// machine, and nothing says so before an answer.
func TestAutoDevice(t *testing.T) {
	for _, d := range devices.List().Devices {
		if d.Auto {
			t.Skip("there is a GPU")
		}
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("LocalAppData", t.TempDir())
	w := newWorld(t)
	run := filepath.Join(w.dir, "run")
	for i, args := range [][]string{
		w.args(run, "--epochs", "1"), w.args(filepath.Join(w.dir, "again"), "--epochs", "1"),
		{"train-alexnet", "eval", "--checkpoint", run, "--data", w.val},
	} {
		r := call(args...)
		r.must(t, 0)
		if told := strings.Count(r.stderr, "no GPU"); told != map[int]int{0: 1}[i] {
			t.Errorf("call %d says it %d times:\n%s", i, told, r.stderr)
		}
	}
}
