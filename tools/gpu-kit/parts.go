package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// part is one trial with its result.
type part struct {
	Name    string  `json:"name"`
	Status  string  `json:"status"` // ok, failed, timed out, skipped, left (for another call)
	Seconds float64 `json:"seconds"`
	Detail  string  `json:"detail,omitempty"` // of a failure: data for mending it without the card
	Rates   []rate  `json:"rates,omitempty"`

	budget time.Duration
	do     func(ctx context.Context, k *kit, p *part) error
}

const (
	skipped = "skipped"
	left    = "left"
)

var errSkipped = errors.New("skipped")

// rate is one measurement, in images a second; 0 if it was not measured.
type rate struct {
	Who       string  `json:"who"` // ours, or a form of PyTorch
	Devices   string  `json:"devices"`
	Precision string  `json:"precision"`
	Batch     int     `json:"batch"`
	Train     float64 `json:"train_images_per_s"`
	Infer     float64 `json:"infer_images_per_s,omitempty"`
	Roofline  float64 `json:"roofline_images_per_s,omitempty"`

	FromData   float64 `json:"train_from_data_images_per_s,omitempty"` // and in turns with it:
	FromMemory float64 `json:"train_from_memory_images_per_s,omitempty"`
}

// allParts returns the kit's trials in order. The budgets of the first three groups add
// up to eight minutes; unused time of a part goes to later parts.
func allParts() []*part {
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	add := func(name string, budget int, do func(context.Context, *kit, *part) error) *part {
		return &part{Name: name, budget: seconds(budget), do: do}
	}
	return []*part{
		// Two minutes: does it run, and is it right?
		add("driver and kernels", 25, tests("nvidia.test", "TestGPU[^R]")),
		add("conformance and a step, fp32", 60, tests("cuda.test", "TestGPUThin/fp32|TestGPUTrainingAgreesWithCPU/fp32")),
		add("PyTorch's numbers", 35, tests("enginetest.test", "TestGPUGolden/alexnet_on|TestGPUGolden/alexnet-mini_on")),
		// Three minutes: how fast is it?
		add("speed in bf16, batch 128", 60, speed("bf16", 128)),
		add("speed in bf16, batch 512", 50, speed("bf16", 512)),
		add("two contexts on one GPU", 40, benches([]string{"cuda:0", "cuda:0,cuda:0", "cuda:0"}, 128, noLayers)),
		add("each op and the roofline", 30, roofline),
		// Three minutes: the other precisions, real data, and repeated bits.
		add("conformance and a step, tf32, bf16", 80, tests("cuda.test", "TestGPUThin/(tf32|bf16)|TestGPUTrainingAgreesWithCPU/(tf32|bf16)")),
		add("training from shards", 40, fromShards),
		add("runs repeat", 40, tests("cuda.test", "TestGPURepeats|TestGPUOutOfMemory")),
		// For the remaining time.
		add("NaN behind ReLU", 20, tests("nvidia.test", "TestGPUReLUKeepsNaN")),
		add("refusals", 40, refusals),
		add("plans by time", 80, tests("cuda.test", "TestGPUTimedPlans")),
		add("speed in tf32, batch 128", 60, speed("tf32", 128)),
		add("speed compiled, bf16, batch 128", 150, speed("bf16", 128, "--compile")),
		add("ranks through NCCL", 40, tests("cuda.test", "TestGPURanks")),
		add("Vulkan: conformance", 120, tests("vulkan.test", "TestConformance|TestRanks|TestLostDevice|TestTooLarge|TestPeerIsGone|TestTiles|TestL")),
		add("Vulkan: PyTorch's numbers", 90, tests("enginetest.test", "TestVulkan")),
		add("Vulkan: speed", 60, speedVulkan),
		add("whole conformance", 200, tests("cuda.test", "TestGPUConformance")),
		add("a minute of training", 90, shortTraining),
		add("Imagenette, seed 1", 200, imagenette(1)),
		add("Imagenette, seed 2", 200, imagenette(2)),
		add("Imagenette, seed 3", 200, imagenette(3)),
	}
}

