package cpu

import "alexnet/engine"

func (c *Context) lowerConcat(op engine.Concat) lowered {
	s := op.Y.Shape
	return lowered{stages: []stage{{s[0], func(_ *worker, n int) {
		y := c.floats(op.Y)[n*s.Row():][:s.Row()]
		for _, p := range op.Parts {
			row := p.Shape.Row()
			copy(y, owner(p).floats(p)[n*row:][:row])
			y = y[row:]
		}
	}}}}
}

func (c *Context) lowerSumSlices(op engine.SumSlices) lowered {
	s := op.Y.Shape
	area, row := s[2]*s[3], s.Row()
	return lowered{stages: []stage{{s[0], func(_ *worker, n int) {
		y := c.floats(op.Y)[n*row:][:row]
		for i, p := range op.Parts {
			slice := owner(p).floats(p)[n*p.Shape.Row()+op.First*area:][:row]
			if i == 0 {
				copy(y, slice)
				continue
			}
			c.kernels.Add(y, slice)
		}
	}}}}
}
