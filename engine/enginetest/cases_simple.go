package enginetest

import (
	"fmt"
	"math"

	"alexnet/engine"
)

var (
	nan = math.NaN()
	inf = math.Inf(1)
)

func inputCases() (cases []OpCase) {
	for _, c := range []struct {
		n, h, w int
		scale   float32
	}{{1, 1, 1, 1}, {3, 2, 3, 1}, {2, 5, 7, 1.0 / 64}, {3, 16, 16, 0.5}} {
		name := fmt.Sprintf("input/%d images of %d×%d times %g", c.n, c.h, c.w, c.scale)
		op := engine.Input{
			Pixels: tensor("pixels", engine.Byte, c.n, c.h, c.w, 3),
			Colour: tensor("colour", engine.Float32, c.n, 3, 1, 1),
			Mean:   tensor("mean", engine.Float32, 1, 3, c.h, c.w),
			Y:      tensor("y", engine.Working, c.n, 3, c.h, c.w),
			Scale:  c.scale,
		}
		cases = append(cases, OpCase{Name: name, Op: op, Data: Memory{
			op.Pixels: integers(name, op.Pixels.Shape.Len(), 0, 255),
			op.Colour: scaled(Noise(name+"colour", op.Colour.Shape.Len()), 30),
			op.Mean:   scaled(Noise(name+"mean", op.Mean.Shape.Len()), 127),
		}})
	}
	return cases
}

func scaled(v []float64, by float64) []float64 {
	for i := range v {
		v[i] *= by
	}
	return v
}

func activateCases() (cases []OpCase) {
	special := []float64{0, math.Copysign(0, -1), 1, -1, inf, -inf, nan, 1e-30, -1e-30, 1e30, -1e30,
		0.5, -0.5, 3, -3, 8, -8, 20, -20, 88, -90, 1e-4, 0.03}
	for _, f := range []struct {
		name string
		engine.Function
	}{{"relu", engine.ReLU}, {"tanh", engine.Tanh}} {
		for _, s := range []engine.Shape{{1, 1, 1, 1}, {3, 5, 7, 3}, {1, len(special), 1, 1}, {2, 1027, 1, 1}} {
			data := scaled(Noise(f.name, s.Len()), 4)
			if s[1] == len(special) {
				data = special
			}
			dy := Noise(f.name+"dy", s.Len())
			// y is an output of the forward op.
			y := make([]float64, len(data))
			for i, v := range data {
				y[i] = max(v, 0)
				if f.Function == engine.Tanh {
					y[i] = math.Tanh(v)
				}
			}
			forward := engine.Activate{Function: f.Function, X: working("x", s), Y: working("y", s)}
			inPlace := engine.Activate{Function: f.Function, X: forward.X, Y: forward.X}
			backward := engine.ActivateBackward{Function: f.Function, Y: working("y", s), DY: working("dy", s), DX: working("dx", s)}
			backInPlace := backward
			backInPlace.DX = backward.DY
			for _, c := range []OpCase{
				{"activate/%s %v", forward, engine.Step{}, Memory{forward.X: data}},
				{"activate/%s %v in place", inPlace, engine.Step{}, Memory{forward.X: data}},
				{"activate backward/%s %v", backward, engine.Step{}, Memory{backward.Y: y, backward.DY: dy}},
				{"activate backward/%s %v in place", backInPlace, engine.Step{}, Memory{backward.Y: y, backward.DY: dy}},
			} {
				c.Name = fmt.Sprintf(c.Name, f.name, s)
				cases = append(cases, c)
			}
		}
	}
	return cases
}

func dropoutCases() (cases []OpCase) {
	step := engine.Step{Seed: 7, Number: 12345}
	for _, c := range []struct {
		shape        engine.Shape
		width, first int
		rate         float32
	}{
		{engine.Shape{1, 1, 1, 1}, 1, 0, 0.5},
		{engine.Shape{3, 37, 1, 1}, 37, 0, 0.5},
		{engine.Shape{3, 37, 1, 1}, 74, 37, 0.5}, // the second tower's half
		{engine.Shape{2, 3, 5, 7}, 105, 0, 0.25},
		{engine.Shape{2, 1030, 1, 1}, 1030, 0, 0.1},
		{engine.Shape{2, 8, 1, 1}, 8, 0, 0}, // keeps everything
	} {
		for _, train := range []bool{true, false} {
			for _, inverted := range []bool{false, true} {
				for _, inPlace := range []bool{false, true} {
					op := engine.Dropout{
						Rate: c.rate, Layer: 6, Width: c.width, First: c.first, Train: train, Inverted: inverted,
						X: working("x", c.shape), Y: working("y", c.shape),
					}
					name := fmt.Sprintf("dropout/%v at %d of %d, rate %g, train %t, inverted %t",
						c.shape, c.first, c.width, c.rate, train, inverted)
					if inPlace {
						op.Y = op.X
						name += ", in place"
					}
					// Whole numbers other than zero, so that a dropped unit differs from a kept one.
					data := integers(name, c.shape.Len(), 1, 100)
					cases = append(cases, OpCase{name, op, step, Memory{op.X: data}})
					if train && !inPlace {
						op.AllRanks = true
						cases = append(cases, OpCase{name + ", of all ranks", op, step, Memory{op.X: data}})
					}
				}
			}
		}
	}
	return cases
}

