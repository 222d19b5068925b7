package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"
)

// cluster is the model of a job. Each rank computes batch images a step. Transfers
// during the backward pass cost nothing; the rest is added.
type cluster struct {
	rate     float64 // images/s of one rank alone, measured or assumed
	batch    int     // images a rank and step
	hybrid   bool    // fully connected layers but the last split over the ranks
	gradient float64 // bytes of one value of the gradients on the wire
	value    float64 // bytes of one value of activations and their gradients
	link     float64 // bytes/s of a rank, each way
	latency  float64 // seconds of a message
	sums     int     // in a step
	backward float64 // part of a step after the first large gradients are ready
}

// Numbers of the whole net with 1,000 classes.
const (
	alexnetParameters = 60_954_656
	alexnetFC67       = 9216*4096 + 4096 + 4096*4096 + 4096
	alexnetFC6Input   = 9216
	alexnetFC7Input   = 4096
	alexnetFC8Input   = 4096
	hybridExchanges   = 6
)

// sumBytes returns the bytes of gradients that a rank sends in a step on n ranks, and
// receives: 2·(n−1)/n of them, in a reduce-scatter and an all-gather
// (engine/collective/mpi).
func (c *cluster) sumBytes(n int) float64 {
	values := float64(alexnetParameters)
	if c.hybrid {
		values -= alexnetFC67
	}
	return 2 * float64(n-1) / float64(n) * values * c.gradient
}

// exchangeBytes returns the bytes of activations that a rank sends in a hybrid step,
// in both directions (engine/build_hybrid.go).
func (c *cluster) exchangeBytes(n int) float64 {
	if !c.hybrid {
		return 0
	}
	others := float64(n - 1)
	return 2 * c.value * float64(c.batch) * (others*(alexnetFC6Input+alexnetFC7Input) + others/float64(n)*alexnetFC8Input)
}

// step returns the seconds of a step on n ranks, and the part spent waiting for
// transfers. A step waits for exchanges, and for the part of the sums that the backward
// pass does not hide.
func (c *cluster) step(n int) (total, waiting float64) {
	compute := float64(c.batch) / c.rate
	if n == 1 {
		return compute, 0
	}
	others := float64(n - 1)
	sums := c.sumBytes(n)/c.link + 2*others*float64(c.sums)*c.latency
	waiting = max(0, sums-c.backward*compute)
	if c.hybrid {
		waiting += c.exchangeBytes(n)/c.link + hybridExchanges*others*c.latency
	}
	return compute + waiting, waiting
}

func scaleCommand(stdout io.Writer) *cli.Command {
	c := cluster{}
	var gbit, micro float64
	var wire, activations, parallel, what string
	width := func(format string) float64 { return map[string]float64{"fp32": 4, "bf16": 2}[format] }
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
			&cli.StringFlag{Name: "activations", Usage: "activations between hybrid ranks as fp32 or bf16", Value: "fp32", Destination: &activations},
			&cli.StringFlag{Name: "parallel", Usage: "data or hybrid", Value: "data", Destination: &parallel},
			&cli.Float64Flag{Name: "backward", Usage: "part of a step that is left when the gradients of fc6–fc8, 96 % of all, are ready", Value: 0.55, Destination: &c.backward},
			&cli.IntFlag{Name: "sums", Usage: "sums over ranks in a step: over MPI 28, of arrays in pieces, and 15 in a hybrid one; over NCCL 9, one a layer, and 7", Value: 28, Destination: &c.sums},
		},
		Action: func(*cli.Context) error {
			c.link, c.latency, c.hybrid = gbit*1e9/8, micro*1e-6, parallel == "hybrid"
			c.gradient, c.value = width(wire), width(activations)
			if c.gradient*c.value == 0 || !c.hybrid && parallel != "data" {
				return fmt.Errorf("want --wire and --activations of fp32 or bf16 and --parallel of data or hybrid, not %s, %s, %s", wire, activations, parallel)
			}
			fmt.Fprintf(stdout, "%s parallel; one rank: %.4g images/s (%s); %d images a rank and step; gradients in %s", parallel, c.rate, what, c.batch, wire)
			if c.hybrid {
				fmt.Fprintf(stdout, ", activations in %s", activations)
			}
			fmt.Fprintf(stdout, "; links of %g Gbit/s, %g µs\n\n", gbit, micro)
			return c.table(stdout)
		},
	}
}

// table prints the projection for 1 to 64 ranks.
func (c *cluster) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', tabwriter.AlignRight|tabwriter.Debug)
	head := []string{"ranks", "sent a rank", "step", "waiting", "images/s", "efficiency", "90 epochs of 1.28 M", "1 epoch of 100 M"}
	fmt.Fprintln(t, strings.Join(head, "\t")+"\t")
	for n := 1; n <= 64; n *= 2 {
		step, waiting := c.step(n)
		rate := float64(n*c.batch) / step
		fmt.Fprintf(t, "%d\t%.0f MB\t%s\t%.0f %%\t%.5g\t%.0f %%\t%s\t%s\t\n", n, (c.sumBytes(n)+c.exchangeBytes(n))/1e6, seconds(step), 100*waiting/step, rate, 100*rate/(float64(n)*c.rate), seconds(90*1_281_167/rate), seconds(100e6/rate))
	}
	return t.Flush()
}

// seconds writes a time in a suitable unit.
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
