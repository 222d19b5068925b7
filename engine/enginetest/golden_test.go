package enginetest_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
)

// golden is the output of testdata/make_goldens.py: PyTorch's numbers in float64.
type golden struct {
	Net          string
	Classes      int
	Batch        int
	Seed         uint64
	LearningRate float32 `json:"learning_rate"`
	Momentum     float32
	Decay        float32
	Smoothing    float32
	Gains        map[string]float64
	Rounding     struct { // how far runs end that differ by roundings of float32
		Infer         float64
		Train         []float64
		Median, Worst map[string]float64 // of samples of arrays, as a share of their rms
	}
	Infer                          outcome
	Train                          []outcome
	Gradients, Weights, Velocities map[string]summary
}

type outcome struct {
	Loss  []float64
	Rank  []int32
	Probs []float64
}

type summary struct {
	Sum, RMS float64
	Samples  []float64
}

// Tolerances. The script runs each net again with roundings of float32, and
// stores how far that takes it: Rounding. The engine may be off by allowance
// times as much, since the largest of some hundred differences varies by itself.
//
// What those few runs need not have met is a tie: where ReLU sees a value within
// rounding of 0, or pooling two maxima within rounding of equal, a term of the
// gradients comes or goes. With the portable kernels it happens once in the ten
// steps of alexnet: one map of conv3 changes its gradient by 7 % of the array's
// rms, and all maps below it by up to 0.7 %. So gradients and velocities of
// convolutions, and only these, get the tie constants on top.
const (
	allowance = 8
	tieMedian = 0.005
	tieWorst  = 0.1
)

// TestGolden compares the presets with PyTorch: an inference, the outcome of
// every training step, every gradient of the first step, and all weights and
// velocities after the last, on one context and on two, and with the batch cut
// into pieces whose gradients are added up. The small net runs on every set of
// kernels that the machine can run, the others on the fastest.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		net    string
		pieces []int
	}{{"alexnet", []int{1}}, {"alexnet-145", []int{1}}, {"alexnet-mini", []int{1, 2, 4}}, {"alexnet-mini-smoothed", []int{1, 2}}} {
		for _, contexts := range []int{1, 2} {
			for _, pieces := range c.pieces {
				for _, kernels := range usable() {
					if kernels != usable()[0] && (c.net != "alexnet-mini" || pieces > 1) {
						continue
					}
					t.Run(fmt.Sprintf("%s on %d in %d by %s", c.net, contexts, pieces, kernels), func(t *testing.T) {
						if testing.Short() && !strings.HasPrefix(c.net, "alexnet-mini") {
							t.Skip("the full net takes a minute")
						}
						g := readGolden(t, c.net)
						m := newModel(t, g, pieces, open(t, contexts, cpu.Options{Kernels: kernels}))
						defer m.Close()
						g.check(t, m)
					})
				}
			}
		}
	}
}

// TestGoldenNarrow compares training in bfloat16 with PyTorch's, by autocast from the
// same weights, and with PyTorch's float64. The unit of what may differ is how far
// runs of autocast that differ by a rounding of their weights are off float64; twice
// as much is allowed, once for either run. Ranks may differ: two classes that are
// nearly as likely change places.
func TestGoldenNarrow(t *testing.T) {
	narrow, exact := readGolden(t, "alexnet-mini-bf16"), readGolden(t, "alexnet-mini")
	for _, s := range cpu.Kernels("bf16") {
		for contexts := 1; contexts <= 2; contexts++ {
			t.Run(fmt.Sprintf("%s on %d", s.Name, contexts), func(t *testing.T) {
				if !s.Usable {
					t.Skipf("needs %s", s.Needs)
				}
				m := newModel(t, narrow, 1, open(t, contexts, cpu.Options{Kernels: s.Name, Precision: "bf16"}))
				defer m.Close()
				checkNarrow(t, m, narrow, exact, len(narrow.Train))
			})
		}
	}
}

