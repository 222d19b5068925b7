package cuda_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/cuda"
	"alexnet/engine/cuda/internal/emulator"
)

// trained is the result of a few steps.
type trained struct {
	loss    []float32
	probs   []float32 // of an inference afterwards
	weights map[string][]float32
}

// train takes a net through some steps, always with one step started before
// the last one is finished.
func train(t testing.TB, net string, batch, steps int, contexts []engine.Context) trained {
	t.Helper()
	m := newModel(t, net, batch, contexts)
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	var r trained
	finish := func() {
		o, err := m.Finish()
		if err != nil {
			t.Fatal(err)
		}
		if o.Halted {
			t.Fatal("halted")
		}
		r.loss = append(r.loss, o.Loss...)
	}
	for i := range steps {
		step := engine.Step{Seed: 5, Number: uint64(i), LearningRate: 0.001, Momentum: 0.9}
		if err := m.Start(pictures(m, uint64(i)), step); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			finish()
		}
	}
	if steps > 0 {
		finish()
	}
	o, err := m.Infer(pictures(m, 1000))
	if err != nil {
		t.Fatal(err)
	}
	r.probs = slices.Clone(o.Probs)
	r.weights = map[string][]float32{}
	for _, p := range m.Parameters() {
		if r.weights[p.Name], err = m.Read(engine.Weight, p.Name); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// newModel puts smallNet or a built-in net on contexts.
func newModel(t testing.TB, name string, batch int, contexts []engine.Context) *engine.Model {
	t.Helper()
	net := smallNet()
	if name != net.Name {
		var err error
		if net, err = engine.Preset(name, 10); err != nil {
			t.Fatal(err)
		}
	}
	return modelOf(t, net, contexts, engine.ModelConfig{Batch: batch, Decay: 0.0005, Smoothing: 0.1})
}

// modelOf puts a net on contexts, with the same weights every time.
func modelOf(t testing.TB, net *engine.Net, contexts []engine.Context, cfg engine.ModelConfig) *engine.Model {
	t.Helper()
	net.Input.Scale = 1.0 / 64
	m, err := engine.NewModel(net, contexts, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Initialize(engine.InitHe, 3); err != nil {
		t.Fatal(err)
	}
	return m
}

// pictures is a batch of noise that depends on the number alone.
func pictures(m *engine.Model, number uint64) engine.Batch {
	r := rand.New(rand.NewPCG(number, 7))
	n, size := m.Config.Batch, m.Net.Input.Size
	b := engine.Batch{Images: n, Pixels: make([]byte, n*size*size*3), Colour: make([]float32, 3*n), Labels: make([]int32, n)}
	for i := range b.Pixels {
		b.Pixels[i] = byte(r.Uint32())
	}
	for i := range b.Colour {
		b.Colour[i] = float32(r.NormFloat64() * 10)
	}
	for i := range b.Labels {
		b.Labels[i] = int32(r.IntN(m.Net.Classes))
	}
	return b
}

// placements of two towers.
var placements = [][]int{{0}, {0, 0}, {0, 1}}

// apart is the distance of two runs' weights as a share of how far training has
// moved them, the largest over the parameters, and that of losses.
func apart(start, a, b trained) (weights float64, at string, loss float64) {
	for name := range a.weights {
		var off, moved float64
		for i, w := range a.weights[name] {
			d, m := float64(b.weights[name][i]-w), float64(w-start.weights[name][i])
			off += d * d
			moved += m * m
		}
		if share := math.Sqrt(off / moved); !(share <= weights) {
			weights, at = share, name
		}
	}
	for i := range a.loss {
		loss = max(loss, math.Abs(float64(a.loss[i]-b.loss[i])))
	}
	return weights, at, loss
}

// TestTrainingAgreesWithCPU compares training steps of alexnet-mini on emulated
// GPUs with the CPU's, on one context and on two, in every precision. What is
// allowed is derived in rounding_test.go.
func TestTrainingAgreesWithCPU(t *testing.T) {
	const net, batch, steps = "alexnet-mini", 4, 3
	host := func(steps int) trained {
		c, err := cpu.New("cpu", cpu.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return train(t, net, batch, steps, []engine.Context{c})
	}
	start, want := host(0), host(steps)
	for _, c := range []struct {
		precision cuda.Precision
		devices   []int
	}{
		{cuda.FP32, []int{0}}, {cuda.FP32, []int{0, 0}}, {cuda.FP32, []int{0, 1}},
		{cuda.TF32, []int{0}}, {cuda.TF32, []int{0, 1}},
		{cuda.BF16, []int{0}}, {cuda.BF16, []int{0, 0}}, {cuda.BF16, []int{0, 1}},
	} {
		t.Run(fmt.Sprintf("%v on %v", c.precision, c.devices), func(t *testing.T) {
			if testing.Short() && len(c.devices) == 1 {
				t.Skip("slow")
			}
			m := machine(t, emulator.Options{Devices: 2})
			o := cuda.Options{Precision: c.precision, Deterministic: true}
			got := train(t, net, batch, steps, open(t, m, o, c.devices...))
			agree(t, net, batch, c.precision, start, want, got)
		})
	}
}

// agree compares a run with the CPU's.
func agree(t *testing.T, net string, batch int, p cuda.Precision, start, want, got trained) {
	t.Helper()
	mostWeights, mostLoss := allowed(t, net, batch, p)
	weights, at, loss := apart(start, want, got)
	t.Logf("weights %.2g of their way apart (%s), losses %.2g; allowed %.2g and %.2g", weights, at, loss, mostWeights, mostLoss)
	if !(weights <= mostWeights && loss <= mostLoss) {
		t.Errorf("weights %.3g of their way apart (%s), losses %.3g; allowed %.3g and %.3g", weights, at, loss, mostWeights, mostLoss)
	}
}

// TestGraphsAndFusionsChangeNothing compares runs bit for bit: graphs against
// launches, fused ops against single ones, plans chosen by time against the
// first, streams that take their time against streams that don't.
func TestGraphsAndFusionsChangeNothing(t *testing.T) {
	const batch, steps = 4, 5
	for _, precision := range []cuda.Precision{cuda.FP32, cuda.BF16} {
		for _, devices := range placements {
			t.Run(fmt.Sprintf("%v on %v", precision, devices), func(t *testing.T) {
				run := func(o cuda.Options, delay time.Duration) trained {
					o.Precision = precision
					m := machine(t, emulator.Options{Devices: 2, Delay: delay})
					return train(t, "small", batch, steps, open(t, m, o, devices...))
				}
				want := run(cuda.Options{Deterministic: true}, 0)
				for _, c := range []struct {
					what  string
					o     cuda.Options
					delay time.Duration
				}{
					{"without graphs", cuda.Options{Deterministic: true, Eager: true}, 0},
					{"without fusion", cuda.Options{Deterministic: true, Separate: true}, 0},
					{"with delays", cuda.Options{Deterministic: true}, time.Millisecond},
				} {
					got := run(c.o, c.delay)
					if !slices.Equal(got.loss, want.loss) {
						t.Errorf("%s: losses %v, want %v", c.what, got.loss, want.loss)
					}
					if !slices.Equal(got.probs, want.probs) {
						t.Errorf("%s: an inference differs", c.what)
					}
					for name, w := range want.weights {
						if !slices.Equal(got.weights[name], w) {
							t.Errorf("%s: %s differs", c.what, name)
						}
					}
				}
			})
		}
	}
}

// TestFusedInference compares inference, in which a tensor's memory is soon used
// again, with the same of single ops, bit for bit.
func TestFusedInference(t *testing.T) {
	for _, precision := range []cuda.Precision{cuda.FP32, cuda.BF16} {
		infer := func(separate bool) []float32 {
			m := machine(t, emulator.Options{})
			net, err := engine.Preset("alexnet-mini", 10)
			if err != nil {
				t.Fatal(err)
			}
			contexts := open(t, m, cuda.Options{Precision: precision, Deterministic: true, Separate: separate}, 0)
			model := modelOf(t, net, contexts, engine.ModelConfig{Batch: 3, Inference: true})
			defer func() {
				if err := model.Close(); err != nil {
					t.Error(err)
				}
			}()
			o, err := model.Infer(pictures(model, 1))
			if err != nil {
				t.Fatal(err)
			}
			return slices.Clone(o.Probs)
		}
		if got, want := infer(false), infer(true); !slices.Equal(got, want) {
			t.Errorf("%v: fused %v, single ops %v", precision, got, want)
		}
	}
}
