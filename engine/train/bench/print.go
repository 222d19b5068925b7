package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Print writes the result for people.
func (r *Result) Print(w io.Writer) error {
	how := r.Precision
	if r.Kernels != "" {
		how += " by " + r.Kernels
	}
	fmt.Fprintf(w, "%s on %s in %s, batch %d, %d MiB\n", r.Net, r.Devices, how, r.Batch, r.MemoryMiB)
	if r.Train > 0 {
		fmt.Fprintf(w, "training   %.1f images/s\n", r.Train)
	}
	fmt.Fprintf(w, "inference  %.1f images/s\n", r.Infer)
	if r.Ranks != nil {
		r.Ranks.print(w)
	}
	if r.LoaderImages > 0 {
		fmt.Fprintf(w, "loader     %.0f images/s\n", r.LoaderImages)
	}
	if r.FromData > 0 {
		fmt.Fprintf(w, "from data  %.1f images/s in training, %.0f %% of the %.1f from memory in turns with it\n", r.FromData, 100*r.FromData/r.FromMemory, r.FromMemory)
	}
	if r.Roofline > 0 {
		fmt.Fprintf(w, "roofline   %.0f images/s, of which training is %.0f %%", r.Roofline, 100*r.Train/r.Roofline)
		if r.Bandwidth > 0 {
			fmt.Fprintf(w, "; memory moves %.1f GB/s", r.Bandwidth)
		}
		fmt.Fprintln(w)
	}
	if r.Achieved > 0 && r.Peak > 0 {
		fmt.Fprintf(w, "products   %.1f GFLOP/s in training, %.0f %% of the %.1f that registers alone reach\n", r.Achieved, 100*r.Achieved/r.Peak, r.Peak)
	}
	if len(r.Layers) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nlayer\tforward ms\tbackward ms\tupdate ms\tGFLOP/s\tof peak\tMiB\tbound ms\tby\t")
	for _, l := range r.Layers {
		rate, share := "", ""
		if l.GFLOPS > 0 {
			rate = fmt.Sprintf("%.1f", l.GFLOPS)
			if r.Peak > 0 {
				share = fmt.Sprintf("%.0f %%", 100*l.GFLOPS/r.Peak)
			}
		}
		bound := ""
		if l.Bound > 0 {
			bound = fmt.Sprintf("%.1f", l.Bound)
		}
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t%.1f\t%s\t%s\t%.0f\t%s\t%s\t\n", l.Layer, l.Forward, l.Backward, l.Update, rate, share, l.MiB, bound, l.By)
	}
	if err := t.Flush(); err != nil || len(r.Design) == 0 {
		return err
	}
	return r.printDesign(w)
}

// printDesign lists, for each op of a step, how it runs on the device by design: its
// workgroups, how many of them one multiprocessor's shared memory holds at least, the
// instructions of the kernel (loops counted once), the op's products over its bytes, and,
// if the peak and the bandwidth are known, the least time that the op can take.
func (r *Result) printDesign(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nlayer\top\tkernel\tworkgroups\tof\tshared KiB\tfit\tinstructions\tMiB\tFLOP/B\tbound ms\t")
	for _, d := range r.Design {
		fit, intensity, bound := "", "", ""
		if d.Bound > 0 {
			bound = fmt.Sprintf("%.3f", d.Bound)
		}
		if d.Fit > 0 {
			fit = fmt.Sprint(d.Fit)
		}
		if d.FLOP > 0 {
			intensity = fmt.Sprintf("%.0f", d.FLOP/float64(d.Bytes))
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%.1f\t%s\t%d\t%.1f\t%s\t%s\t\n", d.Layer, d.Kind, d.Kernel, d.Workgroups, d.Threads,
			float64(d.Shared)/(1<<10), fit, d.Instructions, float64(d.Bytes)/(1<<20), intensity, bound)
	}
	return t.Flush()
}