// checkNarrow compares an inference, the steps, and the gradients of the first one: all
// of them with float64, and so many steps with autocast too, with any the inference.
func checkNarrow(t *testing.T, m *engine.Model, narrow, exact *golden, steps int) {
	t.Helper()
	b, _ := narrow.batch(m, 0)
	got, err := m.Infer(b)
	if err != nil {
		t.Fatal(err)
	}
	near := func(what string, got engine.Outcome, unit float64, wants ...outcome) {
		for i, want := range wants {
			off := offBy(got, want)
			t.Logf("%s: off PyTorch's %s by %.2g, while autocast is off float64 by %.2g", what, []string{"float64", "bfloat16"}[i], off, unit)
			if !(off <= 2*unit) {
				t.Errorf("%s: a loss or probability is off by %g, allowed twice %g", what, off, unit)
			}
		}
	}
	wants := []outcome{exact.Infer, narrow.Infer}
	near("inference", got, narrow.Rounding.Infer, wants[:min(1+steps, 2)]...)
	for i := range narrow.Train {
		b, step := narrow.batch(m, i)
		if got, err = m.Train(b, step); err != nil {
			t.Fatal(err)
		}
		wants := []outcome{exact.Train[i], narrow.Train[i]}
		if i >= steps {
			wants = wants[:1]
		}
		near(fmt.Sprintf("step %d", i), got, narrow.Rounding.Train[i], wants...)
		if i > 0 {
			continue
		}
		for _, p := range m.Parameters() {
			g, err := m.Read(engine.Gradient, p.Name)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []summary{narrow.Gradients[p.Name], exact.Gradients[p.Name]} {
				off := want.off(p.Name, g)
				if mid := off[len(off)/2]; !(mid <= 2*narrow.Rounding.Median["gradients"]) {
					t.Errorf("the gradient of %s is off by %.2g of its rms, allowed twice %.2g", p.Name, mid, narrow.Rounding.Median["gradients"])
				}
			}
		}
	}
}

// offBy is the largest difference of losses and probabilities.
func offBy(got engine.Outcome, want outcome) (worst float64) {
	for i, w := range want.Loss {
		worst = max(worst, math.Abs(float64(got.Loss[i])-w))
	}
	for i, w := range want.Probs {
		worst = max(worst, math.Abs(float64(got.Probs[i])-w))
	}
	return worst
}

// off is how far the samples of an array are off, as shares of its rms, sorted.
func (s summary) off(name string, v []float32) (off []float64) {
	positions := hashes(name + ".samples")
	for i, x := range s.Samples {
		off = append(off, math.Abs(float64(v[positions(i)%uint64(len(v))])-x)/s.RMS)
	}
	slices.Sort(off)
	return off
}

// usable are the names of the sets of kernels that this machine can run, the
// fastest first.
func usable() (names []string) {
	for _, s := range slices.Backward(cpu.Kernels("fp32")) {
		if s.Usable {
			names = append(names, s.Name)
		}
	}
	return names
}

func readGolden(t *testing.T, net string) *golden {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + net + ".json")
	if err != nil {
		t.Fatal(err)
	}
	g := new(golden)
	if err := json.Unmarshal(data, g); err != nil {
		t.Fatal(err)
	}
	return g
}

// open opens n contexts of a kind.
func open(t *testing.T, n int, options cpu.Options) []engine.Context {
	t.Helper()
	var contexts []engine.Context
	for range n {
		c, err := cpu.New("cpu", options)
		if err != nil {
			t.Fatal(err)
		}
		contexts = append(contexts, c)
	}
	return contexts
}

