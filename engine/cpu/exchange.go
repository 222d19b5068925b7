package cpu

import "alexnet/engine"

func (c *Context) lowerConcat(op engine.Concat) (lowered, error) {
	kind := op.Kind()
	s, err := shapeOf(kind, "Y", op.Y)
	if err != nil {
		return lowered{}, err
	}
	maps := 0
	for _, p := range op.Parts {
		ps, err := shapeOf(kind, "a part", p)
		if err != nil {
			return lowered{}, err
		}
		if err := check(kind, want{"a part", p, engine.Working, engine.Shape{s[0], ps[1], s[2], s[3]}}); err != nil {
			return lowered{}, err
		}
		maps += ps[1]
	}
	if err := check(kind, want{"Y", op.Y, engine.Working, engine.Shape{s[0], maps, s[2], s[3]}}); err != nil {
		return lowered{}, err
	}
	return lowered{stages: []stage{{s[0], func(_ *worker, n int) {
		y := c.floats(op.Y)[n*s.Row():][:s.Row()]
		for _, p := range op.Parts {
			row := p.Shape.Row()
			copy(y, owner(p).floats(p)[n*row:][:row])
			y = y[row:]
		}
	}}}}, nil
}

func (c *Context) lowerSumSlices(op engine.SumSlices) (lowered, error) {
	kind := op.Kind()
	s, err := shapeOf(kind, "Y", op.Y)
	if err != nil {
		return lowered{}, err
	}
	if err := check(kind, want{"Y", op.Y, engine.Working, s}); err != nil {
		return lowered{}, err
	}
	if len(op.Parts) == 0 {
		return lowered{}, opErrorf(kind, "no parts for %v", op.Y)
	}
	for _, p := range op.Parts {
		ps, err := shapeOf(kind, "a part", p)
		if err != nil {
			return lowered{}, err
		}
		if err := check(kind, want{"a part", p, engine.Working, engine.Shape{s[0], ps[1], s[2], s[3]}}); err != nil {
			return lowered{}, err
		}
		if op.First < 0 || op.First+s[1] > ps[1] {
			return lowered{}, opErrorf(kind, "channels %d to %d lie outside %v", op.First, op.First+s[1], p)
		}
	}
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
	}}}}, nil
}
