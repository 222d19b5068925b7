package engine

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// OpTime is the cost of one op of a training step.
type OpTime struct {
	Layer string        // "conv1", "lrn1", "loss"
	Kind  string        // the op's kind: "conv forward"
	Time  time.Duration // median over the turns
	FLOP  float64       // multiplications and additions of products; 0 for the rest
	Bytes int64         // of the tensors that it reads and writes, each counted once

	Design []Dispatch // how the context runs it, if the context is a Designer
}

// Designer is implemented by contexts that report how they run an op.
type Designer interface {
	Design(op Op) []Dispatch
}

// Dispatch is one run of a kernel as it was designed. Nothing here is measured.
type Dispatch struct {
	Kernel       string `json:"kernel"`
	Workgroups   int    `json:"workgroups"`
	Threads      int    `json:"threads"`      // of a workgroup
	Shared       int64  `json:"shared_bytes"` // of memory that a workgroup shares
	Fit          int    `json:"fit"`          // workgroups that the shared memory of one multiprocessor holds at least; 0: any number
	Instructions int    `json:"instructions"` // that the kernel has, loops counted once
}

// Profile runs a training step of net on ctx op by op, on random pictures, and
// returns the median time of each op over turns steps. Ops are compiled one by one,
// so the parts of a fused op are timed apart; short ops run several times in a row.
// ctx must be fresh; the caller closes it.
func Profile(net *Net, ctx Context, cfg ModelConfig, turns int) ([]OpTime, error) {
	if turns < 1 || cfg.Inference {
		return nil, errors.New("profile: want at least one turn of a model that trains")
	}
	cfg.Group = nil // only one process is timed
	cfg.apart = true
	l, err := layOut(net, []Context{ctx}, cfg)
	if err != nil {
		return nil, err
	}
	if err := ctx.Reserve(l.plans[0].Arena(), l.plans[0].Workspace); err != nil {
		return nil, err
	}
	m := &Model{Net: net, Config: cfg, contexts: []Context{ctx}, plans: l.plans, inputs: l.inputs, head: l.head, params: l.params}
	if err := m.prepare(); err != nil {
		return nil, err
	}
	if err := m.Initialize(InitHe, 1); err != nil {
		return nil, err
	}
	if err := m.uploadNoise(); err != nil {
		return nil, err
	}

	ops := append(slices.Clone(l.ops[training][0]), l.ops[updating][0]...)
	programs := make([]Program, len(ops))
	times := make([][]time.Duration, len(ops))
	for i, op := range ops {
		if programs[i], err = ctx.Compile([]Op{op}); err != nil {
			return nil, err
		}
	}
	for turn := range turns + 1 {
		for i, p := range programs {
			took, err := timed(ctx, p, Step{Number: uint64(turn)})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", ops[i].Kind(), err)
			}
			if turn > 0 { // the first one warms up
				times[i] = append(times[i], took)
			}
		}
	}
	out, layers := make([]OpTime, len(ops)), layersOf(ops)
	designer, _ := ctx.(Designer)
	for i, op := range ops {
		slices.Sort(times[i])
		out[i] = OpTime{Layer: layers[i], Kind: op.Kind(), Time: times[i][turns/2], FLOP: FLOP(op)}
		for _, t := range append(op.Reads(), op.Writes()...) {
			out[i].Bytes += ctx.Bytes(t)
		}
		if designer != nil {
			out[i].Design = designer.Design(op)
		}
	}
	return out, nil
}

// An op shorter than shortOp is timed over shortRuns runs, because waiting for the
// device's answer would be a large part of a single run.
const (
	shortOp   = time.Millisecond
	shortRuns = 20
)

// timed returns the time of one run of p.
func timed(ctx Context, p Program, s Step) (time.Duration, error) {
	run := func(times int) (time.Duration, error) {
		began := time.Now()
		for range times {
			if err := p.Run(s); err != nil {
				return 0, err
			}
		}
		err := ctx.Sync()
		return time.Since(began) / time.Duration(times), err
	}
	took, err := run(1)
	if err == nil && took < shortOp {
		took, err = run(shortRuns)
	}
	return took, err
}

// uploadNoise fills the model's inputs with noise.
func (m *Model) uploadNoise() error {
	r := rand.New(rand.NewPCG(1, 1))
	c, in := m.contexts[0], m.inputs[0]
	pixels, labels := make([]byte, in.pixels.Shape.Len()), make([]int32, m.head.labels.Shape.Len())
	for i := range pixels {
		pixels[i] = byte(r.Uint32())
	}
	for i := range labels {
		labels[i] = int32(r.IntN(m.Net.Classes))
	}
	return errors.Join(c.Upload(in.pixels, pixels), c.Upload(in.colour, m.colourless[:in.colour.Shape.Len()]),
		c.Upload(m.head.labels, labels), c.Upload(m.head.halt, []int32{0}), c.Sync())
}

// layersOf returns the layer's name of every op, from the tensor that the layer writes.
func layersOf(ops []Op) []string {
	names := make([]string, len(ops))
	normalised := map[*Tensor]*Tensor{} // from an LRN's output to its input
	for i, op := range ops {
		t := op.Writes()[0]
		switch o := op.(type) {
		case SoftmaxLoss:
			names[i] = "loss"
			continue
		case Dropout:
			names[i] = "dropout"
			continue
		case ActivateBackward:
			t = o.Y
		case LRNForward:
			normalised[o.X] = o.Y
		case LRNBackward:
			t = normalised[o.X]
		case MaxPoolBackward:
			t = o.At
		}
		names[i], _, _ = strings.Cut(t.Name, ".")
	}
	return names
}
