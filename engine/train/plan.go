package train

import (
	"alexnet/engine"
	"alexnet/engine/feed"
)

// Memory is the memory that a run will take.
type Memory struct {
	Contexts []ContextMemory
	// Pixels is the number of bytes on the host for the loaders' batches.
	Pixels int64
	// Pinned says that Pixels are in pinned (page-locked) memory.
	Pinned bool
	// Exchange says that the library that connects the ranks takes more, for its
	// buffers.
	Exchange bool
}

// ContextMemory is the memory that a device context will take, in bytes.
type ContextMemory struct {
	Context string
	*engine.Plan
	Room  *engine.Room // the memory that it is taken from; nil where that isn't known
	Spare int64        // what all contexts leave of Room; below 0 it is too little
}

// Memory plans the run on this rank's devices without reserving memory. With an
// *engine.TooLargeError it also returns the plan that is too large.
func (j *Job) Memory() (*Memory, error) {
	contexts, err := j.c.Open(j.ownDevices, j.deviceOptions())
	if err != nil {
		return nil, err
	}
	for _, c := range contexts {
		defer c.Close()
	}
	plans, err := engine.PlanModel(j.net, contexts, j.modelConfig(nil))
	if plans == nil {
		return nil, err
	}
	out := new(Memory)
	taken := map[any]int64{} // of memory that contexts share
	for _, p := range plans {
		c := ContextMemory{Context: p.Context.Name(), Plan: p, Room: roomOf(p.Context)}
		if c.Room != nil {
			taken[c.Room.Of] += p.Total()
		}
		out.Contexts = append(out.Contexts, c)
	}
	for i, c := range out.Contexts {
		if c.Room != nil {
			out.Contexts[i].Spare = c.Room.Free - taken[c.Room.Of]
		}
	}
	if _, ok := contexts[0].(engine.Joiner); ok {
		out.Exchange = j.group.Size() > 1
	}
	_, out.Pinned = contexts[0].(engine.PinnedMemory)
	loaders := 1
	if j.held > 0 {
		loaders = 2
	}
	out.Pixels = int64(loaders * feed.LoaderBatches * j.share() * j.net.Input.Size * j.net.Input.Size * 3)
	return out, err
}

// roomOf returns the memory that a context reserves from; nil if the context does not
// say.
func roomOf(c engine.Context) *engine.Room {
	r, err := c.Room()
	if err != nil || r.Total == 0 {
		return nil
	}
	return &r
}
