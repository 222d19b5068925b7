package vulkan

import (
	"alexnet/engine"
	"alexnet/engine/vulkan/internal/shaders"
)

// Design returns the dispatches of an op. The op must be valid.
func (c *Context) Design(op engine.Op) (all []engine.Dispatch) {
	s, err := c.lower([]engine.Op{op}, 0)
	if err != nil {
		return nil
	}
	for _, d := range s.dispatches {
		x := engine.Dispatch{
			Kernel: d.name(), Workgroups: int(d.groups[0] * d.groups[1] * d.groups[2]), Threads: int(d.constants[0]),
			Shared: d.shared, Instructions: shaders.Instructions(d.shader, c.variantOf(&d)),
		}
		if d.shared > 0 {
			x.Fit = int(int64(c.device.GPU.Limits.MaxComputeSharedMemorySize) / d.shared)
		}
		all = append(all, x)
	}
	return all
}
