package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

// cluster is what the model of a data-parallel job knows. A step on n ranks
// computes batch images a rank, and sends and receives 2·(n−1)/n of the
// gradients' bytes (a reduce-scatter and an all-gather, see
// engine/collective/mpi). What travels while the backward pass still runs costs
// nothing; the rest is added.
type cluster struct {
	rate     float64 // images/s of one rank alone, measured or assumed
	batch    int     // images a rank and step
	bytes    float64 // of gradients, as they travel
	link     float64 // bytes/s of a rank, each way
	latency  float64 // seconds of a message
	messages int     // of a sum, each way
	backward float64 // part of a step that is left when the first large gradients are ready
}

// step is the seconds of a step on n ranks, and those of them that are spent
// waiting for gradients.
func (c *cluster) step(n int) (total, waiting float64) {
	compute := float64(c.batch) / c.rate
	if n == 1 {
		return compute, 0
	}
	travel := 2*float64(n-1)/float64(n)*c.bytes/c.link + 2*float64(n-1)*float64(c.messages)*c.latency
	waiting = max(0, travel-c.backward*compute)
	return compute + waiting, waiting
}

// alexnetParameters are those of the whole net with 1,000 classes.
const alexnetParameters = 60_954_656

func scaleCommand(stdout io.Writer) *cli.Command {
	c := cluster{}
	var gbit, micro float64
	var wire, what string
	return &cli.Command{
		Name:  "scale",
		Usage: "project a data-parallel job from the rate of one rank and the speed of the links",
		Flags: []cli.Flag{
			&cli.Float64Flag{Name: "rate", Usage: "images/s of one rank alone", Value: 34.1, Destination: &c.rate},
			&cli.StringFlag{Name: "rate-is", Usage: "where the rate is from, for the table", Value: "measured", Destination: &what},
			&cli.IntFlag{Name: "batch", Usage: "images a rank and step", Value: 128, Destination: &c.batch},
			&cli.Float64Flag{Name: "link", Usage: "Gbit/s of a rank's link, each way", Value: 10, Destination: &gbit},
			&cli.Float64Flag{Name: "latency", Usage: "microseconds of a message", Value: 20, Destination: &micro},
			&cli.StringFlag{Name: "wire", Usage: "gradients as fp32 or bf16", Value: "fp32", Destination: &wire},
			&cli.Float64Flag{Name: "backward", Usage: "part of a step that is left when the gradients of fc6–fc8, 96 % of all, are ready", Value: 0.55, Destination: &c.backward},
			&cli.IntFlag{Name: "messages", Usage: "messages a rank sends to each other one in a step", Value: 16, Destination: &c.messages},
		},
		Action: func(*cli.Context) error {
			c.link, c.latency, c.bytes = gbit*1e9/8, micro*1e-6, 4*alexnetParameters
			if wire == "bf16" {
				c.bytes /= 2
			}
			fmt.Fprintf(stdout, "one rank: %.4g images/s (%s); %d images a rank and step; %.0f MB of gradients (%s); links of %g Gbit/s, %g µs\n\n",
				c.rate, what, c.batch, c.bytes/1e6, wire, gbit, micro)
			return c.table(stdout)
		},
	}
}

// table prints the projection for 1 to 64 ranks.
func (c *cluster) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', tabwriter.AlignRight|tabwriter.Debug)
	head := []string{"ranks", "step", "waiting", "images/s", "efficiency", "90 epochs of 1.28 M", "1 epoch of 100 M"}
	fmt.Fprintln(t, strings.Join(head, "\t")+"\t")
	for n := 1; n <= 64; n *= 2 {
		step, waiting := c.step(n)
		rate := float64(n*c.batch) / step
		fmt.Fprintf(t, "%d\t%s\t%.0f %%\t%.5g\t%.0f %%\t%s\t%s\t\n", n, seconds(step), 100*waiting/step, rate, 100*rate/(float64(n)*c.rate), seconds(90*1_281_167/rate), seconds(100e6/rate))
	}
	return t.Flush()
}

// seconds writes a time in the unit that people would choose.
func seconds(s float64) string {
	switch {
	case s < 1:
		return fmt.Sprintf("%.3g ms", s*1e3)
	case s < 120:
		return fmt.Sprintf("%.3g s", s)
	case s < 2*3600:
		return fmt.Sprintf("%.3g min", s/60)
	case s < 2*86400:
		return fmt.Sprintf("%.3g h", s/3600)
	}
	return fmt.Sprintf("%.3g days", s/86400)
}
