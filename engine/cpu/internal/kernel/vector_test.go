package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

// lengths go around multiples of the vectors' eight and sixteen.
var lengths = []int{0, 1, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100}

// vectors makes n inputs of a test, guarded and with special values strewn in.
func vectors(rng *rand.Rand, inputs, n, skip int) [][]float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), nan, inf, -inf, math.MaxFloat32, math.SmallestNonzeroFloat32}
	x := make([][]float32, inputs)
	for i := range x {
		x[i] = guarded(n + skip)
		copy(x[i][1+skip:], random(rng, n))
		if n > 0 {
			for _, s := range special {
				x[i][1+skip+rng.IntN(n)] = s
			}
		}
	}
	return x
}

// near reports whether got is want to within a few roundings of the terms'
// size; NaN wants NaN and an infinity the same.
func near(got float32, want, size float64) bool {
	if math.IsNaN(want) || math.IsInf(want, 0) || math.Abs(want) > math.MaxFloat32 || math.IsNaN(size) || math.IsInf(size, 0) {
		return math.IsNaN(want) == math.IsNaN(float64(got)) && (math.IsNaN(want) || float64(got) == want || math.Abs(want) > math.MaxFloat32)
	}
	return math.Abs(float64(got)-want) <= 8*size/(1<<24)+math.SmallestNonzeroFloat32
}

// eachVector runs call over sets, lengths and alignments; want returns the
// value that an element of the output should have and the size of its terms.
func eachVector(t *testing.T, inputs, output int, call func(set *Set, x [][]float32), want func(x []float64) (value, size float64)) {
	for _, set := range Usable() {
		for _, n := range lengths {
			for skip := range 3 {
				t.Run(fmt.Sprintf("%s/n=%d/skip=%d", set.Name, n, skip), func(t *testing.T) {
					x := vectors(rand.New(rand.NewPCG(uint64(n), uint64(skip))), inputs, n, skip)
					in := make([][]float32, inputs)
					for i := range x {
						in[i] = x[i][1+skip:][:n]
					}
					values := make([][]float64, n)
					for j := range values {
						for i := range in {
							values[j] = append(values[j], float64(in[i][j]))
						}
					}
					call(set, in)
					for j, got := range in[output] {
						value, size := want(values[j])
						if !near(got, value, size) {
							t.Fatalf("element %d of %v: %v, want %v", j, values[j], got, value)
						}
					}
					checkGuards(t, x[output], 1+skip, n)
				})
			}
		}
	}
}

func TestAddBias(t *testing.T) {
	for _, bias := range []float32{0.5, inf, nan} {
		eachVector(t, 1, 0, func(set *Set, x [][]float32) { set.AddBias(x[0], bias, false) },
			func(x []float64) (float64, float64) {
				return x[0] + float64(bias), math.Abs(x[0]) + math.Abs(float64(bias))
			})
		eachVector(t, 1, 0, func(set *Set, x [][]float32) { set.AddBias(x[0], bias, true) },
			func(x []float64) (float64, float64) {
				v := x[0] + float64(bias)
				if v < 0 {
					v = 0
				}
				return v, math.Abs(x[0]) + math.Abs(float64(bias))
			})
	}
}

func TestReLUBackward(t *testing.T) {
	eachVector(t, 3, 2, func(set *Set, x [][]float32) { set.ReLUBackward(x[0], x[1], x[2]) },
		func(x []float64) (float64, float64) {
			if x[0] > 0 {
				return x[1], 0
			}
			return 0, 0
		})
	eachVector(t, 2, 1, func(set *Set, x [][]float32) { set.ReLUBackward(x[0], x[1], x[1]) }, // in place
		func(x []float64) (float64, float64) {
			if x[0] > 0 {
				return x[1], 0
			}
			return 0, 0
		})
}

func TestAdd(t *testing.T) {
	eachVector(t, 2, 0, func(set *Set, x [][]float32) { set.Add(x[0], x[1]) },
		func(x []float64) (float64, float64) { return x[0] + x[1], math.Abs(x[0]) + math.Abs(x[1]) })
}

func TestUpdate(t *testing.T) {
	const momentum, decay, rate = 0.9, 0.25, 0.5
	velocity := func(x []float64) (float64, float64) {
		return momentum*x[1] - decay*x[0] - rate*x[2], math.Abs(x[1]) + math.Abs(x[0]) + math.Abs(x[2])
	}
	call := func(set *Set, x [][]float32) { set.Update(x[0], x[1], x[2], momentum, decay, rate) }
	eachVector(t, 3, 1, call, velocity)
	eachVector(t, 3, 0, call, func(x []float64) (float64, float64) {
		v, size := velocity(x)
		return x[0] + v, size + math.Abs(x[0])
	})
}

func TestFinite(t *testing.T) {
	for _, set := range Usable() {
		for n := range 40 {
			x := random(rand.New(rand.NewPCG(6, 6)), n+1)[1:]
			if !set.Finite(x) {
				t.Errorf("%s: %v are not finite", set.Name, x)
			}
			for i := range x {
				for _, bad := range []float32{inf, -inf, nan} {
					y := append([]float32(nil), x...)
					y[i] = bad
					if set.Finite(y) {
						t.Errorf("%s: %v are finite", set.Name, y)
					}
				}
			}
			if n > 0 {
				x[n-1] = math.MaxFloat32
				if !set.Finite(x) {
					t.Errorf("%s: the largest number is not finite", set.Name)
				}
			}
		}
	}
}

// TestSum and TestDots compare with float64: each addition and product rounds by
// at most 2⁻²⁴ of the sum of sizes.
func TestSum(t *testing.T) {
	for _, set := range Usable() {
		for _, n := range append([]int{32, 63, 65, 3025}, lengths...) {
			x := random(rand.New(rand.NewPCG(7, uint64(n))), n+1)[1:]
			var want, size float64
			for _, v := range x {
				want += float64(v)
				size += math.Abs(float64(v))
			}
			if got := set.Sum(x); math.Abs(float64(got)-want) > float64(n)*size/(1<<24) {
				t.Errorf("%s: the sum of %d numbers is %v, want %v", set.Name, n, got, want)
			}
			if n > 0 {
				x[n/2] = nan
				if got := set.Sum(x); got == got {
					t.Errorf("%s: the sum of %d numbers with a NaN is %v", set.Name, n, got)
				}
			}
		}
	}
}

func TestDots(t *testing.T) {
	for _, set := range Usable() {
		for _, n := range append([]int{32, 63, 65, 1152}, lengths...) {
			rng := rand.New(rand.NewPCG(8, uint64(n)))
			ld := n + 3
			w := random(rng, 4*ld+1)[1:]
			for _, d := range set.Dots {
				const ldy = 7
				x, y := random(rng, d.Images*(n+1)), make([]float32, d.Images*ldy)
				for i := range y {
					y[i] = nan
				}
				d.Run(&y[0], ldy, &x[0], n+1, &w[0], ld, n)
				for at, v := range y {
					i, r := at/ldy, at%ldy
					if r >= 4 {
						if v == v {
							t.Errorf("%s, %d vectors: wrote beside the products of %d numbers", set.Name, d.Images, n)
						}
						continue
					}
					var want, size float64
					for j := range n {
						term := float64(x[i*(n+1)+j]) * float64(w[r*ld+j])
						want += term
						size += math.Abs(term)
					}
					if !(math.Abs(float64(v)-want) <= float64(n)*size/(1<<24)) {
						t.Errorf("%s, %d vectors: product %d of %d numbers is %v, want %v", set.Name, d.Images, r, n, v, want)
					}
				}
			}
		}
	}
}
