package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
)

// text is the report to read: machine, parts, what failed, speeds, and last what was
// reached.
func (r *report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "gpu-kit %s, %.0f s\n\n%s\n\n", r.Began.Format("2006-01-02 15:04 MST"), r.Seconds, r.Machine)
	if !r.GPU && !r.Rehearsal {
		b.WriteString("There is no GPU that can be used here.\n\n")
	}
	for _, p := range r.Parts {
		fmt.Fprintf(&b, "%-10s %-34s %6.1f s", cmp.Or(p.Status, "not run"), p.Name, p.Seconds)
		if p.Log != "" {
			fmt.Fprintf(&b, "  %s", p.Log)
		}
		b.WriteByte('\n')
		if p.Detail != "" && p.Detail != noGPU {
			fmt.Fprintf(&b, "           %s\n", strings.ReplaceAll(p.Detail, "\n", "\n           "))
		}
	}
	if len(r.rates()) > 0 {
		r.speeds(&b)
	}
	fmt.Fprintf(&b, "\nReached, of what is wanted of one H100-class card:\n\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, g := range r.reach() {
		verdict := "no"
		switch {
		case r.Rehearsal:
			verdict = "-"
		case g.Met:
			verdict = "yes"
		case !g.Measured:
			verdict = "?"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", verdict, g.What, g.Text, g.Want)
	}
	w.Flush()
	return b.String()
}

// speeds is the table of everything measured.
func (r *report) speeds(b *strings.Builder) {
	b.WriteString("\nImages a second; \"times\" is ours, the mean of its turns, to the fastest of PyTorch's.\n\n")
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tdevices\tprecision\tbatch\ttrained\tstep ms\tTFLOP/s\tinferred\troofline\tfrom shards\ttimes\t")
	for _, p := range r.Parts {
		ours, best := means(p.Rates)
		for _, m := range p.Rates {
			times := ""
			if m.Who == "ours" && best > 0 && m.Devices == "cuda:0" {
				times = fmt.Sprintf("%.2f", ours/best)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%.0f\t%.2f\t%.0f\t%s\t%s\t%s\t%s\t\n", m.Who, m.Devices, m.Precision, m.Batch, m.Train,
				1e3*float64(m.Batch)/m.Train, stepGFLOP*m.Train/1e3, whole(m.Infer), whole(m.Roofline), whole(m.FromData), times)
		}
	}
	w.Flush()
}

// whole is a rate without decimals, nothing where there is none.
func whole(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.0f", v)
}

// stepGFLOP is the multiplications and additions of a training step of alexnet
// with 1000 classes, an image.
const stepGFLOP = 4.14

func (r *report) rates() []rate {
	var all []rate
	for _, p := range r.Parts {
		all = append(all, p.Rates...)
	}
	return all
}

// means is the mean rate of ours on one context, and the best of the others.
func means(rates []rate) (ours, best float64) {
	n := 0.0
	for _, m := range rates {
		switch {
		case m.Who == "ours" && m.Devices == "cuda:0":
			ours += m.Train
			n++
		case m.Who != "ours":
			best = max(best, m.Train)
		}
	}
	if n > 0 {
		ours /= n
	}
	return ours, best
}
