package enginetest_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// trained is the result of a few steps.
type trained struct {
	loss    []float32
	weights map[string][]float32
}

// train takes alexnet-mini, after changes, through some steps on the golden's pictures.
func train(t *testing.T, steps, contexts int, options cpu.Options, changes ...func(*engine.Net)) trained {
	t.Helper()
	g := readGolden(t, "alexnet-mini")
	m := newModel(t, g, 1, open(t, contexts, options), changes...)
	defer m.Close()
	var r trained
	for i := range steps {
		b, step := g.batch(m, i)
		got, err := m.Train(b, step)
		if err != nil {
			t.Fatal(err)
		}
		r.loss = append(r.loss, got.Loss...)
	}
	r.weights = map[string][]float32{}
	for _, p := range m.Parameters() {
		v, err := m.Read(engine.Weight, p.Name)
		if err != nil {
			t.Fatal(err)
		}
		r.weights[p.Name] = v
	}
	return r
}

// TestThreadsDoNotMatter: the number of threads must not change a bit, on one
// context and on two, with every set of kernels that the machine can run.
func TestThreadsDoNotMatter(t *testing.T) {
	for _, contexts := range []int{1, 2} {
		for _, kernels := range usable() {
			t.Run(fmt.Sprintf("%d contexts, %s", contexts, kernels), func(t *testing.T) {
				if kernels == "portable" && testing.Short() {
					t.Skip("the portable kernels are slow")
				}
				steps, others := 2, []int{2, 3, 7}
				if testing.Short() { // an emulator takes a minute for each
					steps, others = 1, []int{3}
				}
				want := train(t, steps, contexts, cpu.Options{Threads: 1, Kernels: kernels})
				for _, threads := range others {
					got := train(t, steps, contexts, cpu.Options{Threads: threads, Kernels: kernels})
					if !slices.Equal(got.loss, want.loss) {
						t.Errorf("%d threads: losses %v, one thread %v", threads, got.loss, want.loss)
					}
					for name, w := range want.weights {
						if !slices.Equal(got.weights[name], w) {
							t.Errorf("%d threads: %s differs from one thread's", threads, name)
						}
					}
				}
			})
		}
	}
}

// TestPlacementsAgree: two contexts compute what one does. The sums over maps
// of both towers are cut differently, so they agree to rounding: losses to the
// golden's measure of it, each array of weights to a hundredth of what training
// moved it (a tie, see the tolerances of TestGolden, is some thousandths of a
// whole array) and the rounding of each step's W + V.
func TestPlacementsAgree(t *testing.T) {
	t.Run("alexnet-mini", func(t *testing.T) { placementsAgree(t) })
	t.Run("normalised across towers", func(t *testing.T) {
		placementsAgree(t, func(n *engine.Net) {
			for _, l := range n.Layers {
				if l.LRN != nil {
					l.LRN.Across, l.LRN.Size, l.LRN.Alpha = true, 9, .1
				}
			}
		})
	})
}

func placementsAgree(t *testing.T, changes ...func(*engine.Net)) {
	const steps = 4
	g := readGolden(t, "alexnet-mini")
	one, two := train(t, steps, 1, cpu.Options{}, changes...), train(t, steps, 2, cpu.Options{}, changes...)
	start := train(t, 0, 1, cpu.Options{}, changes...)
	for i, w := range one.loss {
		if off := math.Abs(float64(two.loss[i] - w)); !(off <= allowance*slices.Max(g.Rounding.Train[:steps])) {
			t.Errorf("step %d, image %d: loss %v on two contexts, %v on one", i/g.Batch, i%g.Batch, two.loss[i], w)
		}
	}
	for name, w := range one.weights {
		var off, moved, size float64
		for i := range w {
			d, m := float64(two.weights[name][i]-w[i]), float64(w[i]-start.weights[name][i])
			off += d * d
			moved += m * m
			size += float64(w[i]) * float64(w[i])
		}
		off, moved, size = math.Sqrt(off), math.Sqrt(moved), math.Sqrt(size)
		if moved == 0 {
			t.Errorf("%s did not move in %d steps", name, steps)
		}
		if allowed := 0.01*moved + steps*0x1p-24*size; !(off <= allowed) {
			t.Errorf("%s: the placements are %g apart, training moved it by %g; allowed %g", name, off, moved, allowed)
		}
	}
}
