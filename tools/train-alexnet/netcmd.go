package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/train"
	"alexnet/internal/printable"
	"alexnet/tools/internal/command"
)

// netCommand prints nets as data.
func netCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:      "net",
		Category:  inRuns,
		Usage:     "print a net as a JSON net file, to change and give to --net",
		ArgsUsage: "NET",
		UsageText: `train-alexnet net alexnet --classes 37 > pets.json
   train-alexnet net pets.json --shapes
   train-alexnet --net pets.json --train shards/train --val shards/val --run runs/pets`,
		Description: "NET is " + strings.Join(engine.PresetNames(), ", ") + ", or a net file. A net file names the input, the towers, the\n" +
			"classes and the layers one by one; an error in it names the layer and the shapes that don't fit.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "classes", Value: 1000, Usage: "`N` classes of a built-in net"},
			&cli.StringFlag{Name: "without", Usage: "leave out `PARTS`, separated by commas: " + strings.Join(train.AblationNames()[:len(engine.Ablations)], ", ")},
			&cli.BoolFlag{Name: "shapes", Usage: "print what each layer gives and takes instead"},
		},
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
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
				return printShapes(stdout, n)
			}
			_, err = stdout.Write(n.JSON())
			return err
		},
	}
}

// printShapes prints what the layers of a net give, and what they take.
func printShapes(w io.Writer, n *engine.Net) error {
	sizes, err := n.Sizes()
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	printable.Fprintf(t, "net %s: %d classes, %d towers\n", n.Name, n.Classes, n.Towers)
	fmt.Fprintf(t, "  image\t3×%d×%d\n", n.Input.Size, n.Input.Size)
	parameters, flop := 0, 0.0
	for i, l := range n.Layers {
		takes := "\t"
		if l.Weighted() {
			takes = fmt.Sprintf("%d parameters\t%.2f MFLOP", sizes[i].Parameters, sizes[i].FLOP/1e6)
		}
		printable.Fprintf(t, "  %s\t%v", l.Kind(), sizes[i].Out)
		fmt.Fprintf(t, "\t%s\n", takes)
		parameters, flop = parameters+sizes[i].Parameters, flop+sizes[i].FLOP
	}
	fmt.Fprintf(t, "  in all\t\t%d parameters\t%.2f MFLOP an image, forward\n", parameters, flop/1e6)
	return t.Flush()
}
