package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/urfave/cli/v2"

	"alexnet/engine/infer/importer"
	"alexnet/engine/train"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
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
		Description: "Reads these files; nothing in them runs. The first bytes of a file decide its kind.\n" +
			"  PyTorch   a state dict of torch.save or safetensors.torch.save_file: torchvision's AlexNet, or the modules that\n" +
			"            docs/using.md prints. Names may begin with module. or _orig_mod., as DataParallel and torch.compile save\n" +
			"            them, and numbers be of 16, 32 or 64 bits. A file of train-alexnet export also knows its net and classes.\n" +
			"  Caffe     a .caffemodel, such as BVLC's AlexNet and CaffeNet. Such nets read blue, green, red minus a mean picture:\n" +
			"            import changes the order of the colours, and --mean gives the picture.\n" +
			"  ONNX      a model that is a chain of layers, such as bvlcalexnet of ONNX's model zoo.\n" +
			"eval, predict, features, serve, export and --from take the checkpoint. docs/using.md says where to find such files.",
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "weights", Aliases: []string{"safetensors"}, Usage: "`FILE` of weights"},
			&cli.PathFlag{Name: "checkpoint", Usage: "write the checkpoint to `FILE`, which must not exist"},
			&cli.StringFlag{Name: "net", Usage: "`NAME` of a preset, or a JSON net file; needed if the file doesn't name one"},
			&cli.PathFlag{Name: "data", Usage: "`DIR` of shards with the classes of the net's outputs"},
			&cli.PathFlag{Name: "classes", Usage: "`FILE` with one class id a line, in the order of the outputs"},
			&cli.PathFlag{Name: "mean", Usage: "mean picture of Caffe, a `FILE`.binaryproto"},
			&cli.StringFlag{Name: "normalise", Usage: "the input that the net was trained on, if the file has no mean: `FORM` imagenet or half for colours from 0 to 1, minus a mean and divided by a deviation, as torchvision's Normalize does; R,G,B for colours from 0 to 255 minus that mean; none for colours from 0 to 255"},
		},
		Action: command.Interruptible(func(c *cli.Context) error { return importWeights(c, stderr) }),
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
	if name := c.String("net"); name != "" {
		net, err := train.NamedNet(name, f.Units)
		if err != nil {
			return err
		}
		f.SetNet(net)
	}
	about := importer.Settings{Data: c.Path("data"), Classes: c.Path("classes"), Normalise: c.String("normalise"), Mean: c.Path("mean")}
	err = f.Convert(c.Context, out, about, func(t setting.Text) { fmt.Fprintln(stderr, t.In(setting.Flags{})) })
	if err != nil {
		return err
	}
	printable.Fprintf(stderr, "wrote %s: %s, net %s, %s\n", out, f.Format, f.Net.Name, printable.Count(f.Net.Classes, "class"))
	return nil
}
