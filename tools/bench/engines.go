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
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/onnx"
	"alexnet/tools/internal/command"
)

const enginesDescription = `Runs and trains alexnet on random pictures in memory, in float32 and bfloat16, with "train-alexnet bench" and with
PyTorch, ONNX Runtime and OpenVINO on the same number of threads. The last two read our ONNX export and
don't train. Each turn is a process of its own that warms up and takes the median of its steps. Images for a
second of processor time are what a machine that others share disturbs least; a peer that spins while it
waits has its spinning counted.`

// enginesBench are the flags of "bench engines".
type enginesBench struct {
	python, command        string
	rounds, threads, train int
	batches                cli.IntSlice
	precisions             cli.StringSlice
	kernels                cli.StringSlice
	peers                  cli.StringSlice
	json                   bool
}

func enginesCommand(stdout, stderr io.Writer) *cli.Command {
	b := new(enginesBench)
	return &cli.Command{
		Name:        "engines",
		Usage:       "inference and training on the CPU: our sets of kernels, PyTorch, ONNX Runtime and OpenVINO",
		Description: enginesDescription,
		UsageText:   "bench engines --python venv/bin/python",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "python", Usage: "a Python with torch, onnxruntime and openvino; without it, ours only", Destination: &b.python},
			&cli.StringFlag{Name: "command", Usage: "the train-alexnet to run; otherwise built from this module", Destination: &b.command},
			&cli.IntFlag{Name: "threads", Usage: "of everybody; 0 is one per core", Destination: &b.threads},
			&cli.IntSliceFlag{Name: "batches", Usage: "pictures at a time in inference", Value: cli.NewIntSlice(1, 8, 128), Destination: &b.batches},
			&cli.IntFlag{Name: "train", Usage: "pictures in a step of training; 0 leaves it out", Value: 128, Destination: &b.train},
			&cli.StringSliceFlag{Name: "precisions", Usage: "fp32 and bf16", Value: cli.NewStringSlice(cpu.Precisions...), Destination: &b.precisions},
			&cli.StringSliceFlag{Name: "kernels", Usage: "our sets of kernels; by itself all in assembly that this machine can run", Destination: &b.kernels},
			&cli.StringSliceFlag{Name: "peers", Usage: "engines of peers/infer.py", Value: cli.NewStringSlice("torch", "onnxruntime", "openvino"), Destination: &b.peers},
			&cli.IntFlag{Name: "rounds", Usage: "rounds, of which medians are taken", Value: 3, Destination: &b.rounds},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object on standard output", Destination: &b.json},
		},
		Action: func(c *cli.Context) error {
			if b.rounds < 1 || len(b.batches.Value()) == 0 && b.train < 1 {
				return command.Usagef("engines needs at least one round and batch size (see bench engines --help)")
			}
			for _, p := range b.precisions.Value() {
				if !slices.Contains(cpu.Precisions, p) {
					return command.Usagef("--precisions %s: want fp32 or bf16", p)
				}
			}
			if b.threads == 0 {
				b.threads = runtime.NumCPU()
			}
			return b.run(c.Context, stdout, stderr)
		},
	}
}

