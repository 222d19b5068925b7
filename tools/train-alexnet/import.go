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
	"alexnet/engine/caffe"
	"alexnet/engine/devices"
	"alexnet/engine/infer/importer"
	"alexnet/engine/torch"
	"alexnet/engine/train"
	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
	"alexnet/tools/internal/command"
)

// importCommand makes a checkpoint of another framework's weights.
func importCommand(stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:     "import",
		Category: inExchange,
		Usage:    "make a checkpoint of weights from PyTorch, Caffe or an ONNX model",
		UsageText: `train-alexnet import --weights bvlc_alexnet.caffemodel --mean imagenet_mean.binaryproto --data shards/val --checkpoint caffe.safetensors
   train-alexnet import --weights alexnet-owt-7be5be79.pth --data shards/val --checkpoint owt.safetensors
   train-alexnet import --weights bvlcalexnet-12.onnx --data shards/val --checkpoint zoo.safetensors
   train-alexnet eval --checkpoint caffe.safetensors --data shards/val`,
		Description: "Reads these files; nothing in them runs. What a file is, its first bytes say.\n" +
			"  PyTorch   a state dict of torch.save or safetensors.torch.save_file: torchvision's AlexNet, or the modules that\n" +
			"            docs/using.md prints. Names may begin with module. or _orig_mod., as DataParallel and torch.compile save\n" +
			"            them, and numbers be of 16, 32 or 64 bits. A file of train-alexnet export also knows its net and classes.\n" +
			"  Caffe     a .caffemodel, such as BVLC's AlexNet and CaffeNet. They read blue, green, red less a mean picture:\n" +
			"            colours are turned, and --mean takes the picture.\n" +
			"  ONNX      a model that is a chain of layers, such as bvlcalexnet of ONNX's model zoo.\n" +
			"The checkpoint serves eval, predict, features, serve, export and --from. docs/using.md tells where the files are.",
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "weights", Aliases: []string{"safetensors"}, Usage: "`FILE` of weights"},
			&cli.PathFlag{Name: "checkpoint", Usage: "write the checkpoint to `FILE`, which must not exist"},
			&cli.StringFlag{Name: "net", Usage: "`NAME` of a preset, or a JSON net file; needed where the file doesn't say"},
			&cli.PathFlag{Name: "data", Usage: "`DIR` of shards whose classes the outputs are"},
			&cli.PathFlag{Name: "classes", Usage: "`FILE` with one class id a line, in the order of the outputs"},
			&cli.PathFlag{Name: "mean", Usage: "mean picture of Caffe, a `FILE`.binaryproto"},
			&cli.StringFlag{Name: "normalise", Usage: "what the net was trained to read, of a file without a mean: `FORM` imagenet or half for colours from 0 to 1 less a mean, by a deviation, as torchvision's Normalize makes them; R,G,B for colours from 0 to 255 less that mean; none for colours from 0 to 255"},
		},
		Action: func(c *cli.Context) error { return importWeights(c, stderr) },
	}
}

func importWeights(c *cli.Context, stderr io.Writer) error {
	in, out := c.Path("weights"), c.Path("checkpoint")
	if in == "" || out == "" {
		return command.Usagef("--weights and --checkpoint are required (see train-alexnet import --help)")
	}
	if _, err := os.Lstat(out); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return command.Usagef("--checkpoint %s exists: give another name", out)
	}
	f, err := importer.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := nameNet(c.String("net"), f); err != nil {
		return err
	}
	classes, names, err := importedClasses(c, f, stderr)
	if err != nil {
		return err
	}
	mean, deviation, err := importedMean(c, f)
	if err != nil {
		return err
	}
	contexts, err := devices.Open("cpu", devices.Options{})
	if err != nil {
		return err
	}
	m, err := engine.NewModel(f.Net, contexts, engine.ModelConfig{Batch: 1, Mean: mean, Inference: true})
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	defer m.Close()
	if err := f.Restore(m, deviation); err != nil {
		return err
	}
	state := &engine.Checkpoint{Net: f.Net, Mean: mean, Classes: classes, ClassNames: names, Random: engine.RandomStreams, PictureSize: f.Picture}
	if err := engine.WriteCheckpoint(out, m, state); err != nil {
		return fmt.Errorf("--checkpoint: %w", err)
	}
	for _, note := range f.Notes {
		printable.Fprintf(stderr, "note: %s\n", note)
	}
	if mean == nil && c.String("normalise") == "" {
		fmt.Fprintln(stderr, "note: the file has no \"mean\", so it is taken that the net reads colours from 0 to 255 with nothing subtracted: --normalise says otherwise")
	}
	printable.Fprintf(stderr, "wrote %s: %s, net %s, %d classes\n", out, f.Format, f.Net.Name, f.Net.Classes)
	return nil
}

