package cuda

import (
	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

// lowerUpdates translates updates with the same Halt to one launch over a table of all
// their parameters, which Compile puts into device memory.
func (c *Context) lowerUpdates(ops []engine.Update) step {
	at := remote{c: c}
	halt := func() gpu.Pointer { return 0 }
	if h := ops[0].Halt; h != nil {
		halt = at.of(h)
	}
	var table kernels.UpdateTable
	var device gpu.Pointer
	prepare := func() (err error) {
		var parameters []kernels.Parameter
		for _, op := range ops {
			p := kernels.Parameter{
				W: c.address(op.W), V: c.address(op.V), G: c.address(op.G),
				Count: int64(op.W.Shape.Len()), Decay: op.Decay, Rate: op.Rate,
			}
			if c.working != gpu.Float32 {
				p.Copy = c.operand(op.W)
			}
			parameters = append(parameters, p)
		}
		table = kernels.NewUpdateTable(parameters)
		if device, err = c.family.allocate(c, int64(len(table.Bytes))); err != nil {
			return err
		}
		return c.sendTo(device, table.Bytes)
	}
	return step{stepped: true, prepare: prepare, fetches: at.fetches, work: at.work, run: func(s gpu.Stream) error {
		return c.kernels.Update(s, kernels.Update{Table: device, Step: c.params, Halt: halt()}, table)
	}}
}
