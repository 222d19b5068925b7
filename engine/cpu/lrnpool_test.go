package cpu_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// TestLRNPool: normalisation and the pooling behind it come to the same bits as one and
// as two, and so do their gradients with that of a ReLU. What only passes from one to the
// other takes no memory.
func TestLRNPool(t *testing.T) {
	all := map[string]cpu.Options{}
	for _, kernels := range usable() {
		all[kernels] = cpu.Options{Kernels: kernels, Threads: 2}
	}
	for _, s := range cpu.Kernels("bf16") {
		if s.Usable {
			all["bf16 "+s.Name] = cpu.Options{Kernels: s.Name, Precision: "bf16", Threads: 2}
		}
	}
	for name, opts := range all {
		for _, s := range []struct{ images, maps, groups, h, w, size, stride int }{
			{3, 6, 2, 13, 13, 3, 2},
			{1, 5, 1, 55, 55, 3, 2},
			{2, 16, 2, 30, 17, 3, 2}, // rows and columns that no window meets
			{1, 20, 1, 9, 301, 3, 1},
			{2, 4, 1, 64, 9, 4, 3},
			{40, 8, 2, 7, 8, 2, 2},
		} {
			for _, beta := range []float64{0.75, 0.5} {
				t.Run(fmt.Sprintf("%s/%v/%v", name, s, beta), func(t *testing.T) {
					run := func(fused bool) (y, dx []float32, at []byte, memory int64) {
						c := open(t, opts)
						n := &net{c, s.images}
						win := engine.Window{Size: s.size, Stride: s.stride}
						r := engine.Response{Size: 5, K: 2, Alpha: 0.1, Beta: beta}
						tensor := func(kind engine.ElemType, h, w int) *engine.Tensor { return n.tensor(kind, s.images, s.maps, h, w) }
						oh, ow := win.Out(s.h), win.Out(s.w)
						x, mid, out, positions := tensor(engine.Working, s.h, s.w), tensor(engine.Working, s.h, s.w), tensor(engine.Working, oh, ow), tensor(engine.Argmax, oh, ow)
						dy, d := tensor(engine.Working, oh, ow), tensor(engine.Working, s.h, s.w)
						forward := []engine.Op{
							engine.LRNForward{Response: r, Groups: s.groups, X: x, Y: mid},
							engine.MaxPoolForward{Window: win, X: mid, Y: out, At: positions},
						}
						backward := []engine.Op{
							engine.MaxPoolBackward{Window: win, At: positions, DY: dy, DX: d},
							engine.LRNBackward{Response: r, Groups: s.groups, X: x, DY: d, DX: d},
							engine.ActivateBackward{Y: x, DY: d, DX: d},
						}
						programs := [][]engine.Op{forward, backward}
						if fused {
							mid.Life = engine.Scratch
						} else {
							programs = nil
							for _, op := range append(forward, backward...) {
								programs = append(programs, []engine.Op{op})
							}
						}
						plan := engine.PlanArena(c, programs...)
						if err := c.Reserve(plan.Arena(), plan.Workspace); err != nil {
							t.Fatal(err)
						}
						rng := rand.New(rand.NewPCG(1, 2))
						for _, to := range []*engine.Tensor{x, dy} {
							values := make([]float32, to.Shape.Len())
							for i := range values {
								values[i] = float32(rng.NormFloat64())
							}
							values[len(values)/2], values[len(values)/3] = float32(math.Inf(1)), float32(math.NaN())
							if err := c.Upload(to, values); err != nil {
								t.Fatal(err)
							}
						}
						for _, ops := range programs {
							p, err := c.Compile(ops)
							if err != nil {
								t.Fatal(err)
							}
							if err := p.Run(engine.Step{}); err != nil {
								t.Fatal(err)
							}
						}
						y, dx, at = make([]float32, out.Shape.Len()), make([]float32, d.Shape.Len()), make([]byte, out.Shape.Len())
						for _, err := range []error{c.Download(y, out), c.Download(dx, d), c.Download(at, positions), c.Sync()} {
							if err != nil {
								t.Fatal(err)
							}
						}
						return y, dx, at, plan.Arena()
					}
					y, dx, at, memory := run(true)
					y2, dx2, at2, separate := run(false)
					same := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b }
					if !slices.EqualFunc(y, y2, same) || !slices.Equal(at, at2) {
						t.Error("the pooled maps or their positions differ")
					}
					if !slices.EqualFunc(dx, dx2, same) {
						t.Error("the gradients differ")
					}
					if memory >= separate {
						t.Errorf("%d bytes of tensors, want less than %d", memory, separate)
					}
				})
			}
		}
	}
}
