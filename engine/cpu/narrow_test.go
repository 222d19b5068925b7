package cpu_test

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/cpu/internal/trap"
	"alexnet/engine/enginetest"
)

// everyNarrowSet runs a test over the sets of kernels for bfloat16, AMX's emulated
// where the processor lacks it.
func everyNarrowSet(t *testing.T, f func(t *testing.T, kernels string)) {
	for _, s := range slices.Backward(cpu.Kernels("bf16")) {
		t.Run(s.Name, func(t *testing.T) {
			if s.Name == "amx" {
				trap.AMX(t)
			} else if !s.Usable {
				t.Skipf("needs %s", s.Needs)
			}
			f(t, s.Name)
		})
	}
}

func openNarrow(t testing.TB, kernels string, threads int) engine.Context {
	t.Helper()
	c, err := cpu.New("cpu", cpu.Options{Threads: threads, Kernels: kernels, Precision: "bf16"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNarrowConformance runs the suite in bfloat16, with the tolerances that follow
// from its unit roundoff as on GPUs, over every set.
func TestNarrowConformance(t *testing.T) {
	everyNarrowSet(t, func(t *testing.T, kernels string) {
		enginetest.Run(t, func(t *testing.T) engine.Context { return openNarrow(t, kernels, 2) }, enginetest.BF16)
	})
}

// TestNarrowThreads trains some steps on different numbers of threads: losses and
// weights agree bit for bit, within every set.
func TestNarrowThreads(t *testing.T) {
	everyNarrowSet(t, func(t *testing.T, kernels string) {
		counts, steps := []int{1, 2, 3, 8}, 2
		if trap.Emulated() && kernels == "amx" || testing.Short() {
			counts, steps = []int{1, 3}, 1
		}
		var want []uint32
		for _, threads := range counts {
			m, b := mini(t, openNarrow(t, kernels, threads))
			got := train(t, m, b, steps)
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d threads: losses or weights differ from those of one thread", threads)
			}
		}
	})
}

// TestNarrowTowers trains on two contexts that exchange activations.
func TestNarrowTowers(t *testing.T) {
	kernels := fastestNarrow()
	run := func() []uint32 {
		m, b := mini(t, openNarrow(t, kernels, 1), openNarrow(t, kernels, 2))
		defer m.Close()
		return train(t, m, b, 2)
	}
	if !slices.Equal(run(), run()) {
		t.Error("two runs of the same training differ")
	}
}

// fastestNarrow is the last set that is usable without emulation.
func fastestNarrow() (name string) {
	for _, s := range cpu.Kernels("bf16") {
		if s.Usable && s.Name != "amx" {
			name = s.Name
		}
	}
	return name
}

// TestNarrowMixed wants contexts of two precisions refused together.
func TestNarrowMixed(t *testing.T) {
	net, err := engine.Preset("alexnet-mini", 10)
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.NewModel(net, []engine.Context{open(t, cpu.Options{}), openNarrow(t, fastestNarrow(), 1)}, engine.ModelConfig{Batch: 2})
	if err == nil || !strings.Contains(err.Error(), "of another precision") {
		t.Errorf("error %v, want one about the precision", err)
	}
}

// TestNarrowLong trains the small net for many steps on few pictures: every loss is
// finite, and in the end the net knows them.
func TestNarrowLong(t *testing.T) {
	steps := 1000
	if testing.Short() {
		steps = 60
	}
	m, b := mini(t, openNarrow(t, fastestNarrow(), 2))
	defer m.Close()
	var first, last float64
	for n := range steps {
		out, err := m.Train(b, engine.Step{Seed: 1, Number: uint64(n), LearningRate: 1e-5, Momentum: 0.9})
		if err != nil {
			t.Fatal(err)
		}
		last = 0
		for _, l := range out.Loss {
			last += float64(l) / float64(len(out.Loss))
		}
		if n == 0 {
			first = last
		}
		if out.Halted || math.IsNaN(last) || math.IsInf(last, 0) {
			t.Fatalf("step %d: the loss is %v", n, last)
		}
	}
	t.Logf("%d steps: from %.3f to %.3f", steps, first, last)
	if !(last < first/2) {
		t.Errorf("the loss went from %.3f to %.3f", first, last)
	}
}

// TestNarrowResume: what a context of bfloat16 gives out of its weights and velocities
// goes on, in another one, bit for bit.
func TestNarrowResume(t *testing.T) {
	kernels := fastestNarrow()
	m, b := mini(t, openNarrow(t, kernels, 2))
	defer m.Close()
	train(t, m, b, 2)
	again, _ := mini(t, openNarrow(t, kernels, 2))
	defer again.Close()
	for _, p := range m.Parameters() {
		for _, field := range []engine.Field{engine.Weight, engine.Velocity} {
			v, err := m.Read(field, p.Name)
			if err != nil {
				t.Fatal(err)
			}
			if err := again.Write(field, p.Name, slices.Clone(v)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !slices.Equal(train(t, m, b, 3), train(t, again, b, 3)) {
		t.Error("the model that went on differs from the one that never stopped")
	}
}

// TestNarrowNoAllocations runs every op of the paper's net without allocating.
func TestNarrowNoAllocations(t *testing.T) {
	if testing.Short() || fastestNarrow() == "portable" {
		t.Skip("takes a whole pass over the paper's net")
	}
	for _, l := range layers() {
		if l.flop > 70e6 && strings.HasPrefix(l.name, "fc") {
			continue // the same code as fc7, and much memory
		}
		c := openNarrow(t, fastestNarrow(), 2)
		p := prepare(t, c, l.ops(&net{c, 2}))
		allocations := func(runs int) float64 {
			return testing.AllocsPerRun(2, func() {
				for range runs {
					if err := p.Run(engine.Step{LearningRate: .01, Momentum: .9}); err != nil {
						t.Fatal(err)
					}
				}
				if err := c.Sync(); err != nil {
					t.Fatal(err)
				}
			})
		}
		if n := allocations(1) - allocations(0); n != 0 { // Sync makes a mark
			t.Errorf("%s: %v allocations a run, want none", l.name, n)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNarrowContexts trains on many contexts at once, each of which uses tiles where
// there are some: all come to the same weights.
func TestNarrowContexts(t *testing.T) {
	everyNarrowSet(t, func(t *testing.T, kernels string) {
		if kernels == "portable" {
			t.Skip("has no state of its own")
		}
		got := make([][]uint32, 4)
		if trap.Emulated() && kernels == "amx" {
			got = got[:2]
		}
		var all sync.WaitGroup
		for i := range got {
			m, b := mini(t, openNarrow(t, kernels, 1+i%2))
			all.Go(func() {
				got[i] = train(t, m, b, 1)
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for i, bits := range got {
			if !slices.Equal(bits, got[0]) {
				t.Errorf("context %d differs from the first", i)
			}
		}
	})
}

// TestLean: a model that forgets the gradients of dense layers comes to the same
// weights, bit for bit, in less memory.
func TestLean(t *testing.T) {
	for _, precision := range cpu.Precisions {
		var bits [2][]uint32
		var memory [2]int64
		for i, lean := range []bool{false, true} {
			kernels := ""
			if precision == "bf16" {
				kernels = fastestNarrow()
			}
			c := open(t, cpu.Options{Threads: 2, Kernels: kernels, Precision: precision})
			net, err := engine.Preset("alexnet-mini", 10)
			if err != nil {
				t.Fatal(err)
			}
			m, err := engine.NewModel(net, []engine.Context{c}, engine.ModelConfig{Batch: 6, Decay: 0.0005, Lean: lean, Freeze: []string{"fc7"}})
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Initialize(engine.InitHe, 1); err != nil {
				t.Fatal(err)
			}
			_, b := mini(t, open(t, cpu.Options{Threads: 1}))
			bits[i], memory[i] = train(t, m, b, 3), m.Plans()[0].Total()
			if _, err := m.Read(engine.Gradient, "fc6.weight"); (err != nil) != lean {
				t.Errorf("%s, lean %v: reading a gradient: %v", precision, lean, err)
			}
			if _, err := m.Read(engine.Gradient, "conv1.weight"); err != nil {
				t.Error(err)
			}
		}
		if !slices.Equal(bits[0], bits[1]) {
			t.Errorf("%s: the lean model's losses or weights differ", precision)
		}
		if memory[1] >= memory[0] {
			t.Errorf("%s: lean takes %d bytes, otherwise %d", precision, memory[1], memory[0])
		}
	}
}

// TestNarrowMemory wants the paper's net to train on 128 pictures in less than 930 MB,
// so that with what a program takes besides it stays under 1 GB.
func TestNarrowMemory(t *testing.T) {
	net, err := engine.Preset("alexnet", 1000)
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, cpu.Options{Threads: 2, Kernels: fastestNarrow(), Precision: "bf16"})
	plans, err := engine.PlanModel(net, []engine.Context{c}, engine.ModelConfig{Batch: 128, Decay: .0005, Lean: true})
	if err != nil {
		t.Fatal(err)
	}
	p := plans[0]
	t.Logf("persistent %d MB, scratch %d, workspace %d", p.Persistent/1e6, p.Scratch/1e6, p.Workspace/1e6)
	if p.Total() > 930e6 {
		t.Errorf("the plan takes %d MB", p.Total()/1e6)
	}
}

// TestNarrowRanks exchanges tensors of bfloat16 between ranks.
func TestNarrowRanks(t *testing.T) {
	for _, n := range []int{1, 2, 3} {
		enginetest.RunRanks(t, n, func(t *testing.T, _ int) engine.Context { return openNarrow(t, fastestNarrow(), 2) })
	}
}
