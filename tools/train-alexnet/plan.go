package main

import (
	"fmt"
	"io"

	"alexnet/engine"
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
	for _, p := range plans {
		printPlan(stdout, p)
	}
	if plans == nil {
		return err
	}
	locked := ""
	if _, ok := contexts[0].(engine.HostAllocator); ok {
		locked = ", page-locked"
	}
	loaders, what := 1, "for training"
	if j.valData != nil {
		loaders, what = 2, fmt.Sprintf("for training and %d for validation", loaderBatches)
	}
	pixels := j.share() * j.net.Input.Size * j.net.Input.Size * 3
	fmt.Fprintf(stdout, "%-8s %7.0f MiB: pixels of %d batches %s%s\n", "host", mib(int64(loaders*loaderBatches*pixels)), loaderBatches, what, locked)
	return err
}

// printPlan prints what a context takes on its device, and on the host.
func printPlan(w io.Writer, p *engine.Plan) {
	fmt.Fprintf(w, "%-8s %7.0f MiB: %.0f weights, gradients and inputs, %.0f activations, %.0f kernels' and libraries' own",
		p.Context.Name(), mib(p.Total()), mib(p.Persistent), mib(p.Scratch), mib(p.Workspace-p.Staging))
	if p.Staging > 0 {
		fmt.Fprintf(w, ", %.0f staging, and as much page-locked on the host", mib(p.Staging))
	}
	if c, ok := p.Context.(engine.Roomy); ok {
		if r, err := c.Room(); err == nil {
			fmt.Fprintf(w, "; of %.0f on %s %.0f are free", mib(r.Total), r.Where, mib(r.Free))
		}
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
	fmt.Fprintf(stdout, "learning rate: %s, %g in the first step, %g in the last\n", j.Schedule, j.schedule.Rate(0), j.schedule.Rate(max(steps, 1)-1))
	switch {
	case j.checkpoint != nil:
		fmt.Fprintf(stdout, "go on from %s, step %d\n", j.checkpoint.Path, j.checkpoint.Position.Step)
	case j.from != nil:
		fmt.Fprintf(stdout, "begin with the weights of %s, but for the last layer\n", j.from.Path)
	}
	return j.plan(stdout)
}
