package main

import (
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"alexnet/augment"
	"alexnet/engine/devices"
	"alexnet/engine/train"
	"alexnet/engine/train/bench"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/data"
	"alexnet/tools/internal/ranks"
)

// benchCommand measures training, inference and each layer on random pictures.
func benchCommand(stdout io.Writer) *cli.Command {
	var (
		f             bench.Config
		augmentations augment.Settings
		join          ranks.Options
	)
	return &cli.Command{
		Name:     "bench",
		Category: inMachine,
		Usage:    "measure training, inference, every layer and, with --data, the loader",
		UsageText: `train-alexnet bench
   train-alexnet bench --devices cpu,cpu --batch 64 --json
   train-alexnet bench --data shards/train
   mpirun -n 2 train-alexnet bench --parallel hybrid`,
		Description: `Trains and runs the net on random pictures that are already in memory, and prints the median rate of
the steps. Then it times the ops of a step one by one and sums them by layer. It compares the rates of products
with the peak that the same cores reach on registers alone, measured in the same run. With --data it
also times the loader by itself on a folder of shards, with crops, flips and the given augmentations, and training
from the loader, in turns with training from memory. On a CPU it also measures the bandwidth of
memory and adds the roofline: the time of an op is the longer of two times, its products (counted by
definition) at the peak, and its bytes at the bandwidth, with nothing fused. The table says which of the two
limits each layer. On other devices the roofline needs --peak and --bandwidth from the data sheet. For a
Vulkan device it lists the workgroups of every op, the memory that they share, instructions and bytes, by
design.

Under mpirun or srun all ranks train together: --batch is the batch of all ranks, and the table of layers is left
out. On CPUs it then also measures the same step without its exchanges, and the exchanges without computation.
From these it reports the part of the exchanges that computation hides.`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "net", Value: "alexnet", Usage: "`NET` to measure: a preset or a JSON net file", Destination: &f.Net},
			&cli.IntFlag{Name: "classes", Value: 1000, Usage: "`N` classes, for presets", Destination: &f.Classes},
			&cli.StringFlag{Name: "devices", Value: devices.Auto, Usage: devicesUsage, Destination: &f.Devices},
			&cli.StringFlag{Name: "precision", Value: devices.Precisions[0], Usage: precisionUsage, Destination: &f.Options.Precision},
			&cli.BoolFlag{Name: "deterministic", Usage: "steps that repeat bit for bit on a GPU too", Destination: &f.Options.Deterministic},
			&cli.IntFlag{Name: "threads", Usage: "`N` CPU threads, divided among the CPU contexts; 0 is one per core", Destination: &f.Options.Threads},
			&cli.StringFlag{Name: "kernels", Value: devices.Auto, Usage: kernelsUsage, Destination: &f.Options.Kernels},
			&cli.IntFlag{Name: "batch", Value: 128, Usage: "`N` pictures in a step", Destination: &f.Batch},
			&cli.IntFlag{Name: "steps", Value: 5, Usage: "`N` steps to take the median of, after one that warms up", Destination: &f.Steps},
			&cli.BoolFlag{Name: "inference", Usage: "measure inference alone, in the memory that it takes, as predict and serve have it", Destination: &f.Inference},
			&cli.BoolFlag{Name: "no-layers", Usage: "leave out the table of layers", Destination: &f.SkipLayers},
			&cli.StringFlag{Name: "data", Usage: "`DIR` of shards to time the loader on, or their address", Destination: &f.Data},
			&cli.IntFlag{Name: "workers", Usage: "`N` goroutines of the loader; 0 is one per core", Destination: &f.Workers},
			&cli.Float64Flag{Name: "peak", Usage: "`TFLOPS` that the devices reach in products, for the roofline", Destination: &f.Peak},
			&cli.Float64Flag{Name: "bandwidth", Usage: "`GB` a second that the devices move to and from their memory, for the roofline", Destination: &f.Bandwidth},
			&cli.StringFlag{Name: "parallel", Value: train.ParallelData, Usage: parallelUsage, Destination: &f.Parallel},
			&cli.StringFlag{Name: "wire", Value: train.WireFloat32, Usage: wireUsage, Destination: &f.Options.Wire},
			ranks.TimeoutFlag(&join),
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object"},
		}, command.AugmentFlags(&augmentations, ""), data.Flags(&f.Access, "")),
		Action: command.Interruptible(func(c *cli.Context) error {
			err := f.Validate()
			if err != nil {
				return err
			}
			if f.Recipe, err = command.Augmentations(&augmentations); err != nil {
				return err
			}
			if join.Wire, err = train.ParseWire(f.Options.Wire); err != nil {
				return err
			}
			f.Options.RankTimeout = join.Timeout
			join.Terms = ranks.Terms(c, ranks.Kinds{Data: []string{"data"}})
			group, err := ranks.Join(join)
			if err != nil {
				return err
			}
			stdout, stderr := ranks.Streams(group, stdout, c.App.ErrWriter)
			f.Group, f.Open = group, openDevices
			f.Note = func(sentence string) {
				if command.Once("no-gpu") {
					command.NewLine(stderr).Print("%s", sentence)
				}
			}
			r, err := bench.Run(c.Context, f)
			if err == nil {
				err = command.Print(c, stdout, r, r.Print)
			}
			return ranks.Close(group, err)
		}),
	}
}
