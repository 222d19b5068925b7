package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"alexnet/tools/internal/command"
)

const trainDescription = `Trains and runs alexnet on random pictures in memory, with "train-alexnet bench" and with PyTorch on the
same cores: its own LRN and the faster banded 1×1 convolution, in both memory layouts and compiled. Each turn
is a process of its own that warms up and takes the median of its steps. The peak is what the cores reach on
registers alone, measured in every turn of ours. With --batches, ours then runs at those sizes too.`

// stepGFLOP counts the multiplications and additions of a training step of alexnet with
// 1000 classes, an image: three products a layer, but two in conv1, which has no gradient
// of its input.
const stepGFLOP = 4.14

// trainBench are the flags of "bench train".
type trainBench struct {
	python, command, devices      string
	batch, steps, rounds, threads int
	batches                       cli.IntSlice
	variants                      cli.StringSlice
	json                          bool
}

func trainCommand(stdout, stderr io.Writer) *cli.Command {
	b := new(trainBench)
	return &cli.Command{
		Name:        "train",
		Usage:       "training and inference: ours and PyTorch",
		Description: trainDescription,
		UsageText:   "bench train --python venv/bin/python --rounds 3 --batches 16,32,64,256,512",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "python", Usage: "a Python with torch; without it, ours only", Destination: &b.python},
			&cli.StringFlag{Name: "command", Usage: "the train-alexnet to run; otherwise built from this module", Destination: &b.command},
			&cli.StringFlag{Name: "devices", Usage: "device contexts of ours", Value: "cpu", Destination: &b.devices},
			&cli.IntFlag{Name: "threads", Usage: "of everybody; 0 is one per core", Destination: &b.threads},
			&cli.IntFlag{Name: "batch", Usage: "pictures in a step", Value: 128, Destination: &b.batch},
			&cli.IntFlag{Name: "steps", Usage: "steps of a turn, after one that warms up", Value: 3, Destination: &b.steps},
			&cli.StringSliceFlag{Name: "variants", Usage: "of PyTorch, options of peers/train_torch.py", Value: cli.NewStringSlice(
				"--lrn conv", "--lrn conv --channels-last", "--lrn conv --compile", "--lrn conv --channels-last --compile", "--lrn own"), Destination: &b.variants},
			&cli.IntFlag{Name: "rounds", Usage: "rounds, of which medians are taken", Value: 3, Destination: &b.rounds},
			&cli.IntSliceFlag{Name: "batches", Usage: "further sizes for ours, one turn each", Destination: &b.batches},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object on standard output", Destination: &b.json},
		},
		Action: func(c *cli.Context) error {
			if b.batch < 1 || b.steps < 1 || b.rounds < 1 {
				return command.Usagef("train needs at least one picture, step and round (see bench train --help)")
			}
			return b.run(c.Context, stdout, stderr)
		},
	}
}

// trainTurn is the output of one process; only our program has Peak.
type trainTurn struct {
	Train    float64 `json:"train_images_per_s"`
	Infer    float64 `json:"infer_images_per_s"`
	TrainCPU float64 `json:"train_images_per_cpu_s,omitempty"` // for a second of processor time
	InferCPU float64 `json:"infer_images_per_cpu_s,omitempty"`
	Peak     float64 `json:"peak_gflops,omitempty"`
	PeakMB   float64 `json:"peak_mb"` // resident; 0: unknown
}

// trainer is one program of the comparison.
type trainer struct {
	Name  string      `json:"name"`
	Batch int         `json:"batch"`
	Turns []trainTurn `json:"turns"`
	Error string      `json:"error,omitempty"` // why it has no figure

	Precision string `json:"precision,omitempty"` // of "bench engines", like the following fields
	Trains    bool   `json:"trains,omitempty"`

	argv []string
}

// trainReport is the output of --json; the first trainer is ours, those at other
// batch sizes come last.
type trainReport struct {
	Steps    int        `json:"steps"`
	Trainers []*trainer `json:"trainers"`
}

