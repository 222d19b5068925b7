package main

import (
	"fmt"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"

	"alexnet/engine"
	runreport "alexnet/engine/train/report"
	"alexnet/tools/internal/command"
)

const curvesDescription = `Draws the validation error over the epochs of several trainers, each with runs from several seeds: a line a
run. Prints the last epoch's error and loss, their mean and the seeds' standard deviation. A run is a folder
with metrics.jsonl, as train-alexnet and peers/imagenette_torch.py write it.`

func curvesCommand(stdout io.Writer) *cli.Command {
	var out string
	return &cli.Command{
		Name:        "curves",
		Usage:       "validation curves of trainers that were given the same recipe",
		Description: curvesDescription,
		ArgsUsage:   "NAME=DIR,…",
		UsageText:   "bench curves --out curves.png ours=runs/a,runs/b PyTorch=runs/c,runs/d",
		Flags:       []cli.Flag{&cli.StringFlag{Name: "out", Usage: "the picture, a PNG", Required: true, Destination: &out}},
		Action: func(c *cli.Context) error {
			var all []curve
			for _, arg := range c.Args().Slice() {
				name, dirs, ok := strings.Cut(arg, "=")
				if !ok {
					return command.Usagef("%q is not NAME=DIR,DIR (see bench curves --help)", arg)
				}
				t := curve{name: name}
				for _, dir := range strings.Split(dirs, ",") {
					run, err := validation(dir)
					if err != nil {
						return err
					}
					t.runs = append(t.runs, run)
				}
				all = append(all, t)
			}
			if len(all) == 0 {
				return command.Usagef("curves wants trainers (see bench curves --help)")
			}
			if err := drawCurves(out, all); err != nil {
				return err
			}
			return printCurves(stdout, all)
		},
	}
}

// curve is the runs of one trainer. Each run has a row of metrics for every epoch.
type curve struct {
	name string
	runs [][]engine.Metrics
}

// label is the trainer's name in the legend, with the number of its seeds if it has several.
func (c curve) label() string {
	if len(c.runs) == 1 {
		return c.name
	}
	return fmt.Sprintf("%s, %d seeds", c.name, len(c.runs))
}

// validation reads the validations of a run.
func validation(dir string) (rows []engine.Metrics, err error) {
	path := filepath.Join(dir, "metrics.jsonl")
	all, err := runreport.ReadMetrics(path)
	if err != nil {
		return nil, err
	}
	for _, m := range all {
		if m.Split == "val" {
			rows = append(rows, m)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: no validation in it", path)
	}
	return rows, nil
}

func drawCurves(path string, all []curve) error {
	p := plot.New()
	for _, style := range []*text.Style{&p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font.Variant = "Sans"
	}
	p.X.Label.Text, p.Y.Label.Text = "epoch", "validation error, top-1, %"
	p.X.Tick.Marker = plot.ConstantTicks(epochTicks(all))
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	colours := []color.RGBA{{0xc0, 0x39, 0x2b, 0xff}, {0x2b, 0x62, 0xc0, 0xff}, {0x2b, 0x90, 0x50, 0xff}, {0x80, 0x60, 0x20, 0xff}}
	for i, t := range all {
		for j, run := range t.runs {
			points := make(plotter.XYs, len(run))
			for k, m := range run {
				points[k] = plotter.XY{X: float64(m.Epoch), Y: 100 * m.Top1Error}
			}
			line, err := plotter.NewLine(points)
			if err != nil {
				return err
			}
			line.Color, line.Width = colours[i%len(colours)], vg.Points(1.2)
			p.Add(line)
			if j == 0 {
				p.Legend.Add(t.label(), line)
			}
		}
	}
	return p.Save(7*vg.Inch, 4.5*vg.Inch, path)
}

// epochTicks returns a tick for each whole epoch.
func epochTicks(all []curve) (ticks []plot.Tick) {
	last := 0
	for _, t := range all {
		for _, run := range t.runs {
			last = max(last, run[len(run)-1].Epoch)
		}
	}
	for e := 1; e <= last; e++ {
		ticks = append(ticks, plot.Tick{Value: float64(e), Label: fmt.Sprint(e)})
	}
	return ticks
}

func printCurves(w io.Writer, all []curve) error {
	tw := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	fmt.Fprintf(tw, "| \t| epochs\t| top-1 error of each seed, %%\t| mean ± sd\t| loss of each seed\t| mean ± sd\t|\n|---\t|---:\t|---\t|---:\t|---\t|---:\t|\n")
	for _, t := range all {
		var failures, losses []float64
		var last engine.Metrics
		for _, run := range t.runs {
			last = run[len(run)-1]
			failures, losses = append(failures, 100*last.Top1Error), append(losses, last.Loss)
		}
		fmt.Fprintf(tw, "| %s\t| %d\t| %s\t| %s\t| %s\t| %s\t|\n", t.name, last.Epoch,
			each("%.1f", failures), spread("%.1f", failures), each("%.3f", losses), spread("%.3f", losses))
	}
	return tw.Flush()
}

func each(format string, values []float64) string {
	s := make([]string, len(values))
	for i, v := range values {
		s[i] = fmt.Sprintf(format, v)
	}
	return strings.Join(s, ", ")
}

// spread formats the mean and the sample standard deviation.
func spread(format string, values []float64) string {
	mean, sd := stat.MeanStdDev(values, nil)
	if math.IsNaN(sd) { // a single value
		return fmt.Sprintf(format, mean)
	}
	return fmt.Sprintf(format+" ± "+format, mean, sd)
}
