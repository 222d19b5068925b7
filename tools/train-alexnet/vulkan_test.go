package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/train/bench"
	"alexnet/engine/vulkan"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
	"alexnet/pipeline/synthetic"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/ranks/rankstest"
)

// validated skips a test where there is no Vulkan device. Elsewhere the device stays
// open with its pipelines, and Khronos' validation layer, if it is installed, looks at
// every call of this process; whatever it says fails the test.
func validated(t *testing.T) {
	t.Helper()
	if os.Getenv("ALEXNET_VULKAN") == "" {
		t.Skip("make check-vulkan runs it")
	}
	contexts, err := vulkan.Open([]string{"vulkan:0"}, vulkan.Options{Validate: true})
	if err != nil {
		t.Logf("without the validation layer: %v", err)
		contexts, err = vulkan.Open([]string{"vulkan:0"}, vulkan.Options{})
	}
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := contexts[0].Close(); err != nil {
			t.Error(err)
		}
		for _, m := range vulkan.Messages() {
			t.Errorf("validation: %s", m)
		}
	})
}

// TestVulkanDemo trains the demo's net on the demo's textures. In software a Vulkan device
// takes minutes for what a CPU does in seconds, so the CPU begins: the device goes on, by
// itself and twice, with the CPU's losses, and ends far below chance.
func TestVulkanDemo(t *testing.T) {
	validated(t)
	const classes, begun, steps = 3, 238, 242
	dir := t.TempDir()
	pictures, begin := filepath.Join(dir, "pictures"), filepath.Join(dir, "begin")
	if _, err := synthetic.Write(t.Context(), pictures, synthetic.Config{Classes: classes, PerClass: 100}, nil); err != nil {
		t.Fatal(err)
	}
	for _, split := range []string{"train", "val"} {
		src, err := source.Open(t.Context(), filepath.Join(pictures, split), source.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		if _, err := pipeline.Shard(t.Context(), pipeline.ShardConfig{Out: filepath.Join(dir, split), Split: split, Size: 72}, src, nil); err != nil {
			t.Fatal(err)
		}
	}
	call("train-alexnet", "--train", filepath.Join(dir, "train"), "--val", filepath.Join(dir, "val"), "--run", begin, "--net", "alexnet-mini",
		"--init", "he", "--input-scale", "0.02", "--warmup", "20", "--batch", "16", "--lr", "0.005", "--epochs", "20", "--log-every", "1",
		"--devices", "cpu", "--steps", fmt.Sprint(begun)).must(t, 0)
	var want []float64
	for _, list := range []string{"cpu", "vulkan:0", "vulkan:0,vulkan:0"} {
		run := filepath.Join(dir, strings.NewReplacer(",", "-", ":", "").Replace(list))
		if err := os.CopyFS(run, os.DirFS(begin)); err != nil {
			t.Fatal(err)
		}
		call("train-alexnet", "--run", run, "--resume", "--steps", fmt.Sprint(steps), "--devices", list).must(t, 0, fmt.Sprintf("after %d steps", steps))
		var losses []float64
		for _, m := range metricsOf(t, run) {
			if m.Split == "train" && m.Step > begun {
				losses = append(losses, m.Loss)
			}
		}
		if want == nil {
			want = losses
		}
		if len(losses) != steps-begun || len(want) != len(losses) {
			t.Fatalf("%s: %d losses, %d on the CPU", list, len(losses), len(want))
		}
		for i, l := range losses {
			if !(math.Abs(l-want[i]) <= 1e-3*want[i]) {
				t.Errorf("%s, step %d: loss %v, on the CPU %v", list, begun+1+i, l, want[i])
			}
		}
		r := call("train-alexnet", "eval", "--checkpoint", filepath.Join(run, "checkpoints", fmt.Sprintf("step-%09d.safetensors", steps)),
			"--data", filepath.Join(dir, "val"), "--devices", "cpu", "--json")
		r.must(t, 0)
		var e struct {
			Error float64 `json:"top1_error"`
		}
		if err := json.Unmarshal([]byte(r.stdout), &e); err != nil || !(e.Error < 0.3) {
			t.Errorf("%s ends with an error of %v, chance is 0.667, %v", list, e.Error, err)
		}
		t.Logf("%s: losses %.4f, error %.3f", list, losses, e.Error)
	}
}

// TestVulkanBench: bench tells how every op runs on the device, and the least time that it
// can take by the data sheet.
func TestVulkanBench(t *testing.T) {
	validated(t)
	w := newWorld(t)
	args := []string{"train-alexnet", "bench", "--net", w.net, "--classes", "3", "--batch", "6", "--steps", "1", "--devices", "vulkan:0", "--peak", "0.1", "--bandwidth", "10"}
	r := call(append(args, "--json")...)
	r.must(t, 0)
	var b bench.Result
	if err := json.Unmarshal([]byte(r.stdout), &b); err != nil || len(b.Design) == 0 {
		t.Fatalf("%v: %s", err, r.stdout)
	}
	for _, d := range b.Design {
		if !(d.Bound > 0) || d.Instructions == 0 || d.Workgroups == 0 || d.Bytes == 0 {
			t.Errorf("%+v", d)
		}
	}
	call(args...).must(t, 0, "bound ms", "conv_weights", "instructions")
}

// TestVulkanRanks: two ranks on Vulkan devices, or on a CPU and one, train the weights of
// one process that accumulates as many pieces, to the byte.
func TestVulkanRanks(t *testing.T) {
	validated(t)
	w := newWorld(t)
	for _, list := range []string{"vulkan:0", "cpu,vulkan:0"} {
		t.Run(list, func(t *testing.T) {
			dir, alone := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "pieces")
			more := []string{"--steps", "5", "--threads", "1", "--devices", list}
			if out, err := rankstest.Run(t, rankstest.Launchers[0], 2, w.args(dir, more...)[1:]...); err != nil || !strings.Contains(out, "after 5 steps") {
				t.Fatalf("%v\n%s", err, out)
			}
			call(w.args(alone, append(more, "--accumulate", "2")...)...).must(t, 0)
			const last = "step-000000005.safetensors"
			if read(t, filepath.Join(dir, "checkpoints", last)) != read(t, filepath.Join(alone, "checkpoints", last)) {
				t.Error("other weights than one process with two pieces")
			}
		})
	}
}

