package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine/devices"
	"alexnet/tools/internal/command"
)

// TestVulkanTraining trains through the command on a Vulkan device, by itself, twice, and
// beside the CPU: it learns, a run that was interrupted goes on to the same bits, and a
// checkpoint is evaluated on the device and on the CPU alike.
func TestVulkanTraining(t *testing.T) {
	if os.Getenv("ALEXNET_VULKAN") == "" {
		t.Skip("make check-vulkan runs it")
	}
	contexts, err := devices.Open("vulkan:0", devices.Options{})
	if err != nil {
		t.Skip(err)
	}
	defer contexts[0].Close() // until then the device and its pipelines stay
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
