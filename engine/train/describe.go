package train

import (
	"fmt"
	"io"

	"alexnet/engine/feed"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// PrintPlan prints what each device context will take, and the loaders' batches. A
// net that doesn't fit is an error then.
func (j *Job) PrintPlan(stdout io.Writer) error {
	memory, err := j.Memory()
	if memory == nil {
		return err
	}
	for _, c := range memory.Contexts {
		printContext(stdout, c)
	}
	if memory.Exchange {
		fmt.Fprintln(stdout, "NCCL's buffers are not counted: they grow with the links between the GPUs, to some GB (NCCL_MAX_NCHANNELS and NCCL_BUFFSIZE make them smaller)")
	}
	what, locked := "for training", ""
	if j.held > 0 {
		what = fmt.Sprintf("for training and %d for validation", feed.LoaderBatches)
	}
	if memory.Pinned {
		locked = ", page-locked"
	}
	printable.Fprintf(stdout, "%-8s %7.0f MiB: pixels of %d batches %s%s\n", "host", mib(memory.Pixels), feed.LoaderBatches, what, locked)
	return err
}

// printContext prints a context's memory on its device and on the host.
func printContext(w io.Writer, c ContextMemory) {
	printable.Fprintf(w, "%-8s %7.0f MiB: %.0f weights, gradients and inputs, %.0f activations, %.0f kernels' and libraries' own",
		c.Context, mib(c.Total()), mib(c.Persistent), mib(c.Scratch), mib(c.Workspace-c.Staging))
	if c.Staging > 0 {
		fmt.Fprintf(w, ", %.0f staging, and as much page-locked on the host", mib(c.Staging))
	}
	if c.Room != nil {
		left, what := c.Spare, "to spare"
		if left < 0 {
			left, what = -left, "too few"
		}
		printable.Fprintf(w, "; of %.0f on %s %.0f are free: %.0f %s", mib(c.Room.Total), c.Room.Where, mib(c.Room.Free), mib(left), what)
	}
	fmt.Fprintln(w)
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// Print prints the net and what training would do, for people, and writes nothing else.
func (j *Job) Print(stdout io.Writer) error {
	if err := j.Net().PrintShapes(stdout); err != nil {
		return err
	}
	c, steps := j.Config(), j.Steps()
	fmt.Fprintf(stdout, "train: %s, %s of %d an epoch, %s in all\n", printable.Count(j.images, "picture"), printable.Count(j.StepsPerEpoch(), "step"), c.Batch, printable.Count(int(steps), "step"))
	if j.held > 0 {
		fmt.Fprintf(stdout, "validate: %s after every epoch\n", printable.Count(j.held, "picture"))
	}
	printable.Fprintf(stdout, "learning rate: %s, %.3g in the first step, %.3g in the last\n", c.Schedule, j.Rate(0), j.Rate(max(steps, 1)-1))
	for _, change := range c.Changes {
		printable.Fprintf(stdout, "%s\n", change)
	}
	switch path, step := j.Begins(); {
	case step > 0:
		printable.Fprintf(stdout, "go on from %s, step %d\n", path, step)
	case path != "":
		printable.Fprintf(stdout, "begin with weights of %s: %s\n", path, setting.Enumerate(j.kept))
	}
	return j.PrintPlan(stdout)
}
