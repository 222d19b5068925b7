package cpu_test

import (
	"errors"
	"math"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/cpu/internal/winograd"
	"alexnet/engine/enginetest"
)

// filters are F(4×4, 3×3) and F(4×4, 5×5), and how many roundings lie on the way of a
// term besides those of the sum over maps: of the transforms of the weights, the tile
// and the output, and of the product. Each transform of a vector rounds thrice in its
// sums, a product and a coefficient.
var filters = []struct {
	*winograd.Filter
	roundings float64
}{{winograd.F4x3, 10 + 8 + 12 + 1}, {winograd.F4x5, 12 + 12 + 14 + 1}}

// absolute returns a matrix's absolute values.
func absolute(m [][]float64) [][]float64 {
	a := make([][]float64, len(m))
	for i, row := range m {
		for _, v := range row {
			a[i] = append(a[i], math.Abs(v))
		}
	}
	return a
}

// TestWinogradError holds convolutions to the bound of their algorithm: the
// error is at most 2⁻²⁴ a rounding of the terms of the tile that an output comes
// from, with absolute values in the place of the transforms' signs. That bound is
// per tile: where pixels lie orders of magnitude apart, an output far below its
// neighbours may err by more than its own terms allow. The log states the error
// beside that of the definition, which a single image is computed by.
func TestWinogradError(t *testing.T) {
	const side, out = 13, 48
	for i, maps := range []int{256, 48} { // as conv3 and conv2
		f := filters[i]
		size := f.Size()
		w := enginetest.Noise("weights", out*maps*size*size)
		for _, spread := range []float64{0, 6} {
			x := enginetest.Noise("pixels", maps*side*side)
			for i, e := range enginetest.Noise("exponents", len(x)) {
				x[i] *= math.Pow(10, spread*e)
			}
			op, want, got := convolved(t, 2, x, w, maps, side, out, size)
			_, _, direct := convolved(t, 1, x, w, maps, side, out, size)
			bound := winogradTerms(op, x, w, absolute(f.BT), absolute(f.G), absolute(f.AT))
			var worst, square, errWinograd, errDirect float64
			for i, s := range want {
				off := math.Abs(float64(got[i]) - s)
				worst = max(worst, off/(bound[i]*(float64(maps)+f.roundings)/(1<<24)))
				square += s * s
				errWinograd += off * off
				errDirect += math.Pow(float64(direct[i])-s, 2)
			}
			t.Logf("%d×%d, pixels within %g orders of magnitude: error %.2g of the outputs' size (rms), by definition %.2g; at most %.2g of the bound",
				size, size, 2*spread, math.Sqrt(errWinograd/square), math.Sqrt(errDirect/square), worst)
			if worst > 1 {
				t.Errorf("%d×%d, %g orders of magnitude: the error is %.3g times the bound", size, size, 2*spread, worst)
			}
			if errWinograd == errDirect {
				t.Errorf("%d×%d, %g orders of magnitude: both are computed alike", size, size, 2*spread)
			}
		}
	}
}

// convolved runs a convolution on copies of one image and returns the first
// one's output, with what it should be.
func convolved(t *testing.T, images int, x, w []float64, maps, side, out, size int) (op engine.ConvForward, want []float64, got []float32) {
	c := open(t, cpu.Options{})
	n := &net{c, images}
	op = engine.ConvForward{Window: engine.Window{Size: size, Stride: 1, Pad: size / 2}, Groups: 1, X: n.maps(maps, side), Y: n.maps(out, side),
		W: n.tensor(engine.Master, out, maps, size, size), B: n.tensor(engine.Master, out)}
	ops := []engine.Op{op}
	if images == 1 {
		// One image is computed by definition where weights aren't constant, as in
		// training.
		ops = append(ops, engine.ConvBackward{Window: op.Window, Groups: 1, X: op.X, W: op.W, DY: n.maps(out, side),
			DW: n.tensor(engine.Float32, out, maps, size, size), DB: n.tensor(engine.Float32, out)})
	}
	p := prepare(t, c, ops)
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
// |Bᵀ|·|d|·|B|)·|A| over the maps, from the matrices' absolute values.
func winogradTerms(op engine.ConvForward, x, w []float64, bt, g, at [][]float64) []float64 {
	maps, side, out, size := op.X.Shape[1], op.X.Shape[2], op.Y.Shape[1], op.Size
	tile, step := len(bt), len(at)
	pixel := func(m, y, x0 int) float64 {
		if step > 2 && x0 >= side+op.Pad { // the copy beside it in a mosaic
			x0 -= side + op.Pad
		}
		if y < 0 || y >= side || x0 < 0 || x0 >= side {
			return 0
		}
		return math.Abs(x[(m*side+y)*side+x0])
	}
	// transformed is m·v·mᵀ of an n×n array, n columns of m.
	transformed := func(m [][]float64, v func(r, c int) float64) []float64 {
		e := make([]float64, len(m)*len(m))
		for i := range e {
			for r, a := range m[i/len(m)] {
				for c, b := range m[i%len(m)] {
					if a*b != 0 {
						e[i] += a * b * v(r, c)
					}
				}
			}
		}
		return e
	}
	terms := make([]float64, out*side*side)
	for m := range maps {
		u := make([][]float64, out)
		for o := range u {
			u[o] = transformed(g, func(r, c int) float64 { return math.Abs(w[((o*maps+m)*size+r)*size+c]) })
		}
		for y := 0; y < side; y += step {
			for x0 := 0; x0 < side; x0 += step {
				v := transformed(bt, func(r, c int) float64 { return pixel(m, y-op.Pad+r, x0-op.Pad+c) })
				for o := range out {
					pixels := transformed(at, func(r, c int) float64 { return u[o][r*tile+c] * v[r*tile+c] })
					for i, p := range pixels {
						if y, x := y+i/step, x0+i%step; y < side && x < side {
							terms[(o*side+y)*side+x] += p
						}
					}
				}
			}
		}
	}
	return terms
}