// log runs a program, appends all its output to log.txt, and returns its standard output.
// The error has the program's last lines.
func (p *part) log(ctx context.Context, k *kit, program string, args ...string) (string, error) {
	f, err := os.OpenFile(filepath.Join(k.out, "log.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return "", err
	}
	defer f.Close()
	fmt.Fprintf(f, "\n== %s\n$ %s %s\n", p.Name, program, strings.Join(args, " "))
	c := k.command(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = io.MultiWriter(f, &stdout), io.MultiWriter(f, &stderr)
	if err = c.Run(); err != nil {
		err = fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, lastLines(stderr.String(), 8))
	}
	return stdout.String(), err
}

// tests runs tests of a compiled test program in one process, whose contexts stay open.
func tests(program, pattern string) func(context.Context, *kit, *part) error {
	return func(ctx context.Context, k *kit, p *part) error {
		out, err := p.log(ctx, k, program, "-test.v", "-test.count=1", "-test.run", pattern)
		passed, failed := strings.Count(out, "--- PASS"), strings.Count(out, "--- FAIL")
		p.Detail = fmt.Sprintf("%d passed, %d failed", passed, failed)
		switch {
		case err != nil:
			return fmt.Errorf("%s\n%s\n%w", p.Detail, failures(out), err)
		case passed == 0:
			return fmt.Errorf("%w: %s", errSkipped, lastLines(out, 3))
		}
		return nil
	}
}

// bench measures our speed.
func (p *part) bench(ctx context.Context, k *kit, devices, precision string, batch int, more ...string) error {
	args := append([]string{"bench", "--json", "--devices", devices, "--precision", precision,
		"--batch", fmt.Sprint(batch), "--steps", fmt.Sprint(k.steps)}, more...)
	out, err := p.log(ctx, k, "train-alexnet", k.cast(args)...)
	if err != nil {
		return err
	}
	var r rate
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		return fmt.Errorf("train-alexnet bench printed %q: %w", lastLines(out, 1), err)
	}
	r.Who, r.Devices, r.Precision, r.Batch = "ours", devices, precision, batch
	p.Rates = append(p.Rates, r)
	return nil
}

const noLayers = "--no-layers"

// speed takes turns: ours, PyTorch in each of its forms, ours again. PyTorch is ended in
// time for our second turn; its results by then count.
func speed(precision string, batch int, torch ...string) func(context.Context, *kit, *part) error {
	return func(ctx context.Context, k *kit, p *part) error {
		began := time.Now()
		if err := p.bench(ctx, k, "cuda:0", precision, batch, noLayers); err != nil {
			return err
		}
		deadline, _ := ctx.Deadline()
		room := time.Until(deadline) - time.Since(began) - time.Second
		limited, cancel := context.WithTimeout(ctx, room)
		defer cancel()
		out, errTorch := p.log(limited, k, k.python, append([]string{filepath.Join(k.dir, "train_torch_gpu.py"),
			"--precision", precision, "--batch", fmt.Sprint(batch), "--steps", fmt.Sprint(k.steps), "--seconds", fmt.Sprintf("%.0f", room.Seconds())}, torch...)...)
		for line := range strings.Lines(out) {
			r := rate{Devices: "cuda:0", Precision: precision, Batch: batch}
			if json.Unmarshal([]byte(line), &r) == nil && r.Train > 0 {
				p.Rates = append(p.Rates, r)
			}
		}
		if errTorch != nil {
			p.Detail = "PyTorch: " + errTorch.Error()
		}
		return p.bench(ctx, k, "cuda:0", precision, batch, noLayers)
	}
}

// benches measures our speed in bf16 on lists of devices in turn.
func benches(devices []string, batch int, more ...string) func(context.Context, *kit, *part) error {
	return func(ctx context.Context, k *kit, p *part) error {
		for _, d := range devices {
			if err := p.bench(ctx, k, d, "bf16", batch, more...); err != nil {
				return err
			}
		}
		return nil
	}
}

// speedVulkan measures our speed on the first Vulkan device: number by number, and with
// its matrices.
func speedVulkan(ctx context.Context, k *kit, p *part) error {
	for _, precision := range []string{"fp32", "bf16"} {
		if err := p.bench(ctx, k, "vulkan:0", precision, 128, noLayers); err != nil {
			return err
		}
	}
	return nil
}

// roofline times the ops of a step one by one, and compares the step with the limits of
// the card's data sheet.
func roofline(ctx context.Context, k *kit, p *part) error {
	if k.card.bandwidth == 0 {
		return fmt.Errorf("%w: the data sheet of this GPU isn't known to the kit (cards.go)", errSkipped)
	}
	return benches([]string{"cuda:0"}, 128, "--peak", fmt.Sprint(k.card.bf16), "--bandwidth", fmt.Sprint(k.card.bandwidth))(ctx, k, p)
}

// fromShards trains from shards, in turns with the same training from memory.
func fromShards(ctx context.Context, k *kit, p *part) error {
	if k.train == "" {
		return fmt.Errorf("%w: no shards", errSkipped)
	}
	return benches([]string{"cuda:0"}, 128, noLayers, "--data", k.train)(ctx, k, p)
}

