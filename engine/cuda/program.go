package cuda

import (
	"errors"
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

// step is one op on the device, or several ops in one.
type step struct {
	name     string // for messages
	ops      int    // number of ops in it
	work     int64  // bytes of workspace
	stepped  bool   // reads StepParams
	allRanks bool   // StepParams of ops on the images of all ranks
	prepare  func() error
	fetches  []fetch
	run      func(s gpu.Stream) error // nil for signal and await
	signal   *event
	await    *event

	// apart enqueues exchanges between ranks, which are not captured. They use wire bytes
	// of the program besides work.
	apart func(wire gpu.Pointer) error
	wire  int64
}

// program is a list of segments in order.
type program struct {
	c        *Context
	stepped  bool
	allRanks bool
	wire     int64 // position of the steps' wire in the workspace
	segments []segment
	runs     int
}

// segment is a run of steps that can be captured in one graph, or a step between such
// runs: a signal, an await, a fetch from another GPU, an exchange between ranks.
type segment struct {
	steps  []step
	graph  gpu.Graph
	eager  bool // no graph: it couldn't be captured or replayed
	signal *event
	await  *event
	fetch  []fetch
	apart  *step
}

// Compile prepares ops for running. Neighbours are fused where every stored tensor
// stays the same.
func (c *Context) Compile(ops []engine.Op) (engine.Program, error) {
	if err := c.ready("compile"); err != nil {
		return nil, err
	}
	for i, op := range ops {
		if err := c.checkPlaces(op); err != nil {
			return nil, fmt.Errorf("%s: op %d: %w", c.name, i, err)
		}
	}
	p := &program{c: c}
	if err := c.call(func() error { return p.compile(ops) }); err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return p, nil
}

func (p *program) compile(ops []engine.Op) error {
	steps, err := p.c.lowerAll(ops)
	if err != nil {
		return err
	}
	if err := p.c.fit(workspaceOf(steps)); err != nil {
		return err
	}
	p.wire = workOf(steps)
	for _, s := range steps {
		if s.prepare != nil {
			if err := s.prepare(); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
		p.add(s)
	}
	return nil
}

// add appends a step to the last segment, or begins another one.
func (p *program) add(s step) {
	p.stepped, p.allRanks = p.stepped || s.stepped, p.allRanks || s.allRanks
	if s.signal != nil || s.await != nil {
		p.segments = append(p.segments, segment{signal: s.signal, await: s.await})
		return
	}
	if s.apart != nil {
		p.segments = append(p.segments, segment{apart: &s})
		return
	}
	if len(s.fetches) > 0 {
		p.segments = append(p.segments, segment{fetch: s.fetches})
	}
	last := len(p.segments) - 1
	if last < 0 || p.segments[last].steps == nil {
		p.segments = append(p.segments, segment{})
		last++
	}
	p.segments[last].steps = append(p.segments[last].steps, s)
}

// workOf returns the common workspace of the steps. workspaceOf adds the wire, which sums
// between ranks use while other steps run.
func workOf(steps []step) int64 {
	var n int64
	for _, s := range steps {
		n = max(n, s.work)
	}
	return align(n)
}

func workspaceOf(steps []step) int64 {
	var wire int64
	for _, s := range steps {
		wire = max(wire, s.wire)
	}
	return workOf(steps) + align(wire)
}

// Run enqueues the program.
func (p *program) Run(s engine.Step) error {
	if err := p.c.ready("run"); err != nil {
		return err
	}
	p.c.queue <- command{program: p, step: s}
	return nil
}

// execute enqueues the segments on the device.
func (p *program) execute(s engine.Step) error {
	if p.stepped {
		if err := p.c.setParams(s, p.allRanks); err != nil {
			return err
		}
	}
	for i := range p.segments {
		seg := &p.segments[i]
		var err error
		switch {
		case seg.signal != nil:
			err = seg.signal.signal()
		case seg.await != nil:
			err = seg.await.await(p.c)
		case seg.fetch != nil:
			err = p.c.fetch(seg.fetch)
		case seg.apart != nil:
			if err = seg.apart.apart(p.c.work().Add(p.wire)); err != nil {
				err = fmt.Errorf("%s: %w", seg.apart.name, err)
			}
		default:
			err = p.c.runSegment(seg, p.runs)
		}
		if err != nil {
			return err
		}
	}
	p.runs++
	return p.c.awaitSums(0) // their wire is part of the next program's workspace
}

// runSegment enqueues the steps one by one the first time, so that the driver and its
// libraries load their code. The second time it captures them, and from then on it
// replays the graph. Steps that can't be in a graph are always enqueued one by one.
func (c *Context) runSegment(seg *segment, runs int) error {
	if runs == 0 || c.options.Eager || seg.eager {
		return seg.enqueue(c.compute)
	}
	err := c.capture(seg)
	if err == nil {
		err = c.compute.Replay(seg.graph)
	}
	if err == nil || errors.Is(err, gpu.ErrLost) {
		return err
	}
	seg.eager = true
	c.note("the steps from %s to %s run one by one, not as a graph: %v", seg.steps[0].name, seg.steps[len(seg.steps)-1].name, err)
	return seg.enqueue(c.compute)
}

// capture makes the segment's graph unless it exists.
func (c *Context) capture(seg *segment) error {
	if seg.graph != nil {
		return nil
	}
	if err := c.compute.Capture(); err != nil {
		return err
	}
	c.capturing = true
	failure := seg.enqueue(c.compute)
	c.capturing = false
	graph, err := c.compute.Captured()
	if err == nil {
		c.closers = append(c.closers, graph)
	}
	if failure != nil {
		return failure
	}
	if err == nil {
		seg.graph = graph
	}
	return err
}

func (seg *segment) enqueue(s gpu.Stream) error {
	for _, step := range seg.steps {
		if err := step.run(s); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// allRanksParams is the position of a second copy of the step's numbers, for ops on the
// images of all ranks; its first image is 0.
const allRanksParams = engine.ArenaAlign / 2

// setParams writes the step's numbers to device memory, where kernels read
// them, in order with the compute stream.
func (c *Context) setParams(s engine.Step, allRanks bool) error {
	p := kernels.StepParams{Seed: s.Seed, Number: s.Number, Image: s.Image, LearningRate: s.LearningRate, Momentum: s.Momentum}
	err := c.kernels.SetStep(c.compute, kernels.SetStep{Step: c.params, Params: p})
	if err != nil || !allRanks {
		return err
	}
	p.Image = 0
	return c.kernels.SetStep(c.compute, kernels.SetStep{Step: c.params.Add(allRanksParams), Params: p})
}

// fetch is a tensor of another GPU and the position of its copy in this context's
// workspace.
type fetch struct {
	tensor *engine.Tensor
	at     int64
}

// fetch copies tensors from other GPUs, in order with the compute stream.
func (c *Context) fetch(tensors []fetch) error {
	for _, f := range tensors {
		from := owner(f.tensor)
		if err := c.compute.CopyFrom(c.work().Add(f.at), from.address(f.tensor), from.card.device, c.Bytes(f.tensor)); err != nil {
			return fmt.Errorf("fetching %v from %s: %w", f.tensor, from.name, err)
		}
	}
	return nil
}
