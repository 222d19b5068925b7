package bf16_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	. "alexnet/engine/cpu/internal/bf16"
)

// memory is what a kernel finds and leaves: arrays that it may write.
type memory struct {
	words  []uint16
	pairs  []uint32
	floats []float32
	more   []float32
	bytes  []byte
}

func (m memory) clone() memory {
	return memory{slices.Clone(m.words), slices.Clone(m.pairs), slices.Clone(m.floats), slices.Clone(m.more), slices.Clone(m.bytes)}
}

// TestKernels runs every kernel but Gemm over odd sizes, special numbers among the
// operands, and holds what it leaves in memory, also where it should not write, to
// the portable set's: bit by bit, or as near as the fused operations of the assembly
// make it, which are one rounding of float32 in a handful.
func TestKernels(t *testing.T) {
	const room = 4096
	for name, run := range map[string]struct {
		fused bool
		call  func(s *Set, m memory, x, y []uint16, f []float32, n int)
	}{
		"TurnPairs": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.TurnPairs(&m.pairs[5], 37, &x[3], n+5, min(n, 35), n+1)
		}},
		"TurnWords": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.TurnWords(&m.words[5], n+3, &x[3], 41, n, 1+n%38)
		}},
		"Interleave": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.Interleave(&m.pairs[5], n+3, &x[1], n+2, 1+n%7, n)
		}},
		"Narrow": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) { s.Narrow(m.words[3:], f[1:][:n]) }},
		"Widen":  {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) { s.Widen(m.floats[3:], x[1:][:n]) }},
		"Finish": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.Finish(&m.words[3], n+1, &f[0], n+5, f[7:][:n], 3, false)
		}},
		"Finish, ReLU": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.Finish(&m.words[3], n+1, &f[0], n+5, f[7:][:n], 3, true)
		}},
		"ReLUBackward": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.ReLUBackward(x[1:][:n], y[2:], m.words[3:])
		}},
		"AddWide": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) { s.AddWide(m.floats[3:][:n], x[1:]) }},
		"Scale":   {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) { s.Scale(m.words[3:], x[1:][:n], .7) }},
		"Update": {true, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.Update(m.words[3:][:n], m.words[1000:], m.floats[5:], f, .9, .25, .5)
		}},
		"Input": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.Input(m.words[3:][:2*n], m.bytes[5:], f, (*[48]float32)(f[100:]), .25)
		}},
		"Squares": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.Squares(&m.floats[3], n+5, &x[1], n+2, 3, n)
		}},
		"LRNForward": {true, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.LRNForward(&m.words[3], &x[1], n+2, positive(f), n+5, 3, n, 1+n%6, 2, .1)
		}},
		"LRNTerms": {true, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.LRNTerms(&m.floats[3], &m.more[5], n+1, &x[1], &y[1], n+2, positive(f), n+5, 3, n, 1+n%6, 2, .1)
		}},
		"LRNCombine": {true, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.LRNCombine(&m.words[3], &x[3], n+2, &m.floats[1], &m.more[5], n+9, 3, n, 1+n%6, .1)
		}},
		"MaxPool": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.MaxPool(&m.words[3], &m.bytes[9], &x[1], PoolWindow{9 * n, n + 1, 1 + n%3, 1 + n%4, n % 5, n % 2}, n)
		}},
		"MaxPool, no positions": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.MaxPool(&m.words[3], nil, &x[1], PoolWindow{9 * n, n + 1, 3, 3, 0, 0}, n)
		}},
		"Gather": {false, func(s *Set, m memory, x, y []uint16, f []float32, n int) {
			s.Gather(&m.words[3], &x[5], &m.bytes[5], []Source{{0, 1}, {n, 0}, {3 * n, 2}}[:n%4], n)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			everySet(t, func(t *testing.T, s *Set) {
				if s.Name != "avx512" {
					t.Skip("the set compared with, or one that has the same kernels")
				}
				for _, n := range []int{1, 2, 7, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 100} {
					for _, special := range []bool{false, true} {
						rng := rand.New(rand.NewPCG(uint64(n), 9))
						x, y := numbers(rng, 2*room, special && name != "Update" && name != "LRNCombine"), numbers(rng, 2*room, special)
						f := make([]float32, room)
						for i, u := range numbers(rng, room, special && name != "LRNForward") {
							f[i] = Float(u) * 1.01
						}
						m := memory{numbers(rng, 3*room, false), make([]uint32, 3*room), make([]float32, room), make([]float32, room), make([]byte, room)}
						for i := range m.floats {
							m.floats[i], m.more[i], m.bytes[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64()), byte(rng.IntN(3))
						}
						want := m.clone()
						run.call(portable, want, x, y, f, n)
						run.call(s, m, x, y, f, n)
						if !slices.Equal(m.pairs, want.pairs) || !slices.Equal(m.bytes, want.bytes) {
							t.Fatalf("n=%d, special %v: pairs or bytes differ", n, special)
						}
						compareWords(t, m.words, want.words, run.fused, fmt.Sprintf("n=%d special %v", n, special), name == "Update")
						compareFloats(t, m.floats, want.floats, run.fused, n)
						compareFloats(t, m.more, want.more, run.fused, n)
					}
				}
			})
		})
	}
}

