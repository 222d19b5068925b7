package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/torch"
	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
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
			"Names may begin with module. or _orig_mod., as DataParallel and torch.compile save them, and numbers be of 16, 32\n" +
			"or 64 bits. Without a tensor \"mean\" nothing is subtracted from the pixels, unless --normalise says what the net was\n" +
			"trained to read. The checkpoint serves eval, predict, features, serve and export.",
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "safetensors", Usage: "state dict `FILE`"},
			&cli.PathFlag{Name: "checkpoint", Usage: "write the checkpoint to `FILE`, which must not exist"},
			&cli.StringFlag{Name: "net", Usage: "`NAME` of a preset, or a JSON net file; needed where the file doesn't say"},
			&cli.PathFlag{Name: "data", Usage: "`DIR` of shards whose classes the outputs are"},
			&cli.PathFlag{Name: "classes", Usage: "`FILE` with one class id a line, in the order of the outputs"},
			&cli.StringFlag{Name: "normalise", Usage: "what the net was trained to read, of a file without \"mean\": `FORM` imagenet or half for colours from 0 to 1 less a mean, by a deviation, as torchvision's Normalize makes them; R,G,B for colours from 0 to 255 less that mean; none for colours from 0 to 255"},
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
	mean, fold, err := importedMean(c.String("normalise"), f, net)
	if err != nil {
		return err
	}
	contexts, err := devices.Open("cpu", devices.Options{})
	if err != nil {
		return err
	}
	m, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: 1, Mean: mean, Inference: true})
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
	if err := divideFirst(m, fold); err != nil {
		return err
	}
	state := &engine.Checkpoint{Net: net, Mean: mean, Classes: classes, Random: engine.RandomStreams}
	if err := engine.WriteCheckpoint(out, m, state); err != nil {
		return fmt.Errorf("--checkpoint: %w", err)
	}
	for _, note := range f.Notes {
		printable.Fprintf(stderr, "note: %s\n", note)
	}
	if f.Mean == nil && c.String("normalise") == "" {
		fmt.Fprintln(stderr, "note: the file has no \"mean\", so it is taken that the net reads colours from 0 to 255 with nothing subtracted: --normalise says otherwise")
	}
	printable.Fprintf(stderr, "wrote %s: net %s, %d classes\n", out, net.Name, net.Classes)
	return nil
}

// importedMean is what is subtracted from the pixels, channels first, nil for
// nothing, and what the weights of the first layer are to be divided by for each
// colour.
func importedMean(form string, f *torch.File, net *engine.Net) (mean []float32, fold [3]float64, err error) {
	fold = [3]float64{1, 1, 1}
	switch {
	case form != "" && f.Mean != nil:
		return nil, fold, command.Usagef("--normalise %s: the file has its own \"mean\": leave --normalise out", form)
	case f.Mean != nil:
		mean, err = f.MeanOf(net)
		return mean, fold, err
	case form == "" || form == meanNone:
		return nil, fold, nil
	}
	n, err := augment.ParseNormalisation(form)
	if err != nil {
		return nil, fold, command.Usagef("--normalise %s: want imagenet, half, R,G,B from 0 to 255, or %s", form, meanNone)
	}
	return channelMean(n.Mean, net.Input.Size), n.Deviation, nil
}

// divideFirst divides the weights of the first layer by a number for each colour
// that they see, so that colours needn't be.
func divideFirst(m *engine.Model, by [3]float64) error {
	if by == [3]float64{1, 1, 1} {
		return nil
	}
	first := m.Parameters()[0] // (outputs, 3, height, width)
	values, err := m.Read(engine.Weight, first.Name)
	if err != nil {
		return err
	}
	plane := len(values) / first.Dims[0] / len(by)
	for i := range values {
		values[i] = float32(float64(values[i]) / by[i/plane%len(by)])
	}
	return m.Write(engine.Weight, first.Name, values)
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
		classes = d.ClassIDs()
		if err := d.Close(); err != nil {
			return nil, err
		}
	case c.Path("classes") != "":
		origin = c.Path("classes")
		list, err := source.ReadClasses(origin)
		if err != nil {
			return nil, fmt.Errorf("--classes: %w", err)
		}
		classes = nil
		for _, class := range list {
			classes = append(classes, class.ID)
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