func accumulateCases() (cases []OpCase) {
	for _, s := range []engine.Shape{{1, 1, 1, 1}, {7, 3, 5, 5}, {33, 1, 1, 1}, {40, 41, 5, 1}} {
		for _, first := range []bool{true, false} {
			cases = append(cases, OpCase{
				Name: fmt.Sprintf("accumulate/%v, first %t", s, first),
				Op:   engine.Accumulate{G: float32s("g", s), Sum: float32s("sum", s), First: first},
			})
		}
	}
	return cases
}

func updateCases() (cases []OpCase) {
	for _, c := range []struct {
		shape               engine.Shape
		rate, decay, eps, m float32
	}{
		{engine.Shape{1, 1, 1, 1}, 1, 0.0005, 0.01, 0.9},
		{engine.Shape{7, 3, 5, 5}, 1, 0.0005, 0.01, 0.9},
		{engine.Shape{33, 1, 1, 1}, 2, 0, 0.01, 0.9},
		{engine.Shape{12, 3, 3, 3}, 0.1, 0.004, 0.01, 0.9}, // a layer with a rate and a decay of its own
		{engine.Shape{9, 5, 1, 1}, 1, 0.25, 0.5, 0},        // no momentum: the old velocity has no effect
		{engine.Shape{40, 41, 1, 1}, 1, 0.0005, 0, 0.5},
	} {
		op := engine.Update{W: master("w", c.shape), V: float32s("v", c.shape), G: float32s("g", c.shape), Decay: c.decay, Rate: c.rate}
		name := fmt.Sprintf("update/%v rate %g decay %g ε %g momentum %g", c.shape, c.rate, c.decay, c.eps, c.m)
		step := engine.Step{LearningRate: c.eps, Momentum: c.m}
		cases = append(cases, OpCase{Name: name, Op: op, Step: step})
		op.Halt = halt()
		for _, flag := range []float64{0, 1, -1} {
			cases = append(cases, OpCase{
				Name: fmt.Sprintf("%s, halt %g", name, flag), Op: op, Step: step, Data: Memory{op.Halt: {flag}},
			})
		}
	}
	return cases
}

func concatCases() (cases []OpCase) {
	for _, c := range []struct {
		n, h, w int
		parts   []int
	}{{1, 1, 1, []int{1}}, {1, 1, 1, []int{1, 1}}, {3, 5, 7, []int{4, 3}}, {2, 1, 1, []int{33, 64}}, {3, 13, 13, []int{8, 8}}, {2, 2, 3, []int{1, 2, 3}}} {
		var op engine.Concat
		total := 0
		for i, maps := range c.parts {
			op.Parts = append(op.Parts, tensor(fmt.Sprintf("part%d", i), engine.Working, c.n, maps, c.h, c.w))
			total += maps
		}
		op.Y = tensor("y", engine.Working, c.n, total, c.h, c.w)
		cases = append(cases, OpCase{Name: fmt.Sprintf("concat/%v maps of %d×%d×%d", c.parts, c.n, c.h, c.w), Op: op})
	}
	return cases
}

func sumSlicesCases() (cases []OpCase) {
	for _, c := range []struct {
		n, maps, h, w int
		parts         int
		first, take   int
	}{
		{1, 1, 1, 1, 1, 0, 1},
		{3, 7, 5, 3, 1, 2, 4}, // one part: a slice
		{3, 7, 5, 3, 2, 0, 4},
		{3, 7, 5, 3, 2, 4, 3}, // up to the last map
		{2, 64, 1, 1, 2, 32, 32},
		{2, 16, 13, 13, 2, 8, 8},
		{2, 5, 2, 2, 3, 1, 3},
	} {
		op := engine.SumSlices{First: c.first, Y: tensor("y", engine.Working, c.n, c.take, c.h, c.w)}
		for i := range c.parts {
			op.Parts = append(op.Parts, tensor(fmt.Sprintf("part%d", i), engine.Working, c.n, c.maps, c.h, c.w))
		}
		cases = append(cases, OpCase{
			Name: fmt.Sprintf("sum slices/%d of %d×%d×%d×%d, maps %d to %d", c.parts, c.n, c.maps, c.h, c.w, c.first, c.first+c.take),
			Op:   op,
		})
	}
	return cases
}