// TestVulkanTraining trains through the command on a Vulkan device, by itself, twice, and
// beside the CPU: it learns, a run that was interrupted goes on to the same bits, and a
// checkpoint is evaluated on the device and on the CPU alike.
func TestVulkanTraining(t *testing.T) {
	validated(t)
	w := newWorld(t)
	for _, c := range []struct{ list, precision string }{
		{"vulkan:0", "fp32"}, {"vulkan:0,vulkan:0", "fp32"}, {"cpu,vulkan:0", "fp32"}, {"vulkan:0", "bf16"},
	} {
		t.Run(c.list+" "+c.precision, func(t *testing.T) {
			dir := filepath.Join(w.dir, strings.NewReplacer(",", "-", ":", "").Replace(c.list+c.precision))
			whole, stopped := filepath.Join(dir, "whole"), filepath.Join(dir, "stopped")
			more := []string{"--devices", c.list, "--precision", c.precision, "--log-every", "1", "--checkpoint-every", "5"}
			call(w.args(whole, more...)...).must(t, 0, "all epochs are done after 80 steps")
			p := process(w.args(stopped, more...)[1:]...)
			stderr, err := p.StderrPipe()
			if err == nil {
				err = p.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			for lines := bufio.NewScanner(stderr); lines.Scan(); {
				text.WriteString(lines.Text() + "\n")
				if strings.Contains(lines.Text(), "step 33/80") {
					p.Process.Signal(os.Interrupt)
				}
			}
			p.Wait()
			if code := p.ProcessState.ExitCode(); code != command.Interrupted {
				t.Fatalf("exit code %d:\n%s", code, text.String())
			}
			call("train-alexnet", "--run", stopped, "--resume").must(t, 0, "resuming", "after 80 steps")
			if at80(t, stopped) != at80(t, whole) {
				t.Error("the weights after 80 steps differ from the uninterrupted run's")
			}
			m := metricsOf(t, whole)
			if last := m[len(m)-1]; last.Split != "val" || !(last.Top1Error < 0.2) {
				t.Errorf("it ends at %+v: nothing has been learnt", last)
			}
			checkpoint := filepath.Join(whole, "checkpoints", "best.safetensors")
			var errors []string
			for _, list := range []string{c.list, "cpu"} {
				r := call("train-alexnet", "eval", "--checkpoint", checkpoint, "--data", w.val, "--devices", list, "--json")
				r.must(t, 0)
				_, of, _ := strings.Cut(r.stdout, `"top1_error"`)
				errors = append(errors, of)
			}
			if errors[0] != errors[1] {
				t.Errorf("evaluated on %s: %s, on the CPU: %s", c.list, errors[0], errors[1])
			}
		})
	}
}

// at80 is the checkpoint after 80 steps.
func at80(t *testing.T, dir string) string {
	t.Helper()
	return read(t, filepath.Join(dir, "checkpoints", "step-000000080.safetensors"))
}
