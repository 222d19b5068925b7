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
	"sync"
	"time"

	"alexnet/internal/file"
)

// allParts are what the kit tries, what tells most first.
func allParts(seeds int) []*part {
	all := []*part{
		{Name: "driver", limit: 40 * time.Second, do: tests("nvidia.test", "TestGPU")},
		{Name: "conformance", limit: 150 * time.Second, do: tests("cuda.test", "TestGPUConformance")},
		{Name: "training beside the CPU", limit: 60 * time.Second, do: tests("cuda.test", "TestGPUTraining|TestGPURepeats|TestGPUOut")},
		{Name: "timed plans", limit: 80 * time.Second, do: tests("cuda.test", "TestGPUTimedPlans")},
		{Name: "ranks", limit: 40 * time.Second, do: tests("cuda.test", "TestGPURanks")},
		{Name: "PyTorch's numbers", limit: 60 * time.Second, do: tests("enginetest.test", "TestGPUGolden")},
	}
	for _, m := range []struct {
		precision string
		batch     int
		limit     time.Duration
	}{{"bf16", 128, 110}, {"bf16", 512, 90}, {"tf32", 128, 90}, {"tf32", 512, 90}} {
		all = append(all, &part{Name: fmt.Sprintf("speed in %s, batch %d", m.precision, m.batch), limit: m.limit * time.Second, do: speed(m.precision, m.batch)})
	}
	all = append(all,
		&part{Name: "two contexts on one GPU", limit: 60 * time.Second, do: twoContexts},
		&part{Name: "roofline", limit: 45 * time.Second, do: rooflines},
		&part{Name: "training from shards", limit: 60 * time.Second, do: fromShards},
		&part{Name: "failures", limit: 40 * time.Second, do: failures},
		&part{Name: "short training", limit: 85 * time.Second, do: shortTraining})
	for n := range seeds {
		all = append(all, &part{Name: fmt.Sprintf("Imagenette, seed %d", n+1), limit: 150 * time.Second, do: imagenette(n + 1)})
	}
	return all
}

// log runs a program, keeps all it prints in the part's log, and returns its
// standard output. The error has the program's last words.
func (p *part) log(ctx context.Context, k *kit, program string, args ...string) (string, error) {
	p.Log = strings.ReplaceAll(strings.ReplaceAll(p.Name, ",", ""), " ", "-") + ".log"
	f, err := file.OpenOwn(filepath.Join(k.out, p.Log))
	if err != nil {
		return "", err
	}
	defer f.Close()
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return "", err
	}
	fmt.Fprintf(f, "$ %s %s\n", program, strings.Join(args, " "))
	c := k.command(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = io.MultiWriter(f, &stdout), io.MultiWriter(f, &stderr)
	err = c.Run()
	if err != nil {
		words := strings.TrimSpace(stderr.String())
		if words == "" {
			words = failedLines(stdout.String())
		}
		err = fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(args, " "), err, lastLines(words, 6))
	}
	return stdout.String(), err
}

// cast is a command line as it is, or for a rehearsal: small, on the CPU.
func (k *kit) cast(args []string) []string {
	if !k.rehearse {
		return args
	}
	out := slices.Clone(args)
	for i := 1; i < len(out); i++ {
		switch out[i-1] {
		case "--devices":
			out[i] = strings.ReplaceAll(out[i], "cuda:0", "cpu")
		case "--device":
			out[i] = "cpu"
		case "--precision":
			out[i] = "fp32"
		case "--net":
			out[i] = "alexnet-mini"
		case "--batch":
			out[i] = "16"
		case "--warmup":
			out[i] = "2"
		}
	}
	if !slices.Contains(out, "--net") && slices.Contains(out, "--devices") {
		out = append(out, "--net", "alexnet-mini")
	}
	if !slices.Contains(out, "--batch") {
		out = append(out, "--batch", "16")
	}
	return out
}

// tests runs tests of a compiled test program.
func tests(program, pattern string) func(context.Context, *kit, *part) error {
	return func(ctx context.Context, k *kit, p *part) error {
		out, err := p.log(ctx, k, program, "-test.v", "-test.count=1", "-test.run", pattern)
		passed, failed := strings.Count(out, "--- PASS"), strings.Count(out, "--- FAIL")
		if err == nil && passed == 0 {
			return skipped("the tests skipped: " + lastLines(strings.TrimSpace(out), 3))
		}
		p.Detail = fmt.Sprintf("%d passed, %d failed", passed, failed)
		if err != nil {
			return fmt.Errorf("%s: %s", p.Detail, failedLines(out))
		}
		return nil
	}
}

// bench measures ours.
func (p *part) bench(ctx context.Context, k *kit, devices, precision string, batch int, more ...string) error {
	args := append([]string{"bench", "--json", "--devices", devices, "--precision", precision,
		"--batch", fmt.Sprint(batch), "--steps", fmt.Sprint(k.steps)}, more...)
	out, err := p.log(ctx, k, "train-alexnet", k.cast(args)...)
	if err != nil {
		return err
	}
	var r rate
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		return fmt.Errorf("train-alexnet bench printed %q: %w", firstLine(out), err)
	}
	r.Who, r.Devices, r.Precision, r.Batch = "ours", devices, precision, batch
	p.Rates = append(p.Rates, r)
	return nil
}

