package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/onnx"
	"alexnet/tools/internal/command"
)

const inferDescription = `Runs alexnet on random pictures in memory, with "train-alexnet bench --inference" and with PyTorch, ONNX
Runtime and OpenVINO on the same number of threads. The last two read our ONNX export. Each turn is a process
of its own that warms up and takes the median of its steps.`

// inferBench are the flags of "bench infer".
type inferBench struct {
	python, command string
	rounds, threads int
	batches         cli.IntSlice
	kernels         cli.StringSlice
	peers           cli.StringSlice
	json            bool
}

func inferCommand(stdout, stderr io.Writer) *cli.Command {
	b := new(inferBench)
	return &cli.Command{
		Name:        "infer",
		Usage:       "inference in batches of 1, 8 and 128: ours, PyTorch, ONNX Runtime and OpenVINO",
		Description: inferDescription,
		UsageText:   "bench infer --python venv/bin/python",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "python", Usage: "a Python with torch, onnxruntime and openvino; without it, ours only", Destination: &b.python},
			&cli.StringFlag{Name: "command", Usage: "the train-alexnet to run; otherwise built from this module", Destination: &b.command},
			&cli.IntFlag{Name: "threads", Usage: "of everybody; 0 is one a core", Destination: &b.threads},
			&cli.IntSliceFlag{Name: "batches", Usage: "pictures at a time", Value: cli.NewIntSlice(1, 8, 128), Destination: &b.batches},
			&cli.StringSliceFlag{Name: "kernels", Usage: "our sets of kernels", Value: cli.NewStringSlice("auto"), Destination: &b.kernels},
			&cli.StringSliceFlag{Name: "peers", Usage: "engines of peers/infer.py", Value: cli.NewStringSlice("torch", "onnxruntime", "openvino"), Destination: &b.peers},
			&cli.IntFlag{Name: "rounds", Usage: "rounds, of which medians are taken", Value: 3, Destination: &b.rounds},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object on standard output", Destination: &b.json},
		},
		Action: func(c *cli.Context) error {
			if b.rounds < 1 || len(b.batches.Value()) == 0 {
				return command.Usagef("infer needs at least one round and batch size (see bench infer --help)")
			}
			if b.threads == 0 {
				b.threads = runtime.NumCPU()
			}
			return b.run(c.Context, stdout, stderr)
		},
	}
}

func (b *inferBench) run(ctx context.Context, stdout, stderr io.Writer) error {
	temp, err := os.MkdirTemp("", "bench-infer-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if b.command == "" {
		b.command = filepath.Join(temp, "train-alexnet")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", b.command, "./tools/train-alexnet").CombinedOutput(); err != nil {
			return fmt.Errorf("build train-alexnet: %w\n%s", err, out)
		}
	}
	model := filepath.Join(temp, "alexnet.onnx")
	if b.python != "" {
		if err := exportRandom(model); err != nil {
			return err
		}
	}
	var all []*trainer
	for _, batch := range b.batches.Value() {
		all = append(all, b.contestants(batch, model)...)
	}
	for round := range b.rounds {
		for _, t := range all {
			t.turn(ctx, stderr, round)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r := inferReport{Rounds: b.rounds, Threads: b.threads, Contestants: all}
	if b.json {
		return json.NewEncoder(stdout).Encode(r)
	}
	return r.print(stdout)
}

// contestants take turns at one batch size, ours first.
func (b *inferBench) contestants(batch int, model string) (all []*trainer) {
	steps := strconv.Itoa(max(3, 60/batch))
	sizes := []string{"--batch", strconv.Itoa(batch), "--threads", strconv.Itoa(b.threads), "--steps", steps}
	for _, k := range b.kernels.Value() {
		argv := []string{b.command, "bench", "--json", "--inference", "--devices", "cpu", "--kernels", k}
		all = append(all, &trainer{Name: "ours, " + k, Batch: batch, argv: append(argv, sizes...)})
	}
	if b.python == "" {
		return all
	}
	for _, engine := range b.peers.Value() {
		argv := []string{b.python, filepath.Join("tools", "bench", "peers", "infer.py"), engine, "--model", model}
		all = append(all, &trainer{Name: engine, Batch: batch, argv: append(argv, sizes...)})
	}
	return all
}

// exportRandom writes alexnet with its first weights as an ONNX file.
func exportRandom(path string) (err error) {
	net, err := engine.Preset("alexnet", 1000)
	if err != nil {
		return err
	}
	c, err := cpu.New("cpu", cpu.Options{})
	if err != nil {
		return err
	}
	m, err := engine.NewModel(net, []engine.Context{c}, engine.ModelConfig{Batch: 1, Inference: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if err := m.Initialize(engine.InitHe, 1); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return onnx.Write(f, m, make([]string, net.Classes), nil)
}

// inferReport is what --json prints.
type inferReport struct {
	Rounds      int        `json:"rounds"`
	Threads     int        `json:"threads"`
	Contestants []*trainer `json:"contestants"`
}

// print writes a Markdown table of medians with the spread of the turns.
func (r inferReport) print(w io.Writer) error {
	rate := func(t trainTurn) float64 { return t.Infer }
	fmt.Fprintf(w, "Medians of %d turns on %d threads, and their spread.\n\n", r.Rounds, r.Threads)
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintf(tw, "| \t| batch\t| inferred, images/s\t| spread\t| first of ours to it\t|\n")
	fmt.Fprintf(tw, "|---\t|---:\t|---:\t|---\t|---:\t|\n")
	var ours *trainer
	for _, t := range r.Contestants {
		if ours == nil || ours.Batch != t.Batch {
			ours = t
		}
		if t.Error != "" || len(t.Turns) == 0 {
			fmt.Fprintf(tw, "| %s\t| %d\t| didn't run: %s\t|\t|\t|\n", t.Name, t.Batch, t.Error)
			continue
		}
		low, high := t.Turns[0].Infer, t.Turns[0].Infer
		for _, turn := range t.Turns {
			low, high = min(low, turn.Infer), max(high, turn.Infer)
		}
		fmt.Fprintf(tw, "| %s\t| %d\t| %.1f\t| %.1f–%.1f\t| %.2f\t|\n", t.Name, t.Batch, t.median(rate), low, high, ours.median(rate)/t.median(rate))
	}
	return tw.Flush()
}