func (b *trainBench) run(ctx context.Context, stdout, stderr io.Writer) error {
	if b.command == "" {
		temp, err := os.MkdirTemp("", "bench-train-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		b.command = filepath.Join(temp, "train-alexnet")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", b.command, "./tools/train-alexnet").CombinedOutput(); err != nil {
			return fmt.Errorf("build train-alexnet: %w\n%s", err, out)
		}
	}
	all := b.trainers()
	for round := range b.rounds {
		for _, i := range turnOrder(len(all), round, b.rounds) {
			all[i].turn(ctx, stderr, round)
		}
	}
	for _, n := range b.batches.Value() {
		t := b.ours(n)
		t.turn(ctx, stderr, 0)
		all = append(all, t)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r := trainReport{Steps: b.steps, Trainers: all}
	if b.json {
		return json.NewEncoder(stdout).Encode(r)
	}
	return r.print(stdout)
}

func (b *trainBench) ours(batch int) *trainer {
	return &trainer{Name: "ours, " + b.devices, Batch: batch, argv: []string{b.command, "bench", "--json", "--no-layers",
		"--devices", b.devices, "--threads", strconv.Itoa(b.threads), "--batch", strconv.Itoa(batch), "--steps", strconv.Itoa(b.steps)}}
}

func (b *trainBench) trainers() []*trainer {
	all := []*trainer{b.ours(b.batch)}
	if b.python == "" {
		return all
	}
	for _, variant := range b.variants.Value() {
		argv := []string{b.python, filepath.Join("tools", "bench", "peers", "train_torch.py"),
			"--threads", strconv.Itoa(b.threads), "--batch", strconv.Itoa(b.batch), "--steps", strconv.Itoa(b.steps)}
		all = append(all, &trainer{Name: "PyTorch, " + strings.ReplaceAll(variant, "--", ""), Batch: b.batch, argv: append(argv, strings.Fields(variant)...)})
	}
	return all
}

// turn runs the process once. A trainer that has failed isn't run again.
func (t *trainer) turn(ctx context.Context, stderr io.Writer, round int) {
	if t.Error != "" || ctx.Err() != nil {
		return
	}
	c := exec.CommandContext(ctx, t.argv[0], t.argv[1:]...)
	out, err := output(c)
	var result trainTurn
	if err == nil {
		err = json.Unmarshal(out, &result)
	}
	if err != nil {
		t.Error = err.Error()
		fmt.Fprintf(stderr, "round %d  %-44s %s\n", round+1, t.Name, t.Error)
		return
	}
	result.PeakMB = peakMB(c.ProcessState)
	t.Turns = append(t.Turns, result)
	fmt.Fprintf(stderr, "round %d  %-44s batch %3d  %6.1f trained  %6.1f inferred, images/s\n", round+1, t.Name, t.Batch, result.Train, result.Infer)
}

func (t *trainer) median(of func(trainTurn) float64) float64 {
	if len(t.Turns) == 0 {
		return 0
	}
	var values []float64
	for _, r := range t.Turns {
		values = append(values, of(r))
	}
	return median(values)
}

// print writes a Markdown table of medians.
func (r trainReport) print(w io.Writer) error {
	ours := r.Trainers[0]
	train, infer := func(t trainTurn) float64 { return t.Train }, func(t trainTurn) float64 { return t.Infer }
	times := func(t *trainer, of func(trainTurn) float64) string {
		if t.Batch != ours.Batch || t.median(of) == 0 {
			return "–"
		}
		return fmt.Sprintf("%.2f", ours.median(of)/t.median(of))
	}
	fmt.Fprintf(w, "Medians of %d turns; a turn is the median of %d steps. Peak of registers alone: %.0f GFLOP/s.\n\n",
		len(ours.Turns), r.Steps, ours.median(func(t trainTurn) float64 { return t.Peak }))
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintf(tw, "| \t| batch\t| trained, images/s\t| ours to it\t| inferred, images/s\t| ours to it\t| of the peak\t| resident MB\t|\n")
	fmt.Fprintf(tw, "|---\t|---:\t|---:\t|---:\t|---:\t|---:\t|---:\t|---:\t|\n")
	for _, t := range r.Trainers {
		if t.Error != "" {
			fmt.Fprintf(tw, "| %s\t| %d\t| didn't run: %s\t|\t|\t|\t|\t|\t|\n", t.Name, t.Batch, t.Error)
			continue
		}
		share := "–"
		if s := t.median(func(t trainTurn) float64 {
			if t.Peak == 0 {
				return 0
			}
			return 100 * stepGFLOP * t.Train / t.Peak
		}); s > 0 {
			share = fmt.Sprintf("%.0f %%", s)
		}
		fmt.Fprintf(tw, "| %s\t| %d\t| %.1f\t| %s\t| %.1f\t| %s\t| %s\t| %.0f\t|\n", t.Name, t.Batch, t.median(train), times(t, train),
			t.median(infer), times(t, infer), share, t.median(func(t trainTurn) float64 { return t.PeakMB }))
	}
	return tw.Flush()
}
