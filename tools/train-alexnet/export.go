package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/onnx"
	"alexnet/engine/torch"
	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/tools/internal/command"
)

// exportCommand writes a trained net for other programs.
func exportCommand(stderr io.Writer) *cli.Command {
	return &cli.Command{
		Name:     "export",
		Category: inExchange,
		Usage:    "write a trained net for ONNX Runtime or PyTorch",
		UsageText: `train-alexnet export --checkpoint runs/first/checkpoints/best.safetensors --onnx alexnet.onnx
   train-alexnet export --checkpoint FILE --safetensors alexnet-torch.safetensors`,
		Description: "The ONNX model takes uint8 pixels (N, H, W, 3), RGB, and gives probabilities (N, classes): the mean is\n" +
			"subtracted inside. The safetensors file is a state dict for plain PyTorch modules, which docs/using.md prints;\n" +
			"train-alexnet import takes it back. The classes are in the metadata of both.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "checkpoint", Usage: "checkpoint `FILE`, one"},
			&cli.PathFlag{Name: "onnx", Usage: "write an ONNX model to `FILE`"},
			&cli.PathFlag{Name: "safetensors", Usage: "write a PyTorch state dict to `FILE`"},
		},
		Action: func(c *cli.Context) error { return export(c, stderr) },
	}
}

// oneCheckpoint is the checkpoint of a command that works with one net; others of
// its kin take several as an ensemble.
func oneCheckpoint(c *cli.Context) (string, error) {
	switch paths := c.StringSlice("checkpoint"); len(paths) {
	case 0:
		return "", command.Usagef("--checkpoint is required (see train-alexnet %s --help)", c.Command.Name)
	case 1:
		return paths[0], nil
	default:
		return "", command.Usagef("%s works with one net, and --checkpoint was given %d times: call it for each; eval, predict and serve take an ensemble", c.Command.Name, len(paths))
	}
}

func export(c *cli.Context, stderr io.Writer) error {
	path, err := oneCheckpoint(c)
	if err != nil {
		return err
	}
	forms := []struct {
		flag  string
		form  command.Form
		write func(w io.Writer, m *engine.Model, classes, names []string) error
	}{{"onnx", command.ONNX, onnx.Write}, {"safetensors", command.Safetensors, torch.Write}}
	wanted := 0
	for _, f := range forms {
		if to := c.Path(f.flag); to != "" {
			wanted++
			if err := command.MayReplace("--"+f.flag, to, f.form, path); err != nil {
				return err
			}
		}
	}
	if wanted == 0 {
		return command.Usagef("nothing to write: give --onnx FILE, --safetensors FILE, or both")
	}
	e, err := openModel(path, "cpu", devices.Options{}, 1, "")
	if err != nil {
		return err
	}
	defer e.Close()
	for _, f := range forms {
		out := c.Path(f.flag)
		if out == "" {
			continue
		}
		if err := file.Write(out, func(w io.Writer) error { return f.write(w, e.Models()[0], e.Classes(), e.Names()) }); err != nil {
			return fmt.Errorf("--%s %s: %w", f.flag, out, err)
		}
		printable.Fprintf(stderr, "wrote %s\n", out)
	}
	return nil
}
