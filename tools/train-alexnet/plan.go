package main

import (
	"fmt"
	"io"

	"alexnet/engine"
)

// plan prints what each device context will take.
func (j *job) plan(stdout io.Writer) error {
	contexts, err := openDevices(j.ownDevices, j.deviceOptions())
	if err != nil {
		return err
	}
	for _, c := range contexts {
		defer c.Close()
	}
	plans, err := engine.PlanModel(j.net, contexts, j.modelConfig(nil))
	if err != nil {
		return err
	}
	const mib = 1 << 20
	for _, p := range plans {
		fmt.Fprintf(stdout, "%-8s %7.0f MiB: %.0f weights, gradients and inputs, %.0f activations, %.0f kernels' own\n",
			p.Context.Name(), float64(p.Total())/mib, float64(p.Persistent)/mib, float64(p.Scratch)/mib, float64(p.Workspace)/mib)
	}
	return nil
}

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
