package kernels

import (
	"fmt"
	"math"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/enginetest"
)

// lower runs an op's kernels; it reports false for an op that isn't theirs.
func (b *bench) lower(op engine.Op, step engine.Step, at func(*engine.Tensor) gpu.Pointer) (bool, error) {
	s := b.stream
	number := func(v int) int32 { return int32(v) }
	rows := func(t *engine.Tensor) int32 { return number(t.Shape[0] * t.Shape[2] * t.Shape[3]) }
	pointer := func(t *engine.Tensor) gpu.Pointer {
		if t == nil {
			return 0
		}
		return at(t)
	}
	params := allocate(u8, make([]float64, 32))
	if err := b.SetStep(s, SetStep{params.at(), StepParams{step.Seed, step.Number, step.Image, step.LearningRate, step.Momentum}}); err != nil {
		return false, firstError(err, params.intact())
	}
	switch op := op.(type) {
	case engine.Input:
		h, w := op.Pixels.Shape[1], op.Pixels.Shape[2]
		return true, b.Input(s, Input{at(op.Pixels), at(op.Colour), at(op.Mean), at(op.Y), number(op.Y.Shape[0]), number(h), number(w), op.Scale})
	case engine.Activate:
		return true, b.Activate(s, Activate{at(op.X), at(op.Y), int64(op.X.Shape.Len()), function(op.Function)})
	case engine.ActivateBackward:
		return true, b.ActivateBackward(s, ActivateBackward{at(op.Y), at(op.DY), at(op.DX), int64(op.Y.Shape.Len()), function(op.Function)})
	case engine.LRNForward:
		x := op.X.Shape
		if op.Within {
			return true, b.LRNWithinForward(s, LRNWithinForward{at(op.X), at(op.Y), number(x[0]), number(x[2]), number(x[3]), number(x[1]), response(op.Response, x[1], op.Groups)})
		}
		return true, b.LRNForward(s, LRNForward{at(op.X), at(op.Y), rows(op.X), number(x[1]), response(op.Response, x[1], op.Groups)})
	case engine.LRNBackward:
		x := op.X.Shape
		if op.Within {
			pull := allocate(f32, make([]float64, x.Len()))
			err := b.LRNWithinBackward(s, LRNWithinBackward{at(op.X), at(op.DY), at(op.DX), pull.at(), number(x[0]), number(x[2]), number(x[3]), number(x[1]), response(op.Response, x[1], op.Groups)})
			return true, firstError(err, pull.intact())
		}
		return true, b.LRNBackward(s, LRNBackward{at(op.X), at(op.DY), at(op.DX), rows(op.X), number(x[1]), response(op.Response, x[1], op.Groups)})
	case engine.MaxPoolForward:
		x, y := op.X.Shape, op.Y.Shape
		return true, b.MaxPoolForward(s, MaxPoolForward{at(op.X), at(op.Y), pointer(op.At), number(x[0]), number(x[2]), number(x[3]), number(x[1]), number(y[2]), number(y[3]), window(op.Window)})
	case engine.MaxPoolBackward:
		x, y := op.DX.Shape, op.DY.Shape
		return true, b.MaxPoolBackward(s, MaxPoolBackward{at(op.At), at(op.DY), at(op.DX), number(x[0]), number(x[2]), number(x[3]), number(x[1]), number(y[2]), number(y[3]), window(op.Window)})
	case engine.AvgPoolForward:
		x, y := op.X.Shape, op.Y.Shape
		return true, b.AvgPoolForward(s, AvgPoolForward{at(op.X), at(op.Y), number(x[0]), number(x[2]), number(x[3]), number(x[1]), number(y[2]), number(y[3]), window(op.Window)})
	case engine.AvgPoolBackward:
		x, y := op.DX.Shape, op.DY.Shape
		return true, b.AvgPoolBackward(s, AvgPoolBackward{at(op.DY), at(op.DX), number(x[0]), number(x[2]), number(x[3]), number(x[1]), number(y[2]), number(y[3]), window(op.Window)})
	case engine.LocalForward:
		p := local(op.Window, op.Groups, op.X.Shape, op.Y.Shape)
		// The bench keeps parameters in float32: the kernel reads weights of the working type.
		w := allocate(b.working(), make([]float64, op.W.Shape.Len()))
		p.X, p.Weights, p.Bias, p.Y = at(op.X), w.at(), at(op.B), at(op.Y)
		return true, firstError(b.Cast(s, Cast{at(op.W), w.at(), int64(op.W.Shape.Len())}, gpu.Float32, b.Set.working), b.LocalForward(s, p), w.intact())
	case engine.LocalBackward:
		p := local(op.Window, op.Groups, op.X.Shape, op.DY.Shape)
		p.X, p.Weights, p.Bias, p.Y = at(op.X), at(op.DW), at(op.DB), at(op.DY)
		if err := b.LocalWeights(s, p); err != nil || op.DX == nil {
			return true, err
		}
		w := allocate(b.working(), make([]float64, op.W.Shape.Len()))
		p.X, p.Weights, p.Bias = at(op.DX), w.at(), 0
		return true, firstError(b.Cast(s, Cast{at(op.W), w.at(), int64(op.W.Shape.Len())}, gpu.Float32, b.Set.working), b.LocalData(s, p), w.intact())
	case engine.Dropout:
		x := op.X.Shape
		return true, b.Dropout(s, Dropout{
			X: at(op.X), Y: at(op.Y), Step: params.at(), Layer: op.Layer, Width: int64(op.Width), First: int64(op.First),
			N: number(x[0]), HW: number(x[2] * x[3]), C: number(x[1]), Rate: op.Rate, Train: flag(op.Train), Inverted: flag(op.Inverted),
		})
	case engine.SoftmaxLoss:
		return true, b.SoftmaxLoss(s, SoftmaxLoss{
			X: at(op.X), Labels: at(op.Labels), Probs: at(op.Probs), Loss: at(op.Loss), Rank: at(op.LabelRank), DX: pointer(op.DX), Halt: pointer(op.Halt),
			N: number(op.X.Shape[0]), K: number(op.X.Shape[1]), Scale: op.Scale, Smoothing: op.Smoothing,
		})
	case engine.Accumulate:
		return true, b.Accumulate(s, Accumulate{at(op.G), at(op.Sum), int64(op.G.Shape.Len()), flag(op.First)})
	case engine.Update:
		table := NewUpdateTable([]Parameter{{W: at(op.W), V: at(op.V), G: at(op.G), Count: int64(op.W.Shape.Len()), Decay: op.Decay, Rate: op.Rate}})
		m := allocate(u8, make([]float64, len(table.Bytes)))
		copy(m.bytes(), table.Bytes)
		return true, firstError(b.Update(s, Update{Table: m.at(), Step: params.at(), Halt: pointer(op.Halt)}, table), m.intact())
	case engine.Concat:
		first := int32(0)
		for _, part := range op.Parts {
			c := number(part.Shape[1])
			if err := b.Concat(s, Concat{at(part), at(op.Y), rows(part), c, number(op.Y.Shape[1]), first}); err != nil {
				return true, err
			}
			first += c
		}
		return true, nil
	case engine.SumSlices:
		p := SumSlices{Y: at(op.Y), Count: number(len(op.Parts)), Rows: rows(op.Y), C: number(op.Y.Shape[1]), PartChannels: number(op.Parts[0].Shape[1]), First: number(op.First)}
		for i, part := range op.Parts {
			p.Parts[i] = at(part)
		}
		return true, b.SumSlices(s, p)
	}
	return false, nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func function(f engine.Function) Function {
	return map[engine.Function]Function{engine.ReLU: ReLU, engine.Tanh: Tanh}[f]
}

func flag(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

func response(r engine.Response, c, groups int) Response {
	return Response{Maps: int32(c / groups), Size: int32(r.Size), K: float32(r.K), Alpha: float32(r.AlphaPerTerm()), Beta: float32(r.Beta)}
}

func local(w engine.Window, groups int, x, y engine.Shape) Local {
	return Local{N: int32(x[0]), H: int32(x[2]), W: int32(x[3]), OutH: int32(y[2]), OutW: int32(y[3]),
		Groups: int32(groups), In: int32(x[1] / groups), Out: int32(y[1] / groups), Window: window(w)}
}

func window(w engine.Window) Window { return Window{int32(w.Size), int32(w.Stride), int32(w.Pad)} }

// run runs an op on a bench.
func (b *bench) run(t *testing.T, op engine.Op, step engine.Step, data enginetest.Memory) float64 {
	t.Helper()
	return b.runOp(t, op, step, data, func(at func(*engine.Tensor) gpu.Pointer) error {
		known, err := b.lower(op, step, at)
		if !known {
			t.Fatalf("no kernel for %s", op.Kind())
		}
		return err
	})
}

// TestConformance runs the conformance suite's cases, all but products and
// convolutions.
func TestConformance(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		worst, cases := map[string]float64{}, 0
		for _, c := range enginetest.OpCases() {
			switch c.Op.(type) {
			case engine.ConvForward, engine.ConvBackward, engine.DenseForward, engine.DenseBackward:
				continue
			}
			cases++
			t.Run(c.Name, func(t *testing.T) {
				worst[c.Op.Kind()] = max(worst[c.Op.Kind()], b.run(t, c.Op, c.Step, c.Data))
			})
		}
		for kind, share := range worst {
			t.Logf("%-20s largest error %.2f of what is allowed", kind, share)
		}
		if cases < 100 {
			t.Errorf("%d cases, want those of the suite", cases)
		}
	})
}