// newModel builds the golden's net with its hashed weights.
func newModel(t *testing.T, g *golden, pieces int, contexts []engine.Context, changes ...func(*engine.Net)) *engine.Model {
	t.Helper()
	net, err := engine.Preset(g.Net, g.Classes)
	if err != nil {
		t.Fatal(err)
	}
	if g.Net == "alexnet-145" { // the golden has 1/1.1 everywhere, and one rate
		net.Input = engine.InputSpec{Size: net.Input.Size, Scale: 1 / 1.1}
		for _, l := range net.Layers {
			if l.Conv != nil {
				l.Conv.BiasRate = nil
			}
			if l.Dense != nil {
				l.Dense.BiasRate = nil
			}
		}
	}
	for _, change := range changes {
		change(net)
	}
	mean := normal("mean", 3*net.Input.Size*net.Input.Size, 10, 120)
	m, err := engine.NewModel(net, contexts, engine.ModelConfig{
		Batch: g.Batch, Accumulate: pieces, Mean: mean, Decay: g.Decay, Smoothing: g.Smoothing, Probabilities: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	gain := 0.0
	for i, p := range m.Parameters() {
		std := 0.1 // biases
		if i%2 == 0 {
			gain = g.Gains[p.Name[:len(p.Name)-len(".weight")]]
			std = gain / math.Sqrt(float64(p.Len()/p.Dims[0]))
		}
		if err := m.Write(engine.Weight, p.Name, normal(p.Name, p.Len(), std, 0)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// batch is the pictures and labels of one step.
func (g *golden) batch(m *engine.Model, step int) (engine.Batch, engine.Step) {
	size := m.Net.Input.Size
	b := engine.Batch{
		Images: g.Batch,
		Pixels: make([]byte, g.Batch*size*size*3),
		Colour: normal(fmt.Sprintf("%d colour %d", g.Seed, step), g.Batch*3, 10, 0),
		Labels: make([]int32, g.Batch),
	}
	pixels, labels := hashes(fmt.Sprintf("%d pixels %d", g.Seed, step)), hashes(fmt.Sprintf("%d labels", g.Seed))
	for i := range b.Pixels {
		b.Pixels[i] = byte(pixels(i) >> 56)
	}
	for i := range b.Labels {
		b.Labels[i] = int32(labels(i) % uint64(g.Classes))
	}
	return b, engine.Step{Seed: g.Seed, Number: uint64(step), LearningRate: g.LearningRate, Momentum: g.Momentum}
}

func (g *golden) check(t *testing.T, m *engine.Model) {
	b, _ := g.batch(m, 0)
	got, err := m.Infer(b)
	if err != nil {
		t.Fatal(err)
	}
	checkOutcome(t, "inference", got, g.Infer, g.Rounding.Infer)
	for i, want := range g.Train {
		b, step := g.batch(m, i)
		got, err := m.Train(b, step)
		if err != nil {
			t.Fatal(err)
		}
		checkOutcome(t, fmt.Sprintf("step %d", i), got, want, g.Rounding.Train[i])
		if i == 0 {
			checkArrays(t, m, engine.Gradient, "gradients", g.Gradients, g)
		}
	}
	checkArrays(t, m, engine.Weight, "weights", g.Weights, g)
	checkArrays(t, m, engine.Velocity, "velocities", g.Velocities, g)
}

func checkOutcome(t *testing.T, what string, got engine.Outcome, want outcome, unit float64) {
	t.Helper()
	worst := offBy(got, want)
	for i := range want.Rank {
		if got.LabelRank[i] != want.Rank[i] {
			t.Errorf("%s: image %d has rank %d, want %d", what, i, got.LabelRank[i], want.Rank[i])
		}
	}
	t.Logf("%s: off by %.2g, rounding alone takes PyTorch %.2g", what, worst, unit)
	if !(worst <= allowance*unit) {
		t.Errorf("%s: a loss or probability is off by %g, allowed %d × %g", what, worst, allowance, unit)
	}
}

// checkArrays compares samples of every parameter, in units of the array's root
// mean square, and then the whole array by its sum and root mean square: the
// sum of n values may be off by √n times as much as one.
func checkArrays(t *testing.T, m *engine.Model, field engine.Field, what string, want map[string]summary, g *golden) {
	t.Helper()
	if len(want) != len(m.Parameters()) {
		t.Errorf("the golden has %d parameters, the model %d", len(want), len(m.Parameters()))
	}
	var median, worst float64
	for _, p := range m.Parameters() {
		v, err := m.Read(field, p.Name)
		if err != nil {
			t.Fatal(err)
		}
		w := want[p.Name]
		n := len(v)
		off := w.off(p.Name, v)
		var sum, squares float64
		for _, x := range v {
			sum += float64(x)
			squares += float64(x) * float64(x)
		}
		allowedMedian, allowedWorst := allowance*g.Rounding.Median[what], allowance*g.Rounding.Worst[what]
		if field != engine.Weight && strings.HasPrefix(p.Name, "conv") {
			allowedMedian += tieMedian
			allowedWorst += tieWorst
		}
		mid := off[len(off)/2]
		most := max(off[len(off)-1],
			math.Abs(sum-w.Sum)/(w.RMS*math.Sqrt(float64(n))),
			math.Abs(math.Sqrt(squares/float64(n))-w.RMS)/w.RMS)
		if !(mid <= allowedMedian && most <= allowedWorst) {
			t.Errorf("%s of %s are off by %.2g of their rms, the worst by %.2g; allowed %.2g and %.2g",
				what, p.Name, mid, most, allowedMedian, allowedWorst)
		}
		median, worst = max(median, mid), max(worst, most)
	}
	t.Logf("%s: off by %.2g, the worst by %.2g; rounding alone takes PyTorch %.2g and %.2g",
		what, median, worst, g.Rounding.Median[what], g.Rounding.Worst[what])
}

// hashes reads SplitMix64 at an index, from a state made of the name; see
// make_goldens.py, which has the same.
func hashes(name string) func(i int) uint64 {
	const golden = 0x9e3779b97f4a7c15
	h := fnv.New64a()
	h.Write([]byte(name))
	state := h.Sum64()
	return func(i int) uint64 {
		z := state + uint64(i+1)*golden
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
}

// normal is n nearly normal numbers: sums of four 16-bit uniforms, scaled.
func normal(name string, n int, std, mean float64) []float32 {
	h := hashes(name)
	v := make([]float32, n)
	for i := range v {
		z := h(i)
		total := int64(z&0xffff) + int64(z>>16&0xffff) + int64(z>>32&0xffff) + int64(z>>48)
		scaled := float64(total-131070) / 37837.22 * std
		v[i] = float32(scaled + mean)
	}
	return v
}
