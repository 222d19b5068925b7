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

func (c *Context) lowerOp(op engine.Op) (step, error) {
	switch op := op.(type) {
	case engine.Input:
		return c.lowerInput(op), nil
	case engine.ConvForward:
		return c.lowerConvForward(op), nil
	case engine.ConvBackward:
		return c.lowerConvBackward(op), nil
	case engine.LocalForward:
		return c.lowerLocalForward(op)
	case engine.LocalBackward:
		return c.lowerLocalBackward(op)
	case engine.DenseForward:
		return c.lowerDenseForward(op), nil
	case engine.DenseBackward:
		return c.lowerDenseBackward(op), nil
	case engine.Activate:
		return c.lowerActivate(op), nil
	case engine.ActivateBackward:
		return c.lowerActivateBackward(op), nil
	case engine.LRNForward:
		return c.lowerLRNForward(op), nil
	case engine.LRNBackward:
		return c.lowerLRNBackward(op), nil
	case engine.MaxPoolForward:
		return c.lowerMaxPoolForward(op), nil
	case engine.MaxPoolBackward:
		return c.lowerMaxPoolBackward(op), nil
	case engine.AvgPoolForward:
		return c.lowerAvgPool("avgpool", op.Window, op.X, op.Y), nil
	case engine.AvgPoolBackward:
		return c.lowerAvgPool("avgpool_backward", op.Window, op.DY, op.DX), nil
	case engine.Dropout:
		return c.lowerDropout(op), nil
	case engine.SoftmaxLoss:
		return c.lowerSoftmaxLoss(op), nil
	case engine.Accumulate:
		return c.lowerAccumulate(op), nil
	case engine.Update:
		return c.lowerUpdate(op), nil
	case engine.Concat:
		return c.lowerConcat(op), nil
	case engine.SumSlices:
		return c.lowerSumSlices(op), nil
	case engine.AllReduce:
		return c.lowerAllReduce(op), nil
	case engine.AwaitAllReduce:
		return c.lowerAwaitAllReduce(), nil
	case engine.AllGather:
		return c.lowerAllGather(op), nil
	case engine.ReduceScatter:
		return c.lowerReduceScatter(op), nil
	case engine.AllToAll:
		return c.lowerAllToAll(op), nil
	case engine.Signal:
		e, ok := op.Event.(*event)
		if !ok || e.owner != c {
			return step{}, errors.New("signal: the event belongs to another context")
		}
		return step{signal: e}, nil
	case engine.Await:
		e, ok := op.Event.(*event)
		if !ok {
			return step{}, errors.New("await: the event belongs to another kind of context")
		}
		return step{await: e}, nil
	}
	return step{}, fmt.Errorf("%s (%T): engine/vulkan has no such op", op.Kind(), op)
}

// checkPlaces reports tensors that an op cannot use where they are.
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

// threads is the number of invocations of a workgroup of shaders with one invocation per
// element: 256 where the device allows it, otherwise the 128 that every device allows.
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
