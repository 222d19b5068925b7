package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestMaxPool compares one row of windows with the definition, with ties,
// infinities and NaN among the values.
func TestMaxPool(t *testing.T) {
	for _, set := range Usable() {
		for _, step := range []int{1, 2, 3} {
			for _, size := range []int{1, 2, 3, 5, 15} {
				for _, n := range []int{1, 6, 8, 9, 13, 15, 16, 17, 27, 55} {
					t.Run(fmt.Sprintf("%s/step=%d/size=%d/n=%d", set.Name, step, size, n), func(t *testing.T) {
						checkMaxPool(t, set, step, size, n)
					})
				}
			}
		}
	}
}

func checkMaxPool(t *testing.T, set *Set, step, size, n int) {
	rng := rand.New(rand.NewPCG(uint64(size), uint64(n)))
	stride := (n-1)*step + size + 2
	x := make([]float32, size*stride+1) // one float beyond the last window may be read
	for i := range x {
		switch rng.IntN(12) {
		case 0:
			x[i] = -inf
		case 1:
			x[i] = inf
		case 2:
			x[i] = nan
		default:
			x[i] = float32(rng.IntN(5)) - 2
		}
	}
	if n > 2 { // a window of nothing but −∞
		for r := range size {
			for c := range size {
				x[r*stride+2*step+c] = -inf
			}
		}
	}
	y, at := guarded(n), make([]byte, n+2)
	at[0], at[n+1] = 77, 77
	set.MaxPool(&x[0], stride, size, step, &y[1], &at[1], n)
	for i := range n {
		best, position := x[i*step], 0
		for p := range size * size {
			v := x[p/size*stride+i*step+p%size]
			if v > best || v != v && best == best {
				best, position = v, p
			}
		}
		got := y[1+i]
		if got != best && (got == got || best == best) || int(at[1+i]) != position {
			t.Fatalf("output %d: %v at %d, want %v at %d", i, got, at[1+i], best, position)
		}
	}
	checkGuards(t, y, 1, n)
	if at[0] != 77 || at[n+1] != 77 {
		t.Fatal("wrote positions outside the row")
	}
	again := guarded(n)
	set.MaxPool(&x[0], stride, size, step, &again[1], nil, n)
	for i, v := range y {
		if again[i] != v && (v == v || again[i] == again[i]) {
			t.Fatalf("output %d without positions: %v, with them %v", i, again[i], v)
		}
	}
}
