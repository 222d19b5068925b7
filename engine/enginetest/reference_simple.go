package enginetest

import (
	"math"

	"alexnet/engine"
)

func (r run) input(op engine.Input) {
	pixels, colour, mean, y := r.read(op.Pixels), r.read(op.Colour), r.read(op.Mean), r.write(op.Y)
	scale := float64(op.Scale)
	each(y.Shape, func(n, c, i, j int) {
		s := y.at(n, c, i, j)
		s.add(pixels.at(n, i, j, c)*scale, 1) // as a Shape, (N, H, W, 3)
		s.add(colour.at(n, c, 0, 0)*scale, 1)
		s.add(-mean.at(0, c, i, j)*scale, 1)
	})
}

// elementary is the number of roundings allowed to a kernel's exp, tanh or pow: good
// float32 libraries need 2 to 4.
const elementary = 8

func (r run) activate(op engine.Activate) {
	x, y := r.read(op.X), r.write(op.Y)
	for i, v := range x.v {
		switch op.Function {
		case engine.ReLU:
			if v < 0 {
				v = 0
			}
			y.v[i] = exact(v)
		case engine.Tanh:
			v = math.Tanh(v)
			y.v[i] = rounded(v, math.Abs(v), elementary)
		}
	}
}

func (r run) activateBackward(op engine.ActivateBackward) {
	y, dy, dx := r.read(op.Y), r.read(op.DY), r.write(op.DX)
	for i, v := range y.v {
		switch op.Function {
		case engine.ReLU:
			if v > 0 {
				dx.v[i] = exact(dy.v[i])
			} else {
				dx.v[i] = exact(0)
			}
		case engine.Tanh:
			dx.v[i] = rounded(dy.v[i]*(1-v*v), math.Abs(dy.v[i])*(1+v*v), 3)
		}
	}
}

func (r run) dropout(op engine.Dropout) {
	x, y := r.read(op.X), r.write(op.Y)
	key := engine.DropoutKey(r.step, op.Layer)
	first := r.step.Image
	if op.AllRanks {
		first = 0
	}
	rate := float64(op.Rate)
	for i, v := range x.v {
		n, j := i/x.Shape.Row(), i%x.Shape.Row()
		keeps := !op.Train || engine.DropoutKeeps(key, (first+uint64(n))*uint64(op.Width)+uint64(op.First+j), op.Rate)
		scale := 1.0
		switch {
		case op.Train && op.Inverted:
			scale = 1 / (1 - rate)
		case !op.Train && !op.Inverted:
			scale = 1 - rate
		}
		switch {
		case !keeps:
			y.v[i] = exact(0)
		case scale == 1:
			y.v[i] = exact(v)
		default:
			y.v[i] = rounded(v*scale, math.Abs(v*scale), 3) // 1 − rate, its inverse, the product
		}
	}
}

func (r run) accumulate(op engine.Accumulate) {
	g, sum := r.read(op.G), r.write(op.Sum)
	for i, v := range g.v {
		sum.v[i].add(v, 0)
		if !op.First {
			sum.v[i].add(r.m[op.Sum][i], 0)
		}
	}
}

func (r run) update(op engine.Update) {
	w, v, g := r.read(op.W), r.read(op.V), r.read(op.G)
	newW, newV := r.write(op.W), r.write(op.V)
	if op.Halt != nil && r.read(op.Halt).v[0] != 0 {
		for i := range w.v {
			newW.v[i], newV.v[i] = exact(w.v[i]), exact(v.v[i])
		}
		return
	}
	rate := float64(r.step.LearningRate) * float64(op.Rate)
	for i := range w.v {
		s := &newV.v[i]
		s.add(float64(r.step.Momentum)*v.v[i], 1)
		s.add(-float64(op.Decay)*rate*w.v[i], 3)
		s.add(-rate*g.v[i], 2)
		newW.v[i] = rounded(w.v[i]+s.Value, math.Abs(w.v[i])+s.Abs, s.Roundings()+1)
	}
}

func (r run) concat(op engine.Concat) {
	y := r.write(op.Y)
	first := 0
	for _, t := range op.Parts {
		part := r.read(t)
		each(part.Shape, func(n, c, i, j int) {
			*y.at(n, first+c, i, j) = exact(part.at(n, c, i, j))
		})
		first += part.Shape[1]
	}
}

func (r run) sumSlices(op engine.SumSlices) {
	y := r.write(op.Y)
	for _, t := range op.Parts {
		part := r.read(t)
		each(y.Shape, func(n, c, i, j int) {
			y.at(n, c, i, j).add(part.at(n, op.First+c, i, j), 0)
		})
	}
}
