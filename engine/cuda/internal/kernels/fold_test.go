package kernels

import (
	"fmt"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
	"alexnet/engine/enginetest"
)

// folds are strided windows: conv1 of alexnet and of alexnet-mini, and odd ones.
var folds = []struct {
	n, h, w, c int
	window     engine.Window
}{
	{9, 19, 23, 3, engine.Window{Size: 11, Stride: 4, Pad: 2}},
	{2, 16, 16, 3, engine.Window{Size: 7, Stride: 2, Pad: 3}},
	{1, 7, 5, 1, engine.Window{Size: 3, Stride: 3}},
	{3, 6, 9, 2, engine.Window{Size: 2, Stride: 2, Pad: 1}},
	{2, 5, 5, 5, engine.Window{Size: 3, Stride: 1, Pad: 1}},
	{1, 8, 8, 2, engine.Window{Size: 4, Stride: 2}},
}

// folded is the expected result of folding v, (N, H, W, C), by a stride and a padding.
func folded(v []float64, n, h, w, c, stride, pad, outH, outW int) (out []float64) {
	for i := range n {
		for y := range outH {
			for x := range outW {
				for dy := range stride {
					for dx := range stride {
						for k := range c {
							iy, ix, e := y*stride+dy-pad, x*stride+dx-pad, 0.0
							if 0 <= iy && iy < h && 0 <= ix && ix < w {
								e = v[((i*h+iy)*w+ix)*c+k]
							}
							out = append(out, e)
						}
					}
				}
			}
		}
	}
	return out
}

// TestFold compares folded inputs and weights with plain loops, and takes the
// weights back.
func TestFold(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		for _, f := range folds {
			t.Run(fmt.Sprintf("%d×%d×%d×%d by %v", f.n, f.h, f.w, f.c, f.window), func(t *testing.T) {
				size, stride, pad := f.window.Size, f.window.Stride, f.window.Pad
				outH := int(FoldedInput(int32(f.h), int32(size), int32(stride), int32(pad)))
				outW := int(FoldedInput(int32(f.w), int32(size), int32(stride), int32(pad)))
				side := int(FoldedWindow(int32(size), int32(stride)))
				if got, want := outH-side+1, f.window.Out(f.h); got != want {
					t.Fatalf("a window of %d on %d folded rows has %d places, want %d", side, outH, got, want)
				}
				channels := stride * stride * f.c
				x := allocate(b.working(), enginetest.Noise("x", f.n*f.h*f.w*f.c))
				y := allocate(b.working(), make([]float64, f.n*outH*outW*channels))
				b.do(t, y, func() error {
					return b.FoldInput(b.stream, FoldInput{x.at(), y.at(), int32(f.n), int32(f.h), int32(f.w), int32(f.c), int32(stride), int32(pad), int32(outH), int32(outW)})
				})
				b.equal(t, "folded input", y, folded(x.values(), f.n, f.h, f.w, f.c, stride, pad, outH, outW))

				const maps = 3
				w := allocate(f32, enginetest.Noise("w", maps*size*size*f.c))
				wide := folded(w.values(), maps, size, size, f.c, stride, 0, side, side)
				small := allocate(b.working(), make([]float64, len(wide)))
				p := FoldWeights{w.at(), small.at(), maps, int32(size), int32(f.c), int32(stride)}
				b.do(t, small, func() error { return b.FoldWeights(b.stream, p, gpu.Float32) })
				b.equal(t, "folded weights", small, wide)

				copied := allocate(b.working(), w.values())
				p.W = copied.at()
				b.do(t, small, func() error { return b.FoldWeights(b.stream, p, b.typ) })
				b.equal(t, "folded working copy", small, folded(copied.values(), maps, size, size, f.c, stride, 0, side, side))

				back := allocate(f32, make([]float64, w.n))
				b.do(t, back, func() error {
					return b.UnfoldWeights(b.stream, UnfoldWeights{small.at(), back.at(), maps, int32(size), int32(f.c), int32(stride)}, b.typ)
				})
				b.equal(t, "unfolded weights", back, copied.values())
			})
		}
	})
}

// TestInputFolded makes sure that InputFolded is Input and FoldInput, bit for
// bit.
func TestInputFolded(t *testing.T) {
	onBenches(t, func(t *testing.T, b *bench) {
		for _, f := range folds {
			if f.c != 3 {
				continue
			}
			n, h, w, stride, pad := int32(f.n), int32(f.h), int32(f.w), int32(f.window.Stride), int32(f.window.Pad)
			outH, outW := FoldedInput(h, int32(f.window.Size), stride, pad), FoldedInput(w, int32(f.window.Size), stride, pad)
			pixels := make([]float64, n*h*w*3)
			for i := range pixels {
				pixels[i] = float64(i * 37 % 256)
			}
			bytes, colour, mean := allocate(u8, pixels), allocate(f32, scaled(enginetest.Noise("colour", int(3*n)), 30)), allocate(f32, scaled(enginetest.Noise("mean", int(h*w*3)), 127))
			y := allocate(b.working(), make([]float64, len(pixels)))
			apart, fused := allocate(b.working(), make([]float64, n*outH*outW*stride*stride*3)), allocate(b.working(), make([]float64, n*outH*outW*stride*stride*3))
			b.do(t, y, func() error {
				return b.Input(b.stream, Input{bytes.at(), colour.at(), mean.at(), y.at(), n, h, w, 0.25})
			})
			b.do(t, apart, func() error {
				return b.FoldInput(b.stream, FoldInput{y.at(), apart.at(), n, h, w, 3, stride, pad, outH, outW})
			})
			b.do(t, fused, func() error {
				return b.InputFolded(b.stream, InputFolded{bytes.at(), colour.at(), mean.at(), fused.at(), n, h, w, 0.25, stride, pad, outH, outW})
			})
			b.equal(t, "folded input", fused, apart.values())
		}
	})
}
