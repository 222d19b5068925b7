package cuda

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"alexnet/engine/cuda/internal/gpu"
)

// A plan is one way to compute a product or a convolution. Run's pointers are the two
// operands, the bias, the result and the workspace.
type plan interface {
	Name() string
	Workspace() int64
	Run(s gpu.Stream, a, b, bias, d, workspace gpu.Pointer) error
	Close() error
}

// plansOf returns a library's plans as a list of plan.
func plansOf[P plan](list []P) []plan {
	plans := make([]plan, len(list))
	for i, p := range list {
		plans[i] = p
	}
	return plans
}

// convolution returns the plan for q; the context keeps it.
func (c *Context) convolution(q gpu.Convolution) (gpu.ConvolutionPlan, error) {
	if p := c.convolutions[q]; p != nil {
		return p, nil
	}
	h, w := q.Out()
	sizes := [4]int64{
		int64(q.N*q.H*q.W*q.XChannels) * q.Type.Size(),
		int64(q.K*q.Size*q.Size*q.C/q.Groups) * 4,
		int64(q.N*h*w*q.YChannels) * q.Type.Size(),
		int64(q.K) * 4,
	}
	plans, err := c.card.device.Convolutions(q, c.options.planWorkspace(sizes[0]+sizes[2]), c.options.Deterministic)
	if err != nil {
		return nil, c.noPlan(err)
	}
	p, err := c.choose(q.String(), fmt.Sprintf("%+v", convolutionKey(q)), plansOf(plans), sizes)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", q, err)
	}
	c.convolutions[q] = p
	return p, nil
}

// convolutionKey and productKey are without String methods, so that %+v prints
// every field.
type (
	convolutionKey gpu.Convolution
	productKey     gpu.Product
)

// product returns the plan for q; the context keeps it.
func (c *Context) product(q gpu.Product) (gpu.ProductPlan, error) {
	if p := c.products[q]; p != nil {
		return p, nil
	}
	plans, err := c.card.device.Products(q, c.options.planWorkspace(0))
	if err != nil {
		return nil, c.noPlan(err)
	}
	sizes := [4]int64{
		int64(q.M*q.K) * q.Input.Size(),
		int64(q.K*q.N) * q.Input.Size(),
		int64(q.M*q.N) * q.Output.Size(),
		int64(q.N) * 4,
	}
	p, err := c.choose(q.String(), fmt.Sprintf("%+v", productKey(q)), plansOf(plans), sizes)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", q, err)
	}
	c.products[q] = p
	return p, nil
}

// noPlan returns the reason why there is no plan. If the reason is not about the plan,
// the device has failed. (Workspace, which returns no error, may be the caller.)
func (c *Context) noPlan(err error) error {
	if !errors.Is(err, gpu.ErrUnsupported) {
		c.fail(err)
	}
	return err
}

// timedRuns is the number of timed runs of a plan, after an untimed one.
const timedRuns = 5

// choose returns the fastest plan on this card and closes the others. It times the plans
// unless that was done before. A deterministic context uses the library's first plan and
// keeps the next ones as spares. A context without memory for the operands does the same,
// because only its memory matters then. An estimating context uses the largest plan. what
// describes the computation.
func (c *Context) choose(what, key string, plans []plan, sizes [4]int64) (plan, error) {
	best := -1
	switch {
	case c.options.Deterministic:
	case c.estimating:
		best = 0
		for i, p := range plans {
			if p.Workspace() > plans[best].Workspace() {
				best = i
			}
		}
	case len(plans) > 1:
		c.card.mu.Lock()
		name, known := c.card.chosen[key]
		if !known {
			i, err := c.fastest(what, plans, sizes)
			switch {
			case errors.Is(err, gpu.ErrOutOfMemory):
			case err != nil:
				c.card.mu.Unlock()
				c.fail(err)
				for _, p := range plans {
					err = errors.Join(err, p.Close())
				}
				return nil, err
			default:
				name = plans[i].Name()
				c.card.chosen[key] = name
			}
		}
		c.card.mu.Unlock()
		best = slices.IndexFunc(plans, func(p plan) bool { return p.Name() == name })
	}
	if best < 0 {
		p, err := c.withSpares(what, plans)
		c.took(what, p)
		return p, err
	}
	var errs []error
	for i, p := range plans {
		if i != best {
			errs = append(errs, p.Close())
		}
	}
	c.took(what, plans[best])
	return plans[best], errors.Join(errs...)
}

// fastest runs every plan on its own memory and returns the index of the fastest. It
// skips refused plans.
func (c *Context) fastest(what string, plans []plan, sizes [4]int64) (best int, err error) {
	var total, work int64
	var at [4]gpu.Pointer
	for i, n := range sizes {
		at[i] = gpu.Pointer(total)
		total += align(n)
	}
	for _, p := range plans {
		work = max(work, p.Workspace())
	}
	base, err := c.card.device.Allocate(total + align(work) + 1)
	if err != nil {
		return 0, err
	}
	defer func() { // after all work that still runs there
		err = errors.Join(err, c.compute.Synchronize(), c.card.device.Free(base))
	}()
	for i := range at {
		at[i] = base.Add(int64(at[i]))
	}
	if err := c.compute.Fill(base, 0, total); err != nil {
		return 0, err
	}
	begin, err := c.card.device.NewEvent(true)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, begin.Close()) }()
	end, err := c.card.device.NewEvent(true)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, end.Close()) }()

	best = -1
	var least time.Duration
	var failure error
	for i, p := range plans {
		once := func() error { return p.Run(c.compute, at[0], at[1], at[3], at[2], base.Add(total)) }
		if err := once(); err != nil {
			if errors.Is(err, gpu.ErrLost) {
				return 0, err
			}
			c.note("%s: %s is passed over: %v", what, p.Name(), err)
			failure = errors.Join(failure, fmt.Errorf("%s: %w", p.Name(), err))
			continue
		}
		took, err := c.time(begin, end, once)
		if err != nil {
			return 0, err
		}
		if best < 0 || took < least {
			best, least = i, took
		}
	}
	if best < 0 {
		return 0, failure
	}
	return best, nil
}

// time returns the time of timedRuns runs on the compute stream.
func (c *Context) time(begin, end gpu.Event, run func() error) (time.Duration, error) {
	if err := c.compute.Synchronize(); err != nil { // waits for the first run, which loads code
		return 0, err
	}
	if err := c.compute.Record(begin); err != nil {
		return 0, err
	}
	for range timedRuns {
		if err := run(); err != nil {
			return 0, err
		}
	}
	if err := c.compute.Record(end); err != nil {
		return 0, err
	}
	if err := end.Synchronize(); err != nil {
		return 0, err
	}
	return end.Since(begin)
}
