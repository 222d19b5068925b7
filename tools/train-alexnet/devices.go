package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/enginetest"
	"alexnet/internal/printable"
	"alexnet/tools/internal/command"
)

const devicesUsage = "`LIST` of device contexts for the towers: auto is the first GPU or else the CPU, cpu holds both towers, cpu,cpu one each, cuda:0 a GPU of NVIDIA's, cuda:0,cuda:1 two, vulkan:0 a GPU of any make, cpu,vulkan:0 one each (see train-alexnet devices)"

const precisionUsage = "`TYPE` of the arithmetic: fp32 everywhere; bf16 on CPUs with AVX512_BF16 or AMX and on GPUs, tf32 on NVIDIA's, with weights and sums in fp32"

// openDevices opens the contexts of --devices.
func openDevices(list string, o devices.Options) ([]engine.Context, error) {
	contexts, err := devices.Open(list, noting(o))
	if err != nil {
		return nil, deviceError(err)
	}
	return contexts, nil
}

// noting has what devices do without told on standard error.
func noting(o devices.Options) devices.Options {
	if o.Note == nil {
		o.Note = func(line string) { printable.Fprintf(os.Stderr, "%s\n", line) }
	}
	return o
}

// noted prints on line what the user should know.
func noted(line *command.Line) func(text string) {
	return func(text string) { line.Print("note: %s", text) }
}

// deviceError names the flag to which an error of devices.Open goes back.
func deviceError(err error) error {
	if errors.Is(err, devices.ErrPrecision) || errors.Is(err, devices.ErrKernels) {
		return command.Usagef("--%w", err)
	}
	return command.Usagef("--devices: %w", err)
}

// resolveDevices makes a list for openDevices of what the user wrote. It says
// once in the life of the process that there is no GPU.
func resolveDevices(list string, say func(format string, values ...any)) string {
	list, why := devices.Resolve(list)
	if why != "" {
		noGPU.Do(func() { say("%s", why) })
	}
	return list
}

// deviceFlags are those of commands that use trained nets.
func deviceFlags(category string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "devices", Category: category, Value: devices.Auto, Usage: devicesUsage},
		&cli.StringFlag{Name: "precision", Category: category, Value: devices.Precisions[0], Usage: precisionUsage},
		&cli.IntFlag{Name: "threads", Category: category, Usage: "`N` CPU threads; 0 is one a core"},
		&cli.StringFlag{Name: "kernels", Category: category, Value: devices.Auto, Usage: kernelsUsage},
	}
}

// chosenDevices is what deviceFlags say, for openDevices.
func chosenDevices(c *cli.Context) (string, devices.Options) {
	list := resolveDevices(c.String("devices"), func(format string, values ...any) {
		printable.Fprintf(c.App.ErrWriter, format+"\n", values...)
	})
	return list, noting(devices.Options{Threads: c.Int("threads"), Precision: c.String("precision"), Kernels: c.String("kernels")})
}

var noGPU sync.Once

const devicesDescription = `Each name holds one context of a --devices list. The towers of the net are spread over the list: cpu puts
both on one context, cpu,cpu one on each, running at the same time; cuda:0 is a GPU, cuda:0,cuda:1 two, and
cuda:0,cuda:0 two contexts on one. GPUs need NVIDIA's driver, cuBLAS 12 or 13 and cuDNN 9, which are looked
for in $ALEXNET_CUDA_LIBS, where the linker looks, in Python environments and in /usr/local/cuda*. What is
missing is named, with lines that install it. vulkan:0 is the first device that Vulkan lists, of AMD, Intel, Apple
or NVIDIA; one that computes on the processor is taken only where it is named.

With --check every device runs the conformance suite of the engine: each operation against a reference in
float64, each promise about order, memory and failures. One line a case; exit code 1 if any fails.

The CPU computes with one of several sets of kernels, portable Go or assembly for a kind of processor. The
fastest that the machine can run is chosen by itself; --kernels NAME takes another one, in all commands.`

