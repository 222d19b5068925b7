package cpu_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// open makes a context that the test closes.
func open(t testing.TB, opts cpu.Options) engine.Context {
	t.Helper()
	c, err := cpu.New("cpu", opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// mini is the small preset on fresh contexts, started from a fixed seed, and a
// batch for it.
func mini(t testing.TB, contexts ...engine.Context) (*engine.Model, engine.Batch) {
	t.Helper()
	const classes, images = 10, 6
	net, err := engine.Preset("alexnet-mini", classes)
	if err != nil {
		t.Fatal(err)
	}
	m, err := engine.NewModel(net, contexts, engine.ModelConfig{Batch: images, Decay: 0.0005})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Initialize(engine.InitHe, 1); err != nil {
		t.Fatal(err)
	}
	b := engine.Batch{Images: images, Pixels: make([]byte, images*net.Input.Size*net.Input.Size*3), Labels: make([]int32, images)}
	for i := range b.Pixels {
		b.Pixels[i] = byte(i * i / 7)
	}
	for i := range b.Labels {
		b.Labels[i] = int32(i % classes)
	}
	return m, b
}

// train runs steps and returns the bits of the losses and of every weight.
func train(t testing.TB, m *engine.Model, b engine.Batch, steps int) (bits []uint32) {
	t.Helper()
	add := func(values []float32) {
		for _, v := range values {
			bits = append(bits, math.Float32bits(v))
		}
	}
	for n := range steps {
		s := engine.Step{Seed: 1, Number: uint64(n), LearningRate: 0.001, Momentum: 0.9}
		out, err := m.Train(b, s)
		if err != nil {
			t.Fatal(err)
		}
		add(out.Loss)
	}
	for _, p := range m.Parameters() {
		values, err := m.Read(engine.Weight, p.Name)
		if err != nil {
			t.Fatal(err)
		}
		add(values)
	}
	return bits
}

// TestThreads trains some steps on different numbers of threads: losses and
// weights agree bit for bit.
func TestThreads(t *testing.T) {
	steps := 3
	if testing.Short() {
		steps = 1
	}
	for _, kernels := range usable() {
		var want []uint32
		for _, threads := range []int{1, 2, 3, 8} {
			if testing.Short() && threads > 2 {
				continue
			}
			t.Run(fmt.Sprintf("%s/threads=%d", kernels, threads), func(t *testing.T) {
				m, b := mini(t, open(t, cpu.Options{Threads: threads, Kernels: kernels}))
				got := train(t, m, b, steps)
				if want == nil {
					want = got
				}
				if !slices.Equal(got, want) {
					t.Error("losses or weights differ from those of one thread")
				}
			})
		}
	}
}

// TestFiftySteps trains alexnet-mini for fifty steps in both placements: every
// loss and weight is the same bit for bit on any number of threads.
func TestFiftySteps(t *testing.T) {
	if testing.Short() {
		t.Skip("trains 400 steps")
	}
	for _, contexts := range []int{1, 2} {
		var want []uint32
		for _, threads := range []int{1, 2, 3, 8} {
			var cs []engine.Context
			for range contexts {
				cs = append(cs, open(t, cpu.Options{Threads: threads}))
			}
			m, b := mini(t, cs...)
			got := train(t, m, b, 50)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d contexts of %d threads: losses or weights differ from those of one thread", contexts, threads)
			}
		}
	}
}

// TestTwoContexts runs both towers at the same time, over and over, for the
// race detector and the exchange of activations.
func TestTwoContexts(t *testing.T) {
	run := func() []uint32 {
		m, b := mini(t, open(t, cpu.Options{Threads: 1}), open(t, cpu.Options{Threads: 2}))
		return train(t, m, b, 2)
	}
	if !slices.Equal(run(), run()) {
		t.Error("two runs of the same training differ")
	}
}

// TestNoAllocations runs every op of the paper's net without allocating.
func TestNoAllocations(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a whole pass over the paper's net")
	}
	for _, l := range layers() {
		if l.flop > 70e6 && strings.HasPrefix(l.name, "fc") {
			continue // the same code as fc7, and much memory
		}
		t.Run(l.name, func(t *testing.T) {
			c := open(t, cpu.Options{Threads: 2})
			p := prepare(t, c, l.ops(&net{c, 2})) // one image is too few for Winograd's filtering
			step := engine.Step{LearningRate: .01, Momentum: .9}
			allocations := func(runs int) float64 {
				return testing.AllocsPerRun(2, func() {
					for range runs {
						if err := p.Run(step); err != nil {
							t.Fatal(err)
						}
					}
					if err := c.Sync(); err != nil {
						t.Fatal(err)
					}
				})
			}
			if n := allocations(1) - allocations(0); n != 0 { // Sync makes a mark
				t.Errorf("%v allocations a run, want none", n)
			}
		})
	}
}