// refusals checks that errors are plain, and that two processes may share a GPU.
func refusals(ctx context.Context, k *kit, p *part) error {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"bench", "--devices", "cuda:0", "--batch", "2000000", noLayers}, "memory"},
		{[]string{"bench", "--devices", "cuda:99"}, "no such GPU"},
	} {
		if _, err := p.log(ctx, k, "train-alexnet", c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			return fmt.Errorf("train-alexnet %s: want a refusal with %q, got %v", strings.Join(c.args, " "), c.want, err)
		}
	}
	if k.rehearse { // processes don't share an emulated GPU
		return nil
	}
	both := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := k.output(ctx, "train-alexnet", k.cast([]string{"bench", noLayers, "--devices", "cuda:0", "--precision", "bf16", "--batch", "128", "--steps", "20"})...)
			both <- err
		}()
	}
	if err := errors.Join(<-both, <-both); err != nil {
		return fmt.Errorf("two processes on one GPU: %w", err)
	}
	return nil
}

// recipe is the common beginning of the kit's trainings.
var recipe = []string{"--batch", "32", "--lr", "0.01", "--warmup", "100", "--input-scale", "0.015625", "--precision", "bf16"}

// shortTraining trains on shards, and validates.
func shortTraining(ctx context.Context, k *kit, p *part) error {
	if k.train == "" || k.val == "" || k.pca == "" {
		return fmt.Errorf("%w: no shards", errSkipped)
	}
	run := filepath.Join(k.dir, "work", "short")
	args := append([]string{"--train", k.train, "--val", k.val, "--pca", k.pca, "--run", run, "--devices", "cuda:0", "--init", "he", "--max-time", "1m"}, recipe...)
	_, err := p.log(ctx, k, "train-alexnet", k.cast(args)...)
	p.Detail = lastMetrics(run)
	return err
}

// imagenette trains the full net with ours and with PyTorch by the same recipe: net,
// first weights, update rule, dropout, crops and noise have the same distributions. It
// needs a whole set, which is too large for the kit.
func imagenette(seed int) func(context.Context, *kit, *part) error {
	return func(ctx context.Context, k *kit, p *part) error {
		if k.train == "" || k.val == "" || k.pca == "" || strings.HasPrefix(k.train, k.dir) {
			return fmt.Errorf("%w: give -train, -val and -pca of the whole set", errSkipped)
		}
		args := append([]string{"--train", k.train, "--val", k.val, "--pca", k.pca, "--seed", fmt.Sprint(seed), "--epochs", "15", "--net", "alexnet"}, recipe...)
		ours, torch := filepath.Join(k.dir, "work", fmt.Sprint("ours-", seed)), filepath.Join(k.dir, "work", fmt.Sprint("torch-", seed))
		_, err := p.log(ctx, k, "train-alexnet", k.cast(append([]string{"--init", "he", "--schedule", "cosine", "--devices", "cuda:0", "--run", ours}, args...))...)
		if err == nil {
			_, err = p.log(ctx, k, k.python, k.cast(append([]string{filepath.Join(k.dir, "imagenette_torch.py"), "--device", "cuda", "--run", torch}, args...))...)
		}
		p.Detail = fmt.Sprintf("ours %s\nPyTorch %s", lastMetrics(ours), lastMetrics(torch))
		return err
	}
}

// lastMetrics is the last line of a run's metrics.
func lastMetrics(run string) string {
	data, _ := os.ReadFile(filepath.Join(run, "metrics.jsonl"))
	return lastLines(string(data), 1)
}

// cast returns a command line unchanged, or smaller for a rehearsal.
func (k *kit) cast(args []string) []string {
	if !k.rehearse {
		return args
	}
	out := slices.Clone(args)
	for i := 1; i < len(out); i++ {
		if small, ok := map[string]string{"--net": "alexnet-mini", "--batch": "16", "--warmup": "2", "--epochs": "1", "--max-time": "10s", "--steps": "2", "--device": "cpu"}[out[i-1]]; ok {
			out[i] = small
		}
	}
	if !slices.Contains(out, "--net") {
		out = append(out, "--net", "alexnet-mini")
	}
	return out
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// failures returns the first failures in a test's output with their details: op,
// tensors, plans, wrong elements.
func failures(out string) string {
	var picked []string
	said := false // the lines of a test's message are indented by eight
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		said = strings.Contains(line, "_test.go:") || said && strings.HasPrefix(line, "        ")
		if said || strings.Contains(line, "--- FAIL") || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal") {
			picked = append(picked, line[:min(len(line), 1000)])
		}
	}
	return strings.Join(picked[:min(len(picked), 60)], "\n")
}
