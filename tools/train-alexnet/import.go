package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/torch"
	"alexnet/internal/file"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// importCommand makes a checkpoint of PyTorch's weights.
func importCommand(stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:     "import",
		Category: inExchange,
		Usage:    "make a checkpoint of weights trained in PyTorch",
		UsageText: `train-alexnet import --safetensors alexnet-torch.safetensors --net alexnet --data shards/val --checkpoint alexnet.safetensors
   train-alexnet eval --checkpoint alexnet.safetensors --data shards/val`,
		Description: "Takes a state dict of the modules that docs/using.md prints, saved with safetensors.torch.save_file. A file made\n" +
			"by train-alexnet export also knows its net and its classes. torchvision's AlexNet is another net and is refused.\n" +
			"The checkpoint serves eval, predict, features, serve and export.",
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "safetensors", Usage: "state dict `FILE`"},
			&cli.PathFlag{Name: "checkpoint", Usage: "write the checkpoint to `FILE`, which must not exist"},
			&cli.StringFlag{Name: "net", Usage: "`NAME` of a preset, or a JSON net file; needed where the file doesn't say"},
			&cli.PathFlag{Name: "data", Usage: "`DIR` of shards whose classes the outputs are"},
			&cli.PathFlag{Name: "classes", Usage: "`FILE` with one class id a line, in the order of the outputs"},
		},
		Action: func(c *cli.Context) error { return importWeights(c, stderr) },
	}
}

func importWeights(c *cli.Context, stderr io.Writer) error {
	in, out := c.Path("safetensors"), c.Path("checkpoint")
	if in == "" || out == "" {
		return command.Usagef("--safetensors and --checkpoint are required (see train-alexnet import --help)")
	}
	if _, err := os.Lstat(out); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return command.Usagef("--checkpoint %s exists: give another name", out)
	}
	f, err := torch.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	net, err := importedNet(c.String("net"), f)
	if err != nil {
		return err
	}
	classes, err := importedClasses(c, f, net.Classes, stderr)
	if err != nil {
		return err
	}
	contexts, err := devices.Open("cpu", devices.Options{})
	if err != nil {
		return err
	}
	m, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: 1, Mean: f.Mean, Inference: true})
	if err != nil {
		for _, c := range contexts {
			c.Close()
		}
		return fmt.Errorf("%s: %w", in, err)
	}
	defer m.Close()
	if err := f.Restore(m); err != nil {
		return err
	}
	state := &engine.Checkpoint{Net: net, Mean: f.Mean, Classes: classes, Random: engine.RandomStreams}
	if err := engine.WriteCheckpoint(out, m, state); err != nil {
		return fmt.Errorf("--checkpoint: %w", err)
	}
	fmt.Fprintf(stderr, "wrote %s: net %s, %d classes\n", out, net.Name, net.Classes)
	return nil
}

// importedNet is the net of the flag, or else the file's own.
func importedNet(name string, f *torch.File) (*engine.Net, error) {
	if name == "" {
		if f.Net == nil {
			return nil, command.Usagef("--net is required: the file doesn't say what net it is; give %s, or a JSON net file", strings.Join(engine.PresetNames(), ", "))
		}
		return f.Net, nil
	}
	net, err := (&settings{Net: name}).namedNet(f.Units)
	if err != nil {
		return nil, err
	}
	return torch.Plain(net), nil
}

// importedClasses are the ids of the net's outputs.
func importedClasses(c *cli.Context, f *torch.File, n int, stderr io.Writer) ([]string, error) {
	classes, origin := f.Classes, c.Path("safetensors")
	switch {
	case c.Path("data") != "" && c.Path("classes") != "":
		return nil, command.Usagef("--data and --classes both name the classes: give one")
	case c.Path("data") != "":
		origin = c.Path("data")
		d, err := pipeline.OpenDataset(origin)
		if err != nil {
			return nil, err
		}
		classes = classIDs(d)
		if err := d.Close(); err != nil {
			return nil, err
		}
	case c.Path("classes") != "":
		origin = c.Path("classes")
		list, err := file.Open(origin)
		if err != nil {
			return nil, fmt.Errorf("--classes: %w", err)
		}
		defer list.Close()
		classes = nil
		lines := bufio.NewScanner(list)
		for lines.Scan() {
			if id, _, _ := strings.Cut(strings.TrimSpace(lines.Text()), " "); id != "" {
				classes = append(classes, id)
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("--classes %s: %w", origin, err)
		}
	case classes == nil:
		fmt.Fprintf(stderr, "the classes are called 0 to %d, since the file doesn't name them: --data or --classes does\n", n-1)
		for i := range n {
			classes = append(classes, strconv.Itoa(i))
		}
	}
	if len(classes) != n {
		return nil, fmt.Errorf("%s has %d classes, the net %d outputs", origin, len(classes), n)
	}
	return classes, nil
}
