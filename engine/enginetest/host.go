package enginetest

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"

	"alexnet/engine"
)

// upload copies values into t, converted to the type the host uses for it.
func upload(ctx engine.Context, t *engine.Tensor, values []float64) error {
	var src any
	switch t.Type {
	case engine.Int32:
		src = convert[int32](values)
	case engine.Byte, engine.Argmax:
		src = convert[byte](values)
	default:
		src = convert[float32](values)
	}
	return ctx.Upload(t, src)
}

// download waits for the queue and returns the contents of t.
func download(ctx engine.Context, t *engine.Tensor) ([]float64, error) {
	n := t.Shape.Len()
	switch t.Type {
	case engine.Int32:
		return wait(ctx, make([]int32, n), t)
	case engine.Byte, engine.Argmax:
		return wait(ctx, make([]byte, n), t)
	default:
		return wait(ctx, make([]float32, n), t)
	}
}

func wait[T number](ctx engine.Context, dst []T, t *engine.Tensor) ([]float64, error) {
	err := errors.Join(ctx.Download(dst, t), ctx.Sync())
	return convert[float64](dst), err
}

type number interface {
	~float32 | ~float64 | ~int32 | ~byte
}

func convert[To, From number](from []From) []To {
	to := make([]To, len(from))
	for i, v := range from {
		to[i] = To(v)
	}
	return to
}

// Noise returns n numbers in [−1, 1) that depend on the name only, with 12
// significant bits, so that every format but bfloat16 holds them exactly.
func Noise(name string, n int) []float64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	state := h.Sum64()
	v := make([]float64, n)
	for i := range v {
		state = state*6364136223846793005 + 1442695040888963407 // Knuth's MMIX generator
		v[i] = float64(state>>52)/2048 - 1
	}
	return v
}

// integers returns n whole numbers in [lo, hi] that depend on the name only.
func integers(name string, n, lo, hi int) []float64 {
	v := Noise(name, n)
	for i := range v {
		v[i] = math.Floor((v[i]+1)/2*float64(hi-lo+1)) + float64(lo)
	}
	return v
}

func repeat(v float64, n int) []float64 {
	s := make([]float64, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// differ returns the first index at which a and b have different bits, or −1. All
// NaNs are the same.
func differ(a, b []float64) int {
	for i := range a {
		if math.Float64bits(a[i]) != math.Float64bits(b[i]) && !(math.IsNaN(a[i]) && math.IsNaN(b[i])) {
			return i
		}
	}
	return -1
}

func coordinates(s engine.Shape, i int) string {
	row, image := s[3], s[2]*s[3]
	return fmt.Sprintf("[%d,%d,%d,%d]", i/s.Row(), i%s.Row()/image, i%image/row, i%row)
}

func distinct(ts []*engine.Tensor) []*engine.Tensor {
	seen := map[*engine.Tensor]bool{}
	var out []*engine.Tensor
	for _, t := range ts {
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return out
}

func set(ts []*engine.Tensor) map[*engine.Tensor]bool {
	m := map[*engine.Tensor]bool{}
	for _, t := range ts {
		m[t] = true
	}
	return m
}
