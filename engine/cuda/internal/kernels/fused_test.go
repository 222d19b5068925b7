package kernels

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/enginetest"
)

// TestFused compares the fused kernels with the chain of separate ones, which
// the other tests compare with the reference: bit for bit.
func TestFused(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		overlapping := engine.Window{Size: 3, Stride: 2}
		for _, c := range []struct {
			n, c, h, w, groups int
			window             engine.Window
		}{
			{1, 1, 5, 7, 1, overlapping},
			{2, 3, 5, 5, 1, overlapping},
			{2, 5, 9, 7, 1, engine.Window{Size: 2, Stride: 2}},
			{2, 8, 7, 9, 1, overlapping},
			{2, 24, 6, 5, 2, engine.Window{Size: 3, Stride: 1}}, // groups that are no whole vectors of bfloat16
			{1, 48, 13, 13, 1, overlapping},
			{2, 96, 11, 13, 2, overlapping},
			{1, 96, 55, 55, 2, overlapping}, // conv1 of alexnet
			{1, 256, 27, 27, 2, overlapping},
			{1, 128, 27, 27, 1, overlapping},
			{2, 64, 12, 16, 2, engine.Window{Size: 3, Stride: 2, Ceil: true}},
			{1, 256, 6, 6, 1, engine.Window{Size: 3, Stride: 2, Pad: 1}},
			{1, 16, 40, 40, 1, engine.Window{Size: 15, Stride: 5, Pad: 3}}, // a tile that must shrink
		} {
			t.Run(fmt.Sprintf("%d×%d×%d×%d in %d groups by %v", c.n, c.c, c.h, c.w, c.groups, c.window), func(t *testing.T) {
				n, ch, h, w := int32(c.n), int32(c.c), int32(c.h), int32(c.w)
				outH, outW := int32(c.window.Out(c.h)), int32(c.window.Out(c.w))
				r := responseOf(engine.Response{Size: 5, K: 2, Alpha: 0.5, Beta: 0.75}, c.groups, tensor("x", engine.Working, c.n, c.c, c.h, c.w))
				whole, pooled := c.n*c.c*c.h*c.w, int(n*ch*outH*outW)
				values := enginetest.Noise("fused", whole)
				for i, v := range values { // like a ReLU's output, with ties
					values[i] = max(0, float64(int(v*40))/4)
				}
				if c.h == 13 { // what is equal, and what isn't
					for i, v := range []float64{math.Inf(1), math.Copysign(0, -1), math.NaN(), math.Inf(-1), -3, math.Copysign(0, -1), -2} {
						for j := i * 7; j < whole; j += 1009 + i {
							values[j] = v
						}
					}
				}
				x := allocate(b.working(), values)
				normal, y, at := allocate(b.working(), make([]float64, whole)), allocate(b.working(), make([]float64, pooled)), allocate(u8, make([]float64, pooled))
				b.do(t, normal, func() error { return b.LRNForward(b.stream, LRNForward{x.at(), normal.at(), n * h * w, ch, r}) })
				b.do(t, y, func() error {
					return b.MaxPoolForward(b.stream, MaxPoolForward{normal.at(), y.at(), at.at(), n, h, w, ch, outH, outW, windowOf(c.window)})
				})
				fusedY, fusedAt := allocate(b.working(), make([]float64, pooled)), allocate(u8, make([]float64, pooled))
				p := LRNPoolForward{X: x.at(), Y: fusedY.at(), At: fusedAt.at(), N: n, H: h, W: w, C: ch, OutH: outH, OutW: outW, Window: windowOf(c.window), Response: r}
				b.do(t, fusedY, func() error { return b.LRNPoolForward(b.stream, p) })
				b.equal(t, "pooled", fusedY, y.values())
				b.equal(t, "positions", fusedAt, at.values())
				p.At = 0
				b.do(t, fusedY, func() error { return b.LRNPoolForward(b.stream, p) })
				b.equal(t, "pooled without positions", fusedY, y.values())

				dy := allocate(b.working(), enginetest.Noise("dy", pooled))
				between, dx := allocate(b.working(), make([]float64, whole)), allocate(b.working(), make([]float64, whole))
				b.do(t, between, func() error {
					return b.MaxPoolBackward(b.stream, MaxPoolBackward{at.at(), dy.at(), between.at(), n, h, w, ch, outH, outW, windowOf(c.window)})
				})
				b.do(t, dx, func() error {
					return b.LRNBackward(b.stream, LRNBackward{x.at(), between.at(), dx.at(), n * h * w, ch, r})
				})
				fused := allocate(b.working(), make([]float64, whole))
				q := PoolLRNBackward{X: x.at(), At: at.at(), DY: dy.at(), DX: fused.at(), N: n, H: h, W: w, C: ch, OutH: outH, OutW: outW, Window: windowOf(c.window), Response: r}
				b.do(t, fused, func() error { return b.PoolLRNBackward(b.stream, q) })
				b.equal(t, "gradient", fused, dx.values())
				q.ReLU = 1
				relu := allocate(b.working(), make([]float64, whole))
				b.do(t, relu, func() error {
					return b.ActivateBackward(b.stream, ActivateBackward{x.at(), dx.at(), relu.at(), int64(whole), ReLU})
				})
				b.do(t, fused, func() error { return b.PoolLRNBackward(b.stream, q) })
				b.equal(t, "gradient through the ReLU", fused, relu.values())
			})
		}
		p := LRNPoolForward{N: 1, H: 3, W: 3, C: 8, OutH: 1, OutW: 1, Window: Window{3, 2, 0}, Response: Response{8, 3, 2, 1, 0.75}}
		if err := b.LRNPoolForward(b.stream, p); !errors.Is(err, gpu.ErrUnsupported) {
			t.Errorf("three maps: %v, want %v", err, gpu.ErrUnsupported)
		}
	})
}

// TestBiasActivate compares it with bias, then Activate.
func TestBiasActivate(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		for _, c := range append(channelCounts, 2056) {
			const rows = 7
			x, bias := allocate(b.working(), scaled(enginetest.Noise("x", rows*c), 2)), allocate(f32, enginetest.Noise("bias", c))
			for _, f := range []Function{None, ReLU, Tanh} {
				y := allocate(b.working(), make([]float64, rows*c))
				p := BiasActivate{x.at(), bias.at(), y.at(), rows, int32(c), f}
				b.do(t, y, func() error { return b.BiasActivate(b.stream, p) })
				want := make([]float64, y.n)
				for i := range want {
					want[i] = x.get(i) + bias.get(i%c)
					switch {
					case f == ReLU:
						want[i] = max(0, want[i])
					case f == Tanh:
						want[i] = math.Tanh(want[i])
					}
				}
				// The sum rounds once, tanh eight times at most (enginetest's
				// elementary) and never magnifies, the store once.
				b.near(t, fmt.Sprintf("%d channels, function %d", c, f), y, want, func(i int) float64 {
					return 9*enginetest.FP32.Accumulate*(math.Abs(x.get(i))+math.Abs(bias.get(i%c))) + b.store(b.working())*math.Abs(want[i])
				})
				again := allocate(b.working(), x.values())
				p.X, p.Y = again.at(), again.at()
				b.do(t, nil, func() error { return b.BiasActivate(b.stream, p) })
				b.equal(t, "in place", again, y.values())
			}
		}
	})
}
