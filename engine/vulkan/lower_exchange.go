package vulkan

import (
	"alexnet/engine"
	"alexnet/engine/vulkan/internal/vk"
)

// mostParts is the most tensors that exchange.comp adds up.
const mostParts = 8

// slices returns a dispatch that adds up run elements of every image of each x, from
// xFirst on, and writes them to y from yFirst on. With adds it adds to y's values.
func (c *Context) slices(x []*engine.Tensor, y *engine.Tensor, run, xFirst, yFirst int, adds bool) dispatch {
	count := y.Shape[0] * run
	return c.elements("exchange", count, func(b *binder) []byte {
		arguments := struct {
			x                                                     [mostParts]vk.Address
			y                                                     vk.Address
			parts, count, run, xRow, xFirst, yRow, yFirst, adding uint32
		}{y: b.of(y), parts: uint32(len(x)), count: uint32(count), run: uint32(run),
			xRow: uint32(x[0].Shape.Row()), xFirst: uint32(xFirst), yRow: uint32(y.Shape.Row()), yFirst: uint32(yFirst), adding: flag(adds)}
		for i, t := range x {
			arguments.x[i] = b.of(t)
		}
		return push(arguments)
	})
}

func (c *Context) lowerConcat(op engine.Concat) step {
	var s step
	first := 0
	for i := range op.Parts {
		row := op.Parts[i].Shape.Row()
		s.dispatches = append(s.dispatches, c.slices(op.Parts[i:i+1], op.Y, row, 0, first, false))
		first += row
	}
	return s
}

func (c *Context) lowerSumSlices(op engine.SumSlices) step {
	var s step
	area := op.Y.Shape[2] * op.Y.Shape[3]
	for same := op.Parts; len(same) > 0; {
		// Consecutive parts with the same number of maps.
		n := 1
		for n < min(len(same), mostParts) && same[n].Shape == same[0].Shape {
			n++
		}
		d := c.slices(same[:n], op.Y, op.Y.Shape.Row(), op.First*area, 0, len(s.dispatches) > 0)
		d.behind = len(s.dispatches) > 0
		s.dispatches = append(s.dispatches, d)
		same = same[n:]
	}
	return s
}