// importedMean is what is subtracted from the pixels, channels first, nil for
// nothing, and what the weights of the first layer are to be divided by for each
// colour.
func importedMean(c *cli.Context, f *importer.File) (mean []float32, deviation [3]float64, err error) {
	deviation = [3]float64{1, 1, 1}
	form, picture := c.String("normalise"), c.Path("mean")
	switch {
	case form != "" && picture != "":
		return nil, deviation, command.Usagef("--normalise and --mean both say what is subtracted: give one")
	case (form != "" || picture != "") && f.HasMean:
		return nil, deviation, command.Usagef("the file has its own \"mean\": leave --normalise and --mean out")
	case picture != "":
		text, err := file.ReadAll(picture, meanLimit)
		if err != nil {
			return nil, deviation, fmt.Errorf("--mean: %w", err)
		}
		if mean, err = caffe.ReadMean(text, f.Net.Input.Size); err != nil {
			err = fmt.Errorf("--mean %s: %w", picture, err)
		}
		return mean, deviation, err
	case f.HasMean:
		mean, err = f.Mean()
		return mean, deviation, err
	case form == train.MeanNone || form == "" && f.Reads == nil:
		return nil, deviation, nil
	}
	n := f.Reads
	if form != "" {
		parsed, err := augment.ParseNormalisation(form)
		if err != nil {
			return nil, deviation, command.Usagef("--normalise %s: want imagenet, half, R,G,B from 0 to 255, or %s", form, train.MeanNone)
		}
		n = &parsed
	} else {
		f.Notes = append(f.Notes, fmt.Sprintf("the mean %.4g, %.4g, %.4g (red, green, blue) is subtracted, as such nets were trained: --normalise or --mean says otherwise", n.Mean[0], n.Mean[1], n.Mean[2]))
	}
	return train.ChannelMean(n.Mean, f.Net.Input.Size), n.Deviation, nil
}

// meanLimit is the most bytes of a mean picture: one of 256×256 has 0.8 MB.
const meanLimit = 64 << 20

// nameNet sets the file's net where the flag names one.
func nameNet(name string, f *importer.File) error {
	if name == "" {
		if f.Net == nil {
			return command.Usagef("--net is required: the file doesn't say what net it is; give %s, or a JSON net file", strings.Join(engine.PresetNames(), ", "))
		}
		return nil
	}
	net, err := train.NamedNet(name, f.Units)
	if err == nil {
		f.Net = torch.Plain(net)
	}
	return err
}

// importedClasses are the ids of the net's outputs, and their names for people.
func importedClasses(c *cli.Context, f *importer.File, stderr io.Writer) (classes, names []string, err error) {
	classes, names = f.Classes, f.Names
	origin, n := c.Path("weights"), f.Net.Classes
	switch {
	case c.Path("data") != "" && c.Path("classes") != "":
		return nil, nil, command.Usagef("--data and --classes both name the classes: give one")
	case c.Path("data") != "":
		origin = c.Path("data")
		d, err := pipeline.OpenDataset(origin)
		if err != nil {
			return nil, nil, err
		}
		classes, names = d.ClassIDs(), pipeline.ClassNames(d.Meta().Classes)
		if err := d.Close(); err != nil {
			return nil, nil, err
		}
	case c.Path("classes") != "":
		origin = c.Path("classes")
		list, err := source.ReadClasses(origin)
		if err != nil {
			return nil, nil, fmt.Errorf("--classes: %w", err)
		}
		var told []pipeline.Class
		classes = nil
		for _, class := range list {
			classes = append(classes, class.ID)
			told = append(told, pipeline.Class{ID: class.ID, Name: class.Name})
		}
		names = pipeline.ClassNames(told)
	case classes == nil:
		fmt.Fprintf(stderr, "the classes are called 0 to %d, since the file doesn't name them: --data or --classes does\n", n-1)
		for i := range n {
			classes = append(classes, strconv.Itoa(i))
		}
	}
	if len(classes) != n {
		return nil, nil, fmt.Errorf("%s has %d classes, the net %d outputs", origin, len(classes), n)
	}
	return classes, names, nil
}