// speed takes turns: ours, PyTorch in each of its ways, ours again. PyTorch may
// compile for long: it is ended in time for our second turn, and what it has
// measured by then counts.
func speed(precision string, batch int) func(context.Context, *kit, *part) error {
	return func(ctx context.Context, k *kit, p *part) error {
		if err := p.bench(ctx, k, "cuda:0", precision, batch, noLayers); err != nil {
			return err
		}
		deadline, _ := ctx.Deadline()
		left := time.Until(deadline) - 15*time.Second
		limited, cancel := context.WithTimeout(ctx, left)
		defer cancel()
		out, errTorch := p.log(limited, k, k.python, filepath.Join(k.dir, "train_torch_gpu.py"),
			"--precision", precision, "--batch", fmt.Sprint(batch), "--steps", fmt.Sprint(k.steps), "--seconds", fmt.Sprintf("%.0f", left.Seconds()))
		if errTorch != nil && limited.Err() != nil {
			errTorch = fmt.Errorf("ended after %v: %w", left.Round(time.Second), errTorch)
		}
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

const noLayers = "--no-layers"

// twoContexts takes turns: one context, two on the same GPU, one again.
func twoContexts(ctx context.Context, k *kit, p *part) error {
	var errs []error
	for _, batch := range batches {
		for _, devices := range []string{"cuda:0", "cuda:0,cuda:0", "cuda:0"} {
			errs = append(errs, p.bench(ctx, k, devices, "bf16", batch, noLayers))
		}
	}
	return errors.Join(errs...)
}

// rooflines times the ops of a step one by one, and compares the whole step with
// what the card's data sheet allows.
func rooflines(ctx context.Context, k *kit, p *part) error {
	if k.card.bandwidth == 0 {
		return skipped("the data sheet of this GPU isn't known to the kit (cards.go)")
	}
	var errs []error
	for _, batch := range batches {
		errs = append(errs, p.bench(ctx, k, "cuda:0", "bf16", batch, "--peak", fmt.Sprint(k.card.bf16), "--bandwidth", fmt.Sprint(k.card.bandwidth)))
	}
	return errors.Join(errs...)
}

// fromShards trains from shards, in turns with the same from memory.
func fromShards(ctx context.Context, k *kit, p *part) error {
	if k.train == "" {
		return skipped("no shards: give -train")
	}
	var errs []error
	for _, batch := range batches {
		errs = append(errs, p.bench(ctx, k, "cuda:0", "bf16", batch, noLayers, "--data", k.train))
	}
	return errors.Join(errs...)
}

// failures are refusals that must be plain, and two processes on one GPU.
func failures(ctx context.Context, k *kit, p *part) error {
	if k.rehearse {
		return skipped("a rehearsal: they are a GPU's")
	}
	for _, c := range []struct {
		what string
		args []string
		want string // in the refusal
	}{
		{"a net that doesn't fit", []string{"bench", "--devices", "cuda:0", "--batch", "2000000", "--no-layers"}, "memory"},
		{"a GPU that isn't there", []string{"bench", "--devices", "cuda:99"}, "no such GPU"},
		{"a precision that the CPU lacks", []string{"bench", "--devices", "cpu", "--precision", "bf16"}, "fp32 only"},
	} {
		_, err := p.log(ctx, k, "train-alexnet", c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			return fmt.Errorf("%s: want a refusal with %q, got %v", c.what, c.want, err)
		}
	}
	// Two processes share a GPU.
	var both [2]error
	var work sync.WaitGroup
	for i := range both {
		work.Go(func() {
			_, both[i] = k.output(ctx, 20*time.Second, "train-alexnet", "bench", "--no-layers", "--devices", "cuda:0", "--precision", "bf16", "--steps", "20")
		})
	}
	work.Wait()
	if err := errors.Join(both[:]...); err != nil {
		return fmt.Errorf("two processes on one GPU: %w", err)
	}
	return nil
}

// shortTraining trains on shards, and validates.
func shortTraining(ctx context.Context, k *kit, p *part) error {
	if k.train == "" {
		return skipped("no shards: give -train, -val and -pca")
	}
	run := filepath.Join(k.out, "run")
	if err := os.RemoveAll(run); err != nil {
		return err
	}
	args := []string{"--train", k.train, "--run", run, "--devices", "cuda:0", "--precision", "bf16", "--init", "he", "--input-scale", "0.015625",
		"--warmup", "100", "--max-time", k.trainFor.String()}
	if k.val != "" {
		args = append(args, "--val", k.val)
	}
	if k.pca != "" {
		args = append(args, "--pca", k.pca)
	} else {
		args = append(args, "--noise", "off")
	}
	_, err := p.log(ctx, k, "train-alexnet", k.cast(args)...)
	if metrics, e := file.ReadAll(filepath.Join(run, "metrics.jsonl"), 1<<24); e == nil {
		p.Detail = lastLines(strings.TrimSpace(string(metrics)), 2)
	}
	return err
}

func lastLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// failedLines are the first few failures of a test's output with their reasons.
func failedLines(out string) string {
	var picked []string
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if strings.Contains(line, "_test.go:") || strings.Contains(line, "--- FAIL") || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal") {
			picked = append(picked, line)
		}
	}
	return strings.Join(picked[:min(len(picked), 12)], "\n")
}
