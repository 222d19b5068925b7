package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/devices"
	"alexnet/engine/infer"
	"alexnet/engine/infer/script"
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
   train-alexnet export --checkpoint FILE --safetensors alexnet.safetensors`,
		Description: "The ONNX model takes uint8 pixels (N, H, W, 3), RGB, and gives probabilities (N, classes): the mean is\n" +
			"subtracted inside. The safetensors file is a state dict for the plain PyTorch module in the script beside it;\n" +
			"train-alexnet import takes it back. The classes are in the metadata of both. Beside each lies a Python script for\n" +
			"this net, size and classes, which says what is in pictures: NAME_onnx.py, NAME_torch.py.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "checkpoint", Usage: "checkpoint `FILE`, or a run folder for its best one"},
			&cli.PathFlag{Name: "onnx", Usage: "write an ONNX model to `FILE`"},
			&cli.PathFlag{Name: "safetensors", Usage: "write a PyTorch state dict to `FILE`"},
		},
		Action: command.Interruptible(func(c *cli.Context) error { return export(c, stderr) }),
	}
}

// oneCheckpoint returns the checkpoint of a command that works with one net; similar
// commands take several as an ensemble.
func oneCheckpoint(c *cli.Context) (string, error) {
	switch paths := c.StringSlice("checkpoint"); len(paths) {
	case 0:
		return "", command.Required(c, "checkpoint")
	case 1:
		return engine.FindCheckpoint(paths[0])
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
		flag   string
		form   command.Form
		write  func(w io.Writer, m *engine.Model, labels engine.Labels) error
		suffix string // of the script beside it
		script func(io.Writer, script.Subject) error
	}{
		{"onnx", command.ONNX, onnx.Write, "_onnx.py", script.ONNX},
		{"safetensors", command.Safetensors, torch.Write, "_torch.py", script.Torch},
	}
	var outputs []command.Output
	for _, f := range forms {
		if to := c.Path(f.flag); to != "" {
			outputs = append(outputs, command.Output{Flag: "--" + f.flag, Path: to, Form: f.form},
				command.Output{Flag: "--" + f.flag + ": the script", Path: beside(to, f.suffix), Form: command.Script})
		}
	}
	if len(outputs) == 0 {
		return command.Usagef("nothing to write: give --onnx FILE, --safetensors FILE, or both")
	}
	if err := command.MayReplaceAll(outputs, path); err != nil {
		return err
	}
	e, err := infer.Open(infer.Config{Checkpoints: []string{path}, Devices: "cpu", Options: noting(devices.Options{})})
	if err != nil {
		return err
	}
	defer e.Close()
	for _, f := range forms {
		out := c.Path(f.flag)
		if out == "" {
			continue
		}
		if err := file.Write(out, func(w io.Writer) error {
			return f.write(w, e.Models()[0], engine.Labels{IDs: e.Classes(), Names: e.Names()})
		}); err != nil {
			return fmt.Errorf("--%s: %w", f.flag, file.Doing(out, err))
		}
		about := script.Subject{Net: e.Models()[0].Net, Weights: filepath.Base(out), Size: e.Size()}
		if err := file.Write(beside(out, f.suffix), func(w io.Writer) error { return f.script(w, about) }); err != nil {
			return fmt.Errorf("--%s: the script: %w", f.flag, err)
		}
		printable.Fprintf(stderr, "wrote %s, and %s, which runs it\n", out, beside(out, f.suffix))
	}
	return nil
}

// beside returns the name of the script for a model's file.
func beside(path, suffix string) string {
	return strings.TrimSuffix(path, filepath.Ext(path)) + suffix
}
