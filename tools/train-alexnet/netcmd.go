package main

import (
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/train"
	"alexnet/internal/setting"
	"alexnet/tools/internal/command"
)

// netArgument calls the net by the command's argument.
var netArgument = setting.Renamed{Words: setting.Flags{}, As: func(name string) string {
	return map[string]string{"net": "NET"}[name]
}}

// netCommand prints nets as data.
func netCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "net",
		Category:  inRuns,
		Usage:     "print a net as a JSON net file, to change and give to --net",
		ArgsUsage: "[NET]",
		UsageText: `train-alexnet net
   train-alexnet net alexnet --classes 37 > pets.json
   train-alexnet net pets.json --shapes
   train-alexnet --net pets.json --train shards/train --val shards/val --run runs/pets`,
		Description: "NET is " + strings.Join(engine.PresetNames(), ", ") + ", or a net file; without it they\n" +
			"are listed with the --size of the shards that suits each. A net file names the input, the towers, the\n" +
			"classes and the layers one by one; an error in it names the layer and the shapes that don't fit.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "classes", Value: 1000, Usage: "`N` classes of a built-in net"},
			&cli.StringFlag{Name: "without", Usage: "leave out `PARTS`, separated by commas: " + strings.Join(train.AblationNames()[:len(engine.Ablations)], ", ")},
			&cli.BoolFlag{Name: "shapes", Usage: "print what each layer gives and takes instead"},
		},
		Action: func(c *cli.Context) error { return setting.In(printNet(c, stdout), netArgument) },
	}
}

func printNet(c *cli.Context, stdout io.Writer) error {
	switch c.NArg() {
	case 0:
		return train.PrintNets(stdout, setting.Flags{})
	case 1:
	default:
		return command.Usagef("give one net: %s, or a net file", strings.Join(engine.PresetNames(), ", "))
	}
	s := train.Config{Net: c.Args().First(), Without: c.String("without")}
	classes := c.Int("classes")
	if train.IsNetFile(s.Net) {
		n, err := train.ReadNet(s.Net)
		if err != nil {
			return err
		}
		classes = n.Classes
	}
	n, err := s.BuildNet(classes)
	if err != nil {
		return err
	}
	if c.Bool("shapes") {
		return n.PrintShapes(stdout)
	}
	_, err = stdout.Write(n.JSON())
	return err
}
