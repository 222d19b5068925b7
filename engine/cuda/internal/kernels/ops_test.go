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
	var own []*memory
	take := func(typ elem, n int) *memory {
		m := allocate(typ, make([]float64, n))
		own = append(own, m)
		return m
	}
	intact := func(err error) error {
		for _, m := range own {
			err = firstError(err, m.intact())
		}
		return err
	}
	params := take(u8, 32)
	if err := b.SetStep(s, SetStep{params.at(), StepParams{step.Seed, step.Number, step.Image, step.LearningRate, step.Momentum}}); err != nil {
		return false, err
	}
	switch op := op.(type) {
	case engine.Update:
		table := NewUpdateTable([]Parameter{{W: at(op.W), V: at(op.V), G: at(op.G), Count: int64(op.W.Shape.Len()), Decay: op.Decay, Rate: op.Rate}})
		m := take(u8, len(table.Bytes))
		copy(m.bytes(), table.Bytes)
		return true, intact(b.Update(s, Update{Table: m.at(), Step: params.at(), Halt: at(op.Halt)}, table))
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
	work, failed := new(memory), error(nil)
	l, ok := b.Lower(op, Memory{
		At: at,
		// The bench keeps parameters in float32.
		Operand: func(t *engine.Tensor) gpu.Pointer {
			m := take(b.working(), t.Shape.Len())
			failed = b.Cast(s, Cast{at(t), m.at(), int64(t.Shape.Len())}, gpu.Float32, b.Set.working)
			return m.at()
		},
		Work: func() gpu.Pointer { return work.at() },
		Step: func(bool) gpu.Pointer { return params.at() },
	})
	if !ok {
		return false, nil
	}
	if l.Work > 0 {
		work = take(u8, int(l.Work))
	}
	return true, intact(firstError(l.Run(s), failed))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

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