func tensor(name string, typ engine.ElemType, n, c, h, w int) *engine.Tensor {
	return &engine.Tensor{Name: name, Type: typ, Shape: engine.Shape{n, c, h, w}}
}

func working(name string, s engine.Shape) *engine.Tensor {
	return &engine.Tensor{Name: name, Type: engine.Working, Shape: s}
}

// channelCounts are odd ones, which take the slow variants, and those of AlexNet
// whole and in towers.
var channelCounts = []int{1, 3, 5, 8, 24, 48, 96, 128, 256}

// TestChannels runs the kernels whose code depends on the number of channels.
func TestChannels(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		for _, c := range channelCounts {
			for groups := 1; groups <= 2 && c%groups == 0; groups++ {
				for _, size := range []int{5, 3, 4} {
					s := engine.Shape{2, c, 3, 5}
					r := engine.Response{Size: size, K: 2, Alpha: 1, Beta: 0.75}
					t.Run(fmt.Sprintf("lrn %v in %d groups of size %d", s, groups, size), func(t *testing.T) {
						x, y, dy := working("x", s), working("y", s), working("dy", s)
						data := enginetest.Memory{x: scaled(enginetest.Noise("lrn", s.Len()), 3)}
						b.run(t, engine.LRNForward{Response: r, Groups: groups, X: x, Y: y}, engine.Step{}, data)
						b.run(t, engine.LRNBackward{Response: r, Groups: groups, X: x, DY: dy, DX: y}, engine.Step{}, data)
						b.run(t, engine.LRNBackward{Response: r, Groups: groups, X: x, DY: dy, DX: dy}, engine.Step{}, data)
					})
				}
			}
			for _, w := range []engine.Window{{Size: 3, Stride: 2}, {Size: 2, Stride: 2}, {Size: 3, Stride: 1}, {Size: 3, Stride: 2, Pad: 1}} {
				s := engine.Shape{2, c, 7, 6}
				out := engine.Shape{2, c, w.Out(7), w.Out(6)}
				t.Run(fmt.Sprintf("pooling %v by %v", s, w), func(t *testing.T) {
					x, y, at := working("x", s), working("y", out), tensor("at", engine.Argmax, out[0], out[1], out[2], out[3])
					b.run(t, engine.MaxPoolForward{Window: w, X: x, Y: y, At: at}, engine.Step{}, nil)
					positions := make([]float64, out.Len())
					forward := engine.MaxPoolForward{Window: w, X: x, Y: y, At: at}
					for i, v := range enginetest.Evaluate(forward, enginetest.Memory{x: enginetest.Noise("at", s.Len())}, engine.Step{})[at] {
						positions[i] = v.Value
					}
					b.run(t, engine.MaxPoolBackward{Window: w, At: at, DY: working("dy", out), DX: working("dx", s)}, engine.Step{}, enginetest.Memory{at: positions})
					b.run(t, engine.AvgPoolForward{Window: w, X: x, Y: y}, engine.Step{}, nil)
					b.run(t, engine.AvgPoolBackward{Window: w, DY: working("dy", out), DX: working("dx", s)}, engine.Step{}, nil)
				})
			}
			s := engine.Shape{3, c, 3, 2}
			t.Run(fmt.Sprintf("dropout %v", s), func(t *testing.T) {
				op := engine.Dropout{Rate: 0.4, Layer: 3, Width: 2 * s.Row(), First: s.Row(), Train: true, X: working("x", s), Y: working("y", s)}
				b.run(t, op, engine.Step{Seed: math.MaxUint64, Number: 1 << 40}, nil)
			})
		}
	})
}

