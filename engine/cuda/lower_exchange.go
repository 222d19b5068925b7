package cuda

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/cuda/internal/kernels"
)

func (c *Context) lowerConcat(op engine.Concat) step {
	at := remote{c: c}
	var parts []func() gpu.Pointer
	for _, t := range op.Parts {
		parts = append(parts, at.of(t))
	}
	y := op.Y.Shape
	return step{fetches: at.fetches, work: at.work, run: func(s gpu.Stream) error {
		first := 0
		for i, t := range op.Parts {
			maps := t.Shape[1]
			if err := c.kernels.Concat(s, kernels.Concat{
				X: parts[i](), Y: c.address(op.Y),
				Rows: int32(y[0] * y[2] * y[3]), C: int32(maps), YChannels: int32(y[1]), First: int32(first),
			}); err != nil {
				return err
			}
			first += maps
		}
		return nil
	}}
}

func (c *Context) lowerSumSlices(op engine.SumSlices) (step, error) {
	if len(op.Parts) > kernels.MaxParts {
		return step{}, fmt.Errorf("%d parts, at most %d: %w", len(op.Parts), kernels.MaxParts, gpu.ErrUnsupported)
	}
	at := remote{c: c}
	var parts []func() gpu.Pointer
	for _, t := range op.Parts {
		if t.Shape[1] != op.Parts[0].Shape[1] {
			return step{}, fmt.Errorf("%v and %v have different numbers of maps: %w", op.Parts[0], t, gpu.ErrUnsupported)
		}
		parts = append(parts, at.of(t))
	}
	y := op.Y.Shape
	return step{fetches: at.fetches, work: at.work, run: func(s gpu.Stream) error {
		p := kernels.SumSlices{
			Y: c.address(op.Y), Count: int32(len(parts)),
			Rows: int32(y[0] * y[2] * y[3]), C: int32(y[1]), PartChannels: int32(op.Parts[0].Shape[1]), First: int32(op.First),
		}
		for i, part := range parts {
			p.Parts[i] = part()
		}
		return c.kernels.SumSlices(s, p)
	}}, nil
}
