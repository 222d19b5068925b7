package main

import (
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/devices/check"
	"alexnet/internal/printable"
	"alexnet/tools/internal/command"
)

const devicesUsage = "`LIST` of device contexts for the towers: auto is the first GPU, or the CPU if there is none; cpu holds both towers, cpu,cpu one tower on each context; cuda:0 is an NVIDIA GPU, cuda:0,cuda:1 are two, vulkan:0 is a GPU of any make, cpu,vulkan:0 holds one tower on each (see train-alexnet devices)"

const precisionUsage = "`TYPE` of the arithmetic: fp32 everywhere; bf16 on CPUs with AVX512_BF16 or AMX and on GPUs, tf32 on NVIDIA GPUs; weights and sums are always fp32"

// openDevices opens the contexts of --devices.
func openDevices(list string, o devices.Options) ([]engine.Context, error) {
	contexts, err := devices.Open(list, noting(o))
	return contexts, devices.SettingError(err)
}

// noting prints on standard error which fast paths devices do without.
func noting(o devices.Options) devices.Options {
	if o.Note == nil {
		o.Note = func(line string) { printable.Fprintf(os.Stderr, "%s\n", line) }
	}
	return o
}

// noted prints notes for the user on line.
func noted(line *command.Line) func(text string) {
	return func(text string) { line.Print("note: %s", text) }
}

// deviceFlags returns the flags of commands that use trained nets.
func deviceFlags(category string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "devices", Category: category, Value: devices.Auto, Usage: devicesUsage},
		&cli.StringFlag{Name: "precision", Category: category, Value: devices.Precisions[0], Usage: precisionUsage},
		&cli.IntFlag{Name: "threads", Category: category, Usage: "`N` CPU threads; 0 is one per core"},
		&cli.StringFlag{Name: "kernels", Category: category, Value: devices.Auto, Usage: kernelsUsage},
	}
}

// chosenDevices returns the values of deviceFlags, for openDevices. Its options print
// nothing about the chosen device.
func chosenDevices(c *cli.Context) (string, devices.Options) {
	list, _ := devices.Resolve(c.String("devices"))
	return list, noting(devices.Options{Threads: c.Int("threads"), Precision: c.String("precision"), Kernels: c.String("kernels")})
}

const devicesDescription = `Each name holds one context of a --devices list. The towers of the net are spread over the list: cpu puts
both on one context, cpu,cpu one on each, running at the same time; cuda:0 is a GPU, cuda:0,cuda:1 two, and
cuda:0,cuda:0 two contexts on one. GPUs need NVIDIA's driver, cuBLAS 12 or 13 and cuDNN 9, which are looked
for in $ALEXNET_CUDA_LIBS, where the linker looks, in Python environments and in /usr/local/cuda*. Missing
libraries are named, with lines that install them. vulkan:0 is the first device that Vulkan lists, of AMD, Intel, Apple
or NVIDIA; a Vulkan device in software is used only if you name it.

With --check every device runs the conformance suite of the engine: each operation against a reference in
float64, each promise about order, memory and failures. One line a case; exit code 1 if any fails.

The CPU computes with one of several sets of kernels, portable Go or assembly for a kind of processor. The
fastest that the machine can run is the default; --kernels NAME takes another one, in all commands.`

// devicesCommand lists the values of --devices, and tests devices.
func devicesCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:        "devices",
		Category:    inMachine,
		Usage:       "list the device contexts that --devices takes here, and check them",
		Description: devicesDescription,
		UsageText: `train-alexnet devices
   train-alexnet devices --check
   train-alexnet devices --check --only cuda:0 --precision bf16`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "check", Usage: "run the conformance suite on every device"},
			&cli.StringFlag{Name: "only", Usage: "`NAME` of the one device to check"},
			&cli.StringFlag{Name: "precision", Usage: "`TYPE` of the one arithmetic to check in: " + strings.Join(devices.Precisions, ", ")},
			&cli.StringFlag{Name: "kernels", Value: devices.Auto, Usage: "`NAME` of the set of kernels to check on the CPU"},
		},
		Action: command.Interruptible(func(c *cli.Context) error {
			if !c.Bool("check") && (c.IsSet("only") || c.IsSet("precision") || c.IsSet("kernels")) {
				return command.Usagef("--only, --precision and --kernels say what to --check")
			}
			if found := devices.List(); !c.Bool("check") {
				return found.Print(stdout)
			}
			return check.Run(stdout, c.String("only"), c.String("precision"), c.String("kernels"))
		}),
	}
}
