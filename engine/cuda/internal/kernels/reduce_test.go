package kernels

import (
	"fmt"
	"math"
	"testing"

	"alexnet/engine"
	"alexnet/engine/enginetest"
)

// TestColumnSum compares it with the bias gradient of a dense layer.
func TestColumnSum(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		for _, c := range []struct{ rows, c int }{
			{1, 1}, {7, 3}, {128, 5}, {129, 8}, {300, 24}, {1000, 96}, {65, 1000}, {2, 4096}, {130, 264}, {70000, 3}, {66000, 8},
		} {
			x := allocate(b.working(), enginetest.Noise(fmt.Sprint(c), c.rows*c.c))
			d, space := allocate(f32, make([]float64, c.c)), allocate(f32, make([]float64, ColumnSumWorkspace(int32(c.rows), int32(c.c))/4))
			b.do(t, d, func() error {
				return b.ColumnSum(b.stream, ColumnSum{X: x.at(), D: d.at(), Workspace: space.at(), Rows: int32(c.rows), C: int32(c.c)})
			})
			if err := space.intact(); err != nil {
				t.Fatal(err)
			}
			dy, in := working("dy", engine.Shape{c.rows, c.c, 1, 1}), working("x", engine.Shape{c.rows, 1, 1, 1})
			op := engine.DenseBackward{X: in, W: tensor("w", engine.Master, c.c, 1, 1, 1), DY: dy, DW: tensor("dw", engine.Float32, c.c, 1, 1, 1), DB: tensor("db", engine.Float32, c.c, 1, 1, 1)}
			memory := enginetest.Memory{dy: x.values(), in: make([]float64, c.rows), op.W: make([]float64, c.c)}
			b.compare(t, fmt.Sprintf("%d rows of %d", c.rows, c.c), d.values(), enginetest.Evaluate(op, memory, engine.Step{})[op.DB], f32)
		}
	})
}