func (b *enginesBench) run(ctx context.Context, stdout, stderr io.Writer) error {
	temp, err := os.MkdirTemp("", "bench-engines-*")
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
	for _, precision := range b.precisions.Value() {
		for _, batch := range b.batches.Value() {
			all = append(all, b.contestants(precision, batch, false, model)...)
		}
		if b.train > 0 {
			all = append(all, b.contestants(precision, b.train, true, model)...)
		}
	}
	for round := range b.rounds {
		for _, i := range turnOrder(len(all), round, b.rounds) {
			all[i].turn(ctx, stderr, round)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r := enginesReport{Rounds: b.rounds, Threads: b.threads, Contestants: all}
	if b.json {
		return json.NewEncoder(stdout).Encode(r)
	}
	return r.print(stdout)
}

// contestants returns the programs that take turns at one batch size in one
// precision, ours first. batch is the training batch if train is set.
func (b *enginesBench) contestants(precision string, batch int, train bool, model string) (all []*trainer) {
	steps := max(3, 60/batch)
	if train {
		steps = 4
	}
	sizes := []string{"--batch", strconv.Itoa(batch), "--threads", strconv.Itoa(b.threads), "--steps", strconv.Itoa(steps), "--precision", precision}
	add := func(name string, argv ...string) {
		all = append(all, &trainer{Name: name, Batch: batch, Precision: precision, Trains: train, argv: append(argv, sizes...)})
	}
	sets := b.kernels.Value()
	if len(sets) == 0 {
		for _, s := range slices.Backward(cpu.Kernels(precision)) {
			if s.Usable && s.Name != "portable" {
				sets = append(sets, s.Name)
			}
		}
	}
	how := "--inference"
	if train {
		how = "--no-layers"
	}
	for _, k := range sets {
		add("ours, "+k, b.command, "bench", "--json", how, "--devices", "cpu", "--kernels", k)
	}
	if b.python == "" {
		return all
	}
	for _, engine := range b.peers.Value() {
		switch {
		case train && engine == "torch":
			add("PyTorch", b.python, filepath.Join("tools", "bench", "peers", "train_torch.py"), "--channels-last", "--compile")
		case !train && !(engine == "onnxruntime" && precision == "bf16"):
			add(map[string]string{"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}[engine],
				b.python, filepath.Join("tools", "bench", "peers", "infer.py"), engine, "--model", model)
		}
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
	return onnx.Write(f, m, engine.Labels{IDs: make([]string, net.Classes)})
}

// enginesReport is the output of --json.
type enginesReport struct {
	Rounds      int        `json:"rounds"`
	Threads     int        `json:"threads"`
	Contestants []*trainer `json:"contestants"`
}

// print writes a Markdown table of medians with the spread of the turns. Each group
// of contestants is compared with the first of our programs in it.
func (r enginesReport) print(w io.Writer) error {
	fmt.Fprintf(w, "Medians of %d turns on %d threads.\n\n", r.Rounds, r.Threads)
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintf(tw, "| \t| precision\t| batch\t| images/s\t| spread\t| images/cpu-s\t| first of ours to it\t| by cpu-s\t|\n")
	fmt.Fprintf(tw, "|---\t|---\t|---\t|---:\t|---\t|---:\t|---:\t|---:\t|\n")
	var ours *trainer
	for _, t := range r.Contestants {
		if ours == nil || ours.Batch != t.Batch || ours.Trains != t.Trains || ours.Precision != t.Precision {
			ours = t
		}
		batch := fmt.Sprint(t.Batch)
		rate, ofCPU := func(t trainTurn) float64 { return t.Infer }, func(t trainTurn) float64 { return t.InferCPU }
		if t.Trains {
			batch += ", trained"
			rate, ofCPU = func(t trainTurn) float64 { return t.Train }, func(t trainTurn) float64 { return t.TrainCPU }
		}
		if t.Error != "" || len(t.Turns) == 0 {
			fmt.Fprintf(tw, "| %s\t| %s\t| %s\t| didn't run: %s\t|\t|\t|\t|\t|\n", t.Name, t.Precision, batch, t.Error)
			continue
		}
		low, high := rate(t.Turns[0]), rate(t.Turns[0])
		for _, turn := range t.Turns {
			low, high = min(low, rate(turn)), max(high, rate(turn))
		}
		times := func(of func(trainTurn) float64) string {
			if t.median(of) == 0 || ours.median(of) == 0 {
				return "–"
			}
			return fmt.Sprintf("%.2f", ours.median(of)/t.median(of))
		}
		fmt.Fprintf(tw, "| %s\t| %s\t| %s\t| %.1f\t| %.1f–%.1f\t| %.1f\t| %s\t| %s\t|\n",
			t.Name, t.Precision, batch, t.median(rate), low, high, t.median(ofCPU), times(rate), times(ofCPU))
	}
	return tw.Flush()
}
