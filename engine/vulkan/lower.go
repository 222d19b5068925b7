package vulkan

import (
	"errors"
	"fmt"

	"alexnet/engine"
)

// lower translates ops[i], which has been checked. It needs no memory.
func (c *Context) lower(ops []engine.Op, i int) (step, error) {
	for _, t := range append(ops[i].Reads(), ops[i].Writes()...) {
		if int64(t.Shape.Len()) > mostElements {
			return step{}, fmt.Errorf("%s: %v has more than %d elements", ops[i].Kind(), t, mostElements)
		}
	}
	s, err := c.lowerOp(ops[i])
	s.name = ops[i].Kind()
	return s, err
}

// mostElements is the largest number of elements that shaders can count.
const mostElements = 1<<31 - 1

// lowerings is the table of ops, a row for each kind of layer or piece of work.
var lowerings = [][]lowering{
	{by((*Context).lowerInput)},
	{by((*Context).lowerConvForward), by((*Context).lowerConvBackward)},
	{mayRefuse((*Context).lowerLocalForward), mayRefuse((*Context).lowerLocalBackward)},
	{by((*Context).lowerDenseForward), by((*Context).lowerDenseBackward)},
	{by((*Context).lowerActivate), by((*Context).lowerActivateBackward)},
	{by((*Context).lowerLRNForward), by((*Context).lowerLRNBackward)},
	{by((*Context).lowerMaxPoolForward), by((*Context).lowerMaxPoolBackward)},
	{by((*Context).lowerAvgPoolForward), by((*Context).lowerAvgPoolBackward)},
	{by((*Context).lowerDropout)},
	{by((*Context).lowerSoftmaxLoss)},
	{by((*Context).lowerAccumulate), by((*Context).lowerUpdate)},
	{by((*Context).lowerConcat), by((*Context).lowerSumSlices)},
	{by((*Context).lowerAllReduce), by((*Context).lowerAwaitAllReduce), by((*Context).lowerAllGather),
		by((*Context).lowerReduceScatter), by((*Context).lowerAllToAll)},
	{mayRefuse((*Context).lowerSignal), mayRefuse((*Context).lowerAwait)},
}

// A lowering translates ops of one type; ok is false for others.
type lowering func(c *Context, op engine.Op) (s step, ok bool, err error)

func by[O engine.Op](lower func(*Context, O) step) lowering {
	return mayRefuse(func(c *Context, op O) (step, error) { return lower(c, op), nil })
}

func mayRefuse[O engine.Op](lower func(*Context, O) (step, error)) lowering {
	return func(c *Context, op engine.Op) (s step, ok bool, err error) {
		o, ok := op.(O)
		if ok {
			s, err = lower(c, o)
		}
		return s, ok, err
	}
}

func (c *Context) lowerOp(op engine.Op) (step, error) {
	for _, row := range lowerings {
		for _, lower := range row {
			if s, ok, err := lower(c, op); ok {
				return s, err
			}
		}
	}
	return step{}, fmt.Errorf("%s (%T): engine/vulkan has no such op", op.Kind(), op)
}

func (c *Context) lowerSignal(op engine.Signal) (step, error) {
	e, ok := op.Event.(*event)
	if !ok || e.owner != c {
		return step{}, errors.New("signal: the event belongs to another context")
	}
	return step{signal: e}, nil
}

func (c *Context) lowerAwait(op engine.Await) (step, error) {
	e, ok := op.Event.(*event)
	if !ok {
		return step{}, errors.New("await: the event belongs to another kind of context")
	}
	return step{await: e}, nil
}

// checkPlaces returns an error for tensors that an op cannot use in their context.
func (c *Context) checkPlaces(op engine.Op) error {
	for _, t := range append(op.Reads(), op.Writes()...) {
		err := error(nil)
		switch peer, same := t.Context.(*Context); {
		case !engine.MayBePeers(op, t) || peer == c:
			err = c.placed(t)
		case !same || peer.device != c.device:
			err = fmt.Errorf("%v lives in a context of another kind or device", t)
		case t.Type == engine.Working && peer.narrow != c.narrow:
			err = fmt.Errorf("%v lives in a context of another precision", t)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", op.Kind(), err)
		}
	}
	return nil
}

// threads is the number of invocations in a workgroup of shaders with one invocation per
// element: 256 if the device allows it, otherwise 128, which every device allows.
func (c *Context) threads() uint32 {
	const most, least = 256, 128
	if l := &c.device.GPU.Limits; l.MaxComputeWorkGroupInvocations < most || l.MaxComputeWorkGroupSize[0] < most {
		return least
	}
	return most
}

// mostGroups is the number of workgroups that every device allows along an axis.
const mostGroups = 65535

// elements returns a dispatch of a shader with one invocation for each of count
// elements.
func (c *Context) elements(shader string, count int, push func(*binder) []byte) dispatch {
	n := c.threads()
	return dispatch{shader: shader, constants: []uint32{n}, push: push, groups: grid((count+int(n)-1)/int(n), 1)}
}

// grid returns n workgroups, or a few more, in as many rows as needed, z times.
func grid(n, z int) [3]uint32 {
	rows := (n + mostGroups - 1) / mostGroups
	return [3]uint32{uint32((n + rows - 1) / rows), uint32(rows), uint32(z)}
}

// one returns a step of one dispatch.
func one(d dispatch) step { return step{dispatches: []dispatch{d}} }

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