// TestActivateBackwardSum compares it with its two parts, bit for bit.
func TestActivateBackwardSum(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		for _, c := range []struct{ rows, c int }{{1, 1}, {7, 3}, {128, 40}, {129, 8}, {1000, 96}, {338, 384}, {65, 1000}} {
			n := c.rows * c.c
			for _, f := range []Function{None, ReLU, Tanh} {
				y, dy := allocate(b.working(), enginetest.Noise("y", n)), allocate(b.working(), enginetest.Noise("dy", n))
				space := allocate(f32, make([]float64, ColumnSumWorkspace(int32(c.rows), int32(c.c))/4))
				dx, d := allocate(b.working(), make([]float64, n)), allocate(f32, make([]float64, c.c))
				b.do(t, dx, func() error {
					return b.ActivateBackward(b.stream, ActivateBackward{y.at(), dy.at(), dx.at(), int64(n), f})
				})
				b.do(t, d, func() error {
					return b.ColumnSum(b.stream, ColumnSum{X: dx.at(), D: d.at(), Workspace: space.at(), Rows: int32(c.rows), C: int32(c.c)})
				})
				p := ActivateBackwardSum{Y: y.at(), DY: dy.at(), D: d.at(), Workspace: space.at(), Rows: int32(c.rows), C: int32(c.c), Function: f}
				want, fused := d.values(), allocate(b.working(), make([]float64, n))
				p.DX = fused.at()
				b.do(t, d, func() error { return b.ActivateBackwardSum(b.stream, p) })
				b.equal(t, "sums", d, want)
				b.equal(t, "gradient", fused, dx.values())
				p.DX = dy.at()
				b.do(t, nil, func() error { return b.ActivateBackwardSum(b.stream, p) })
				b.equal(t, "gradient in place", dy, dx.values())
				b.equal(t, "sums in place", d, want)
				for _, m := range []*memory{dy, fused, space} {
					if err := m.intact(); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
}

// TestUpdate runs the rule on several parameters at once, with working copies,
// and not at all when the halt flag is set.
func TestUpdate(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		step := engine.Step{LearningRate: 0.01, Momentum: 0.9}
		params := allocate(u8, make([]float64, 32))
		if err := b.SetStep(b.stream, SetStep{params.at(), StepParams{LearningRate: step.LearningRate, Momentum: step.Momentum}}); err != nil {
			t.Fatal(err)
		}
		for _, halted := range []bool{false, true} {
			halt := allocate(i32, []float64{float64(Flag(halted))})
			var parameters []Parameter
			var w, v, g, copies []*memory
			for i, n := range []int{1, 3, 4, 1027, chunkElements, chunkElements + 1, 3*chunkElements + 77} {
				name := fmt.Sprint(i)
				w, v, g = append(w, allocate(f32, enginetest.Noise("w"+name, n))), append(v, allocate(f32, enginetest.Noise("v"+name, n))), append(g, allocate(f32, enginetest.Noise("g"+name, n)))
				p := Parameter{W: w[i].at(), V: v[i].at(), G: g[i].at(), Count: int64(n), Decay: 0.0005, Rate: float32(1 + i%2)}
				copies = append(copies, nil)
				if i != 2 {
					copies[i] = allocate(b16, enginetest.Noise("c", n))
					p.Copy = copies[i].at()
				}
				parameters = append(parameters, p)
			}
			var before []engine.Update
			var memories []enginetest.Memory
			for i, p := range parameters {
				shape := engine.Shape{int(p.Count), 1, 1, 1}
				op := engine.Update{W: &engine.Tensor{Name: "w", Type: engine.Master, Shape: shape}, V: &engine.Tensor{Name: "v", Type: engine.Float32, Shape: shape}, G: &engine.Tensor{Name: "g", Type: engine.Float32, Shape: shape}, Decay: p.Decay, Rate: p.Rate}
				before = append(before, op)
				memories = append(memories, enginetest.Memory{op.W: w[i].values(), op.V: v[i].values(), op.G: g[i].values()})
			}
			table := NewUpdateTable(parameters)
			inDevice := allocate(u8, make([]float64, len(table.Bytes)))
			copy(inDevice.bytes(), table.Bytes)
			b.do(t, nil, func() error {
				return b.Update(b.stream, Update{Table: inDevice.at(), Step: params.at(), Halt: halt.at()}, table)
			})
			for i, op := range before {
				for _, m := range []*memory{w[i], v[i], g[i]} {
					if err := m.intact(); err != nil {
						t.Fatal(err)
					}
				}
				if halted {
					b.equal(t, "halted weights", w[i], memories[i][op.W])
					b.equal(t, "halted velocity", v[i], memories[i][op.V])
					continue
				}
				want := enginetest.Evaluate(op, memories[i], step)
				b.compare(t, "weights", w[i].values(), want[op.W], f32)
				b.compare(t, "velocity", v[i].values(), want[op.V], f32)
				if copies[i] != nil {
					b.equal(t, "copy", copies[i], w[i].values())
				}
			}
		}
	})
}

// TestSoftmaxHalt looks at what becomes of losses that aren't finite and of
// labels that are no class.
func TestSoftmaxHalt(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	onBenches(t, func(t *testing.T, b *bench) {
		for _, c := range []struct {
			x     []float64
			label float64
			held  float64
			halt  float64
			loss  float64
			rank  float64
		}{
			{[]float64{0, 0}, 1, 0, 0, math.Ln2, 1},
			{[]float64{0, 0}, 1, 1, 1, math.Ln2, 1}, // stays
			{[]float64{0, nan}, 0, 0, 1, nan, 0},
			{[]float64{-inf, 0}, 0, 0, 1, inf, 1},
			{[]float64{inf, 0}, 0, 0, 1, nan, 0},
			{[]float64{0, nan}, -1, 0, 0, 0, 0}, // padding
			{[]float64{0, 0}, 2, 0, 2, nan, 2},
			{[]float64{0, 0}, -2, 0, 2, nan, 2},
		} {
			x, labels, halt := allocate(b.working(), c.x), allocate(i32, []float64{c.label}), allocate(i32, []float64{c.held})
			probs, loss, rank, dx := allocate(f32, make([]float64, 2)), allocate(f32, []float64{0}), allocate(i32, []float64{0}), allocate(b.working(), make([]float64, 2))
			b.do(t, nil, func() error {
				return b.SoftmaxLoss(b.stream, SoftmaxLoss{X: x.at(), Labels: labels.at(), Probs: probs.at(), Loss: loss.at(), Rank: rank.at(), DX: dx.at(), Halt: halt.at(), N: 1, K: 2, Scale: 1})
			})
			what := fmt.Sprintf("logits %v, label %g", c.x, c.label)
			b.equal(t, what+": halt", halt, []float64{c.halt})
			b.near(t, what+": loss", loss, []float64{c.loss}, func(int) float64 { return 10 * enginetest.FP32.Accumulate })
			b.equal(t, what+": rank", rank, []float64{c.rank})
		}
	})
}
