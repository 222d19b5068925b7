package main

import (
	"fmt"
	"io"

	"alexnet/engine"
	"alexnet/engine/feed"
	"alexnet/internal/printable"
)

// plan prints what each device context will take, and the loaders' batches. A net
// that doesn't fit is an error then.
func (j *job) plan(stdout io.Writer) error {
	contexts, err := j.open(j.ownDevices, j.deviceOptions())
	if err != nil {
		return err
	}
	for _, c := range contexts {
		defer c.Close()
	}
	plans, err := engine.PlanModel(j.net, contexts, j.modelConfig(nil))
	taken := map[any]int64{} // of memory that contexts share
	for _, p := range plans {
		if r, ok := roomOf(p.Context); ok {
			taken[r.Of] += p.Total()
		}
	}
	for _, p := range plans {
		printPlan(stdout, p, taken)
	}
	if plans == nil {
		return err
	}
	if _, ok := contexts[0].(engine.Joiner); ok && j.group.Size() > 1 {
		fmt.Fprintln(stdout, "NCCL's buffers are not counted: they grow with the links between the GPUs, to some GB (NCCL_MAX_NCHANNELS and NCCL_BUFFSIZE make them smaller)")
	}
	locked := ""
	if _, ok := contexts[0].(engine.HostAllocator); ok {
		locked = ", page-locked"
	}
	loaders, what := 1, "for training"
	if j.valData != nil {
		loaders, what = 2, fmt.Sprintf("for training and %d for validation", feed.LoaderBatches)
	}
	pixels := j.share() * j.net.Input.Size * j.net.Input.Size * 3
	printable.Fprintf(stdout, "%-8s %7.0f MiB: pixels of %d batches %s%s\n", "host", mib(int64(loaders*feed.LoaderBatches*pixels)), feed.LoaderBatches, what, locked)
	return err
}

// roomOf is the memory that a context takes its own from, where it says.
func roomOf(c engine.Context) (engine.Room, bool) {
	roomy, ok := c.(engine.Roomy)
	if !ok {
		return engine.Room{}, false
	}
	r, err := roomy.Room()
	return r, err == nil
}

// printPlan prints what a context takes on its device, and on the host; taken is
// what all contexts take of the device's memory together.
func printPlan(w io.Writer, p *engine.Plan, taken map[any]int64) {
	printable.Fprintf(w, "%-8s %7.0f MiB: %.0f weights, gradients and inputs, %.0f activations, %.0f kernels' and libraries' own",
		p.Context.Name(), mib(p.Total()), mib(p.Persistent), mib(p.Scratch), mib(p.Workspace-p.Staging))
	if p.Staging > 0 {
		fmt.Fprintf(w, ", %.0f staging, and as much page-locked on the host", mib(p.Staging))
	}
	if r, ok := roomOf(p.Context); ok {
		left, what := r.Free-taken[r.Of], "to spare"
		if left < 0 {
			left, what = -left, "too few"
		}
		printable.Fprintf(w, "; of %.0f on %s %.0f are free: %.0f %s", mib(r.Total), r.Where, mib(r.Free), mib(left), what)
	}
	fmt.Fprintln(w)
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// dryRun prints the net and what training would do, and writes nothing.
func (j *job) dryRun(stdout io.Writer) error {
	if err := printShapes(stdout, j.net); err != nil {
		return err
	}
	perEpoch := j.trainData.Len() / j.Batch
	steps := uint64(j.Epochs) * uint64(perEpoch)
	if j.Steps > 0 {
		steps = min(steps, j.Steps)
	}
	fmt.Fprintf(stdout, "train: %d pictures, %d steps of %d an epoch, %d steps in all\n", j.trainData.Len(), perEpoch, j.Batch, steps)
	if j.valData != nil {
		fmt.Fprintf(stdout, "validate: %d pictures after every epoch\n", j.valData.Len())
	}
	printable.Fprintf(stdout, "learning rate: %s, %g in the first step, %g in the last\n", j.Schedule, j.schedule.Rate(0), j.schedule.Rate(max(steps, 1)-1))
	switch {
	case j.checkpoint != nil:
		printable.Fprintf(stdout, "go on from %s, step %d\n", j.checkpoint.Path, j.checkpoint.Position.Step)
	case j.from != nil:
		printable.Fprintf(stdout, "begin with the weights of %s, but for the last layer\n", j.from.Path)
	}
	return j.plan(stdout)
}
