package main

import (
	"io"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v2"

	"alexnet/engine/train"
	"alexnet/engine/train/ablate"
	"alexnet/internal/setting"
	"alexnet/tools/internal/command"
)

// figure1Command draws the paper's figure 1.
func figure1Command(stdout, stderr io.Writer) *cli.Command {
	s := new(settings)
	const category = "Figure 1"
	flags := []cli.Flag{
		&cli.PathFlag{Name: "out", Category: category, Usage: "`DIR` that receives a run folder for every rate and nonlinearity, and " + ablate.Figure1Picture},
		&cli.StringFlag{Name: "rates", Category: category, Value: "0.001,0.003,0.01", Usage: "learning `RATES` to try with each nonlinearity"},
		&cli.BoolFlag{Name: "json", Category: category, Usage: "print one JSON object"},
	}
	return &cli.Command{
		Name:      "figure-1",
		Category:  inRuns,
		Usage:     "draw the paper's figure 1: training error with ReLU and with tanh",
		UsageText: "train-alexnet figure-1 --out runs/figure-1 --train cifar10/shards/train",
		Description: "Trains a net with ReLU and with tanh at every rate of --rates, without regularisation, and draws the training error\n" +
			"over the epochs of each at its best rate. It prints how many epochs each takes to 25 % training error, and the ratio;\n" +
			"the paper reports a ratio of six for CIFAR-10. The default recipe is figure-1. The same command continues where it\n" +
			"was stopped.",
		Flags: append(flags, s.flagsOfRuns()...),
		Action: func(c *cli.Context) error {
			if !c.IsSet("recipe") && !c.IsSet("config") {
				s.Recipe = "figure-1"
			}
			if err := s.read(c); err != nil {
				return err
			}
			var rates []float64
			for _, word := range train.SplitList(c.String("rates")) {
				rate, err := strconv.ParseFloat(word, 64)
				if err != nil {
					return command.Usagef("--rates %s: want numbers with commas between, such as 0.003,0.01", word)
				}
				rates = append(rates, rate)
			}
			line := command.NewLine(stderr)
			figure := ablate.Figure1{Config: s.Config, Out: c.String("out"), Rates: rates, Runs: s.runs(c, line, "figure 1, run")}
			result, err := figure.Run(c.Context)
			if err != nil {
				return setting.In(err, ofStudy(setting.Origins{IsSet: c.IsSet}))
			}
			line.Print("drew %s", filepath.Join(figure.Out, ablate.Figure1Picture))
			return command.Print(c, stdout, result, result.Text)
		},
	}
}
