package kernels

import (
	"fmt"
	"math"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/enginetest"
)

// TestLayout takes tensors to the device's order and back.
func TestLayout(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		for _, s := range []engine.Shape{{1, 1, 1, 1}, {3, 5, 1, 1}, {2, 1, 3, 5}, {2, 3, 5, 7}, {5, 33, 6, 6}, {2, 96, 5, 13}, {1, 64, 8, 8}} {
			n, c, hw := int32(s[0]), int32(s[1]), int32(s[2]*s[3])
			host := enginetest.Noise(s.String(), s.Len())
			host[0] = math.NaN()
			for _, typ := range []gpu.Type{gpu.Float32, b.typ} {
				e := f32
				if typ == gpu.BFloat16 {
					e = b16
				}
				from, there, back := allocate(f32, host), allocate(e, make([]float64, s.Len())), allocate(f32, make([]float64, s.Len()))
				b.do(t, there, func() error { return b.ToDevice(b.stream, Layout{from.at(), there.at(), n, c, hw}, typ) })
				b.equal(t, fmt.Sprintf("%v to the device", s), there, channelsLast(s, host))
				b.do(t, back, func() error { return b.ToHost(b.stream, Layout{back.at(), there.at(), n, c, hw}, typ) })
				b.equal(t, fmt.Sprintf("%v and back", s), back, channelsFirst(s, there.values()))
			}
			bytes := make([]float64, s.Len())
			for i := range bytes {
				bytes[i] = float64(i * 31 % 256)
			}
			from, there, back := allocate(u8, bytes), allocate(u8, make([]float64, s.Len())), allocate(u8, make([]float64, s.Len()))
			b.do(t, there, func() error { return b.BytesToDevice(b.stream, Layout{from.at(), there.at(), n, c, hw}) })
			b.equal(t, fmt.Sprintf("bytes %v to the device", s), there, channelsLast(s, bytes))
			b.do(t, back, func() error { return b.BytesToHost(b.stream, Layout{back.at(), there.at(), n, c, hw}) })
			b.equal(t, fmt.Sprintf("bytes %v and back", s), back, bytes)

			// Labels take the way of float32, bit for bit: a NaN's bits too.
			labels := allocate(i32, []float64{-1, 999, 0x7f800001, 5, 0, 1, 2, 3, 4})
			moved := allocate(i32, make([]float64, labels.n))
			b.do(t, moved, func() error {
				return b.ToDevice(b.stream, Layout{labels.at(), moved.at(), int32(labels.n), 1, 1}, gpu.Float32)
			})
			b.equal(t, "labels", moved, labels.values())
		}
	})
}

// TestCast rounds to the nearest, ties to even.
func TestCast(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		values := []float64{0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat32, -math.MaxFloat32,
			1 + 0x1p-8, 1 + 3*0x1p-8, 1 + 0x1p-8 + 0x1p-23, 0x1p-149, 0x1p-133, 3.14159, 1e-40, 255, 257, 258, 259}
		values = append(values, enginetest.Noise("cast", 1000)...)
		for _, n := range []int{1, 7, 8, 9, 20, len(values)} {
			from, there, back := allocate(f32, values[:n]), allocate(b.working(), make([]float64, n)), allocate(f32, make([]float64, n))
			b.do(t, there, func() error { return b.Copy32ToT(b.stream, Cast{from.at(), there.at(), int64(n)}) })
			b.equal(t, "rounded", there, from.values())
			b.do(t, back, func() error { return b.TTo32(b.stream, Cast{there.at(), back.at(), int64(n)}) })
			b.equal(t, "widened", back, there.values())
			b.do(t, there, func() error { return b.Fill(b.stream, Fill{there.at(), int64(n), 0.1}) })
			filled := make([]float64, n)
			for i := range filled {
				filled[i] = float64(float32(0.1))
			}
			b.equal(t, "filled", there, filled)
		}
	})
}

// TestSpin keeps the kernel busy for as long as it says.
func TestSpin(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		start := time.Now()
		if err := b.Spin(b.stream, Spin{int64(2 * time.Millisecond)}); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 2*time.Millisecond {
			t.Errorf("it took %v", d)
		}
	})
}