// devicesCommand lists what --devices takes, and examines it.
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
		Action: func(c *cli.Context) error {
			if !c.Bool("check") && (c.IsSet("only") || c.IsSet("precision") || c.IsSet("kernels")) {
				return command.Usagef("--only, --precision and --kernels say what to --check")
			}
			found := devices.List()
			if !c.Bool("check") {
				return printDevices(stdout, found)
			}
			return checkDevices(stdout, found, c.String("only"), c.String("precision"), c.String("kernels"))
		},
	}
}

// printDevices lists devices, libraries, and what is missing.
func printDevices(stdout io.Writer, found devices.Inventory) error {
	for _, d := range found.Devices {
		printable.Fprintf(stdout, "%s\t%s, %s\n", d.Name, d.About, strings.Join(d.Precisions, " "))
		for _, k := range d.Kernels {
			note := ""
			switch {
			case k.Chosen:
				note = ", chosen by itself"
			case !k.Usable:
				note = ", not on this machine"
			}
			fmt.Fprintf(stdout, "\tkernels %s in %s: need %s%s\n", k.Name, k.Precision, k.Needs, note)
		}
	}
	if len(found.Libraries) > 0 {
		fmt.Fprintln(stdout, "\nlibraries")
		w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
		for _, l := range found.Libraries {
			printable.Fprintf(w, "  %s\t%s\t%s\n", l.Name, l.Version, l.Path)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	for _, n := range found.Notes {
		printable.Fprintf(stdout, "\nnote: %s\n", n)
	}
	for _, m := range found.Missing {
		fmt.Fprintf(stdout, "\nmissing for GPUs: %s\n  %s\n", m.Name, printable.Error(errors.New(m.Why)))
		for i, line := range m.Install {
			word := "install with"
			if i > 0 {
				word = "or with     "
			}
			printable.Fprintf(stdout, "  %s %s\n", word, line)
		}
	}
	return nil
}

// tolerances of the suite, by precision.
var tolerances = map[string]enginetest.Tolerance{"fp32": enginetest.FP32, "tf32": enginetest.TF32, "bf16": enginetest.BF16}

// checkDevices runs the suite on devices and prints a verdict a line. only and
// precision, where given, choose among them; kernels is the set of the CPU.
func checkDevices(stdout io.Writer, found devices.Inventory, only, precision, kernels string) error {
	failed, passed := 0, 0
	for _, d := range found.Devices {
		if only != "" && d.Name != only {
			continue
		}
		for _, p := range d.Precisions {
			if precision != "" && p != precision {
				continue
			}
			o := devices.Options{Precision: p, Deterministic: true, Kernels: kernels}
			what := d.Name + " " + p
			switch chosen, err := devices.ChosenKernels(d.Name, o); {
			case err != nil:
				return command.Usagef("--%w", err)
			case chosen != "":
				what += " " + chosen
			}
			open := func() (engine.Context, error) {
				contexts, err := devices.Open(d.Name, o)
				if err != nil {
					return nil, err
				}
				return contexts[0], nil
			}
			for _, c := range enginetest.Cases() {
				worst, err := c.Check(open, tolerances[p])
				if err != nil {
					failed++
					printable.Fprintf(stdout, "FAIL\t%s\t%s\t%v\n", what, c.Name, err)
					continue
				}
				passed++
				printable.Fprintf(stdout, "ok\t%s\t%s\t%.0f %% of the tolerance\n", what, c.Name, 100*worst)
			}
		}
	}
	if failed+passed == 0 {
		return command.Usagef("--only %s --precision %s: no such device and precision here; there is %s", only, precision, strings.Join(names(found), ", "))
	}
	fmt.Fprintf(stdout, "%d cases passed, %d failed\n", passed, failed)
	if failed > 0 {
		return fmt.Errorf("%d of %d cases failed", failed, failed+passed)
	}
	return nil
}

// names are the devices' with their precisions.
func names(found devices.Inventory) []string {
	var all []string
	for _, d := range found.Devices {
		all = append(all, d.Name+" ("+strings.Join(d.Precisions, ", ")+")")
	}
	return slices.Clip(all)
}
