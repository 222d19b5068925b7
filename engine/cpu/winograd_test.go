package cpu_test

import (
	"errors"
	"math"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/enginetest"
)

// TestWinogradError holds 3×3 convolutions to the bound of their algorithm: the
// error is at most 2⁻²⁴ a rounding of the terms of the tile that an output comes
// from, with absolute values in the place of the transforms' signs. That bound is
// per tile: where pixels lie orders of magnitude apart, an output far below its
// neighbours may err by more than its own terms allow. The log states the error
// beside that of the definition, which a single image is computed by.
func TestWinogradError(t *testing.T) {
	const maps, side, out = 256, 13, 48
	w := enginetest.Noise("weights", out*maps*9)
	for _, spread := range []float64{0, 6} {
		x := enginetest.Noise("pixels", maps*side*side)
		for i, e := range enginetest.Noise("exponents", len(x)) {
			x[i] *= math.Pow(10, spread*e)
		}
		op, want, got := convolved(t, 2, x, w, maps, side, out)
		_, _, direct := convolved(t, 1, x, w, maps, side, out)
		bound := winogradTerms(op, x, w)
		var worst, size, errWinograd, errDirect float64
		for i, s := range want {
			off := math.Abs(float64(got[i]) - s)
			worst = max(worst, off/(bound[i]*(maps+11)/(1<<24)))
			size += s * s
			errWinograd += off * off
			errDirect += math.Pow(float64(direct[i])-s, 2)
		}
		t.Logf("pixels within %g orders of magnitude: error %.2g of the outputs' size (rms), by definition %.2g; at most %.2g of the bound",
			2*spread, math.Sqrt(errWinograd/size), math.Sqrt(errDirect/size), worst)
		if worst > 1 {
			t.Errorf("%g orders of magnitude: the error is %.3g times the bound", 2*spread, worst)
		}
		if errWinograd == errDirect {
			t.Errorf("%g orders of magnitude: both are computed alike", 2*spread)
		}
	}
}

// convolved runs a convolution on copies of one image and returns the first
// one's output, with what it should be.
func convolved(t *testing.T, images int, x, w []float64, maps, side, out int) (op engine.ConvForward, want []float64, got []float32) {
	c := open(t, cpu.Options{})
	n := &net{c, images}
	op = engine.ConvForward{Window: engine.Window{Size: 3, Stride: 1, Pad: 1}, Groups: 1, X: n.maps(maps, side), Y: n.maps(out, side),
		W: n.tensor(engine.Master, out, maps, 3, 3), B: n.tensor(engine.Master, out)}
	p := prepare(t, c, []engine.Op{op})
	all := make([]float64, 0, images*len(x))
	for range images {
		all = append(all, x...)
	}
	zeros := make([]float64, out)
	for tensor, values := range map[*engine.Tensor][]float64{op.X: all, op.W: w, op.B: zeros} {
		f := make([]float32, len(values))
		for i, v := range values {
			f[i] = float32(v)
			values[i] = float64(f[i]) // what the reference reads too
		}
		if err := c.Upload(tensor, f); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Run(engine.Step{}); err != nil {
		t.Fatal(err)
	}
	got = make([]float32, op.Y.Shape.Len())
	if err := errors.Join(c.Download(got, op.Y), c.Sync()); err != nil {
		t.Fatal(err)
	}
	got = got[:out*side*side]
	for _, s := range enginetest.Evaluate(op, enginetest.Memory{op.X: all, op.W: w, op.B: zeros}, engine.Step{})[op.Y][:len(got)] {
		want = append(want, s.Value)
	}
	return op, want, got
}

// winogradTerms is, for each output of the first image, Σ |Aᵀ|·(|G|·|g|·|Gᵀ| ⊙
// |Bᵀ|·|d|·|B|)·|A| over the maps.
func winogradTerms(op engine.ConvForward, x, w []float64) []float64 {
	g := [4][3]float64{{1, 0, 0}, {.5, .5, .5}, {.5, .5, .5}, {0, 0, 1}}
	b := [4][4]float64{{1, 0, 1, 0}, {0, 1, 1, 0}, {0, 1, 1, 0}, {0, 1, 0, 1}}
	maps, side, out := op.X.Shape[1], op.X.Shape[2], op.Y.Shape[1]
	pixel := func(m, y, x0 int) float64 {
		if y < 0 || y >= side || x0 < 0 || x0 >= side {
			return 0
		}
		return math.Abs(x[(m*side+y)*side+x0])
	}
	terms := make([]float64, out*side*side)
	for m := range maps {
		u := make([][4][4]float64, out)
		for o := range out {
			for i := range 9 {
				for r := range 4 {
					for c := range 4 {
						u[o][r][c] += g[r][i/3] * g[c][i%3] * math.Abs(w[(o*maps+m)*9+i])
					}
				}
			}
		}
		for y := range side {
			for x0 := range side {
				var v [4][4]float64 // of the tile of output (y, x0)
				for i := range 16 {
					d := pixel(m, y&^1-1+i/4, x0&^1-1+i%4)
					for r := range 4 {
						for c := range 4 {
							v[r][c] += b[r][i/4] * b[c][i%4] * d
						}
					}
				}
				for o := range out {
					for i := range 9 { // entries from row y&1 and column x0&1 on
						r, c := y&1+i/3, x0&1+i%3
						terms[(o*side+y)*side+x0] += u[o][r][c] * v[r][c]
					}
				}
			}
		}
	}
	return terms
}