// positive is f without signs.
func positive(f []float32) *float32 {
	for i := range f {
		f[i] = float32(math.Abs(float64(f[i])))
	}
	return &f[0]
}

// compareWords compares bfloat16s: where operations are fused the next one is as
// good. The halves of updated weights are compared together.
func compareWords(t *testing.T, got, want []uint16, fused bool, where string, halves bool) {
	t.Helper()
	for i := range got {
		a, b := Float(got[i]), Float(want[i])
		if halves && i >= 3 && i < 103 {
			a, b = Join(got[i], got[997+i]), Join(want[i], want[997+i])
		} else if halves && i >= 1000 && i < 1100 {
			continue
		}
		if a == b || a != a && b != b {
			continue
		}
		if !fused || !(math.Abs(float64(a-b)) <= math.Max(math.Abs(float64(b))/128, 1e-6)) || halves && !(math.Abs(float64(a-b)) <= 1e-5*math.Max(1, math.Abs(float64(b)))) {
			t.Fatalf("%s: word %d is %v, want %v", where, i, a, b)
		}
	}
}

func compareFloats(t *testing.T, got, want []float32, fused bool, n int) {
	t.Helper()
	for i, b := range want {
		a := got[i]
		if a == b || a != a && b != b {
			continue
		}
		if !fused || !(math.Abs(float64(a-b)) <= 1e-5*math.Max(1, math.Abs(float64(b)))) {
			t.Fatalf("n=%d: float %d is %v, want %v", n, i, a, b)
		}
	}
}

// TestColumnSums compares with sums in float64.
func TestColumnSums(t *testing.T) {
	everySet(t, func(t *testing.T, s *Set) {
		for _, rows := range []int{1, 3, 4, 66, 129} {
			for _, n := range []int{1, 16, 33, 96} {
				x := numbers(rand.New(rand.NewPCG(1, uint64(n))), rows*(n+3), false)
				sum := make([]float32, n+1)
				sum[0], sum[n] = 1, guard
				s.ColumnSums(sum[:n], &x[0], n+3, rows)
				for j := range n {
					want, size := 0.0, 1.0
					if j == 0 {
						want = 1
					}
					for r := range rows {
						want += float64(Float(x[r*(n+3)+j]))
						size += math.Abs(float64(Float(x[r*(n+3)+j])))
					}
					if math.Abs(float64(sum[j])-want) > float64(rows)*size/(1<<24) {
						t.Fatalf("%d rows of %d: sum %d is %v, want %v", rows, n, j, sum[j], want)
					}
				}
				if sum[n] != guard {
					t.Fatal("wrote behind the sums")
				}
			}
		}
	})
}

// TestSplit wants every float32's bits back, over all exponents and halves, and the
// upper half as near as a bfloat16 can be.
func TestSplit(t *testing.T) {
	for b := uint32(0); b < 0xff80ffff-0x1fff; b += 0x1fff {
		for _, low := range []uint32{b, b&^0xffff | 0x7fff, b&^0xffff | 0x8000, b&^0xffff | 0x8001} {
			v := math.Float32frombits(low)
			h, l := Split(v)
			if got := Join(h, l); math.Float32bits(got) != low && v == v {
				t.Fatalf("%#x came back as %#x", low, math.Float32bits(got))
			}
			if v == v && !math.IsInf(float64(v), 0) && low&0x7f800000 != 0 {
				if near, even := Float(h), Float(Round(v)); math.Abs(float64(near)-float64(v)) != math.Abs(float64(even)-float64(v)) {
					t.Fatalf("%v: the upper half is %v, the nearest %v", v, near, even)
				}
			}
		}
	}
}