func scaled(v []float64, by float64) []float64 {
	for i := range v {
		v[i] *= by
	}
	return v
}

// TestSpecial feeds infinities and NaNs to the kernels whose op says what
// becomes of them.
func TestSpecial(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	onBenches(t, func(t *testing.T, b *bench) {
		for _, c := range []int{3, 8} {
			s := engine.Shape{1, c, 3, 3}
			x, y := working("x", s), working("y", s)
			values := enginetest.Noise("special", s.Len())
			values[1], values[4], values[9], values[s.Len()-1] = inf, nan, -inf, nan
			data := enginetest.Memory{x: values}
			b.run(t, engine.Activate{Function: engine.ReLU, X: x, Y: y}, engine.Step{}, data)
			b.run(t, engine.Activate{Function: engine.Tanh, X: x, Y: y}, engine.Step{}, data)
			w := engine.Window{Size: 2, Stride: 1}
			out := engine.Shape{1, c, 2, 2}
			b.run(t, engine.MaxPoolForward{Window: w, X: x, Y: working("y", out), At: tensor("at", engine.Argmax, 1, c, 2, 2)}, engine.Step{}, data)
			r := engine.Response{Size: 5, K: 2, Alpha: 1, Beta: 0.75}
			b.run(t, engine.LRNForward{Response: r, Groups: 1, X: x, Y: y}, engine.Step{}, data)
		}
	})
}
