package cuda

import (
	"errors"
	"fmt"
	"slices"

	"alexnet/engine/cuda/internal/gpu"
)

// mostSpares is the number of untimed plans that are kept for one computation.
const mostSpares = 3

// withSpares makes one plan of a library's first plans, and closes the rest.
func (c *Context) withSpares(what string, plans []plan) (plan, error) {
	var errs []error
	for _, p := range plans[min(len(plans), mostSpares):] {
		errs = append(errs, p.Close())
	}
	plans = plans[:min(len(plans), mostSpares)]
	if len(plans) == 1 {
		return plans[0], errors.Join(errs...)
	}
	r := &sparePlan{c: c, what: what, plans: plans}
	for _, p := range plans {
		r.workspace = max(r.workspace, p.Workspace())
	}
	return r, errors.Join(errs...)
}

// sparePlan runs the first of its plans. If a plan fails, it uses the next one from then
// on: a library may offer an engine that its device refuses.
type sparePlan struct {
	c         *Context
	what      string
	plans     []plan // at least one
	workspace int64  // of the largest
}

// Name returns the name of the plan in use.
func (r *sparePlan) Name() string { return r.plans[0].Name() }

// Workspace returns a size that is enough for every plan.
func (r *sparePlan) Workspace() int64 { return r.workspace }

// Run enqueues the computation. While a graph is captured no plan is given up, since
// the failure may be the capture's.
func (r *sparePlan) Run(s gpu.Stream, a, b, bias, d, workspace gpu.Pointer) error {
	for {
		err := r.plans[0].Run(s, a, b, bias, d, workspace)
		if err == nil || len(r.plans) == 1 || r.c.capturing || errors.Is(err, gpu.ErrLost) || errors.Is(err, gpu.ErrOutOfMemory) {
			return err
		}
		r.c.note("%s: %s fails, %s takes its place: %v", r.what, r.Name(), r.plans[1].Name(), err)
		if err := r.plans[0].Close(); err != nil {
			return err
		}
		r.plans = r.plans[1:]
		r.c.took(r.what, r)
	}
}

// Close closes the remaining plans.
func (r *sparePlan) Close() error {
	var errs []error
	for _, p := range r.plans {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// note tells the user which fast path the context does without.
func (c *Context) note(format string, values ...any) {
	if c.options.Note != nil {
		c.options.Note(c.name + ": " + fmt.Sprintf(format, values...))
	}
}

// took records the plan of a computation.
func (c *Context) took(what string, p plan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plans = append(c.plans, fmt.Sprintf("%s: %s, %d bytes of workspace", what, p.Name(), p.Workspace()))
}

// Plans lists the library's plans that the context has taken so far, in order: the
// computation, the engine or algorithm, and its workspace. It is for reports of
// failures. It may be called at any time.
func (c *Context) Plans() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.plans)
}
