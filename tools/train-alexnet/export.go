package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
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
			&cli.PathFlag{Name: "checkpoint", Usage: "checkpoint `FILE`"},
			&cli.PathFlag{Name: "onnx", Usage: "write an ONNX model to `FILE`"},
			&cli.PathFlag{Name: "safetensors", Usage: "write a PyTorch state dict to `FILE`"},
		},
		Action: func(c *cli.Context) error { return export(c, stderr) },
	}
}

func export(c *cli.Context, stderr io.Writer) error {
	path := c.Path("checkpoint")
	if path == "" {
		return command.Usagef("--checkpoint is required (see train-alexnet export --help)")
	}
	forms := []struct {
		flag  string
		write func(io.Writer, *engine.Model, []string) error
	}{{"onnx", onnx.Write}, {"safetensors", torch.Write}}
	wanted := 0
	for _, f := range forms {
		if c.Path(f.flag) != "" {
			wanted++
		}
	}
	if wanted == 0 {
		return command.Usagef("nothing to write: give --onnx FILE, --safetensors FILE, or both")
	}
	m, classes, err := openModel(path, "cpu", 1, 0, "")
	if err != nil {
		return err
	}
	defer m.Close()
	for _, f := range forms {
		out := c.Path(f.flag)
		if out == "" {
			continue
		}
		if err := file.Write(out, func(w io.Writer) error { return f.write(w, m, classes) }); err != nil {
			return fmt.Errorf("--%s %s: %w", f.flag, out, err)
		}
		printable.Fprintf(stderr, "wrote %s\n", out)
	}
	return nil
}
