package enginetest

import (
	"fmt"
	"math"
	"testing"

	"alexnet/engine"
)

// layer pairs a forward op with its backward op for the finite differences:
// backward reads dy and leaves in grads the gradient of each forward input.
type layer struct {
	name     string
	forward  engine.Op
	y        *engine.Tensor
	backward engine.Op
	dy       *engine.Tensor                    // nil: the loss itself is y
	shared   map[*engine.Tensor]*engine.Tensor // backward input ← forward tensor
	grads    map[*engine.Tensor]*engine.Tensor // forward input → its gradient
	data     Memory
}

// TestFiniteDifferences holds every backward op of the reference against
// central differences of its forward op. With h = 10⁻⁵ the truncation error is
// about 10⁻¹⁰ and the rounding error about 10⁻¹¹ of the values.
func TestFiniteDifferences(t *testing.T) {
	const h, tolerance = 1e-5, 1e-8
	step := engine.Step{Seed: 3, Number: 9}
	for _, l := range layers() {
		t.Run(l.name, func(t *testing.T) {
			m := Memory{}
			for in := range l.grads {
				v, ok := l.data[in]
				if !ok {
					v = Noise(l.name+in.Name, in.Shape.Len())
				}
				m[in] = v
			}
			for in, v := range l.data {
				m[in] = v
			}
			upstream := repeat(1, l.y.Shape.Len())
			if l.dy != nil {
				upstream = Noise(l.name+"dy", l.y.Shape.Len())
			}
			loss := func() (total float64) {
				for i, s := range Evaluate(l.forward, m, step)[l.y] {
					total += upstream[i] * s.Value
				}
				return total
			}
			// What backward reads: the forward pass's tensors, and dy.
			after := Evaluate(l.forward, m, step)
			b := Memory{}
			for to, from := range l.shared {
				if v, ok := m[from]; ok {
					b[to] = v
				} else {
					b[to] = values(after[from])
				}
			}
			if l.dy != nil {
				b[l.dy] = upstream
			}
			got := Evaluate(l.backward, b, step)
			for in, grad := range l.grads {
				v := m[in]
				for i := range v {
					keep := v[i]
					v[i] = keep + h
					up := loss()
					v[i] = keep - h
					down := loss()
					v[i] = keep
					want := (up - down) / (2 * h)
					if d := got[grad][i].Value; math.Abs(d-want) > tolerance*(1+math.Abs(want)) {
						t.Fatalf("gradient of %s at %s is %v, finite difference %v", in.Name, coordinates(in.Shape, i), d, want)
					}
				}
			}
		})
	}
}

func values(s []Sum) []float64 {
	v := make([]float64, len(s))
	for i := range s {
		v[i] = s[i].Value
	}
	return v
}

// layers lists small layers of every kind. Values keep clear of the kinks of
// ReLU and max-pooling by much more than h.
func layers() (all []layer) {
	type tensors = map[*engine.Tensor]*engine.Tensor
	for _, c := range []struct {
		in     engine.Shape
		maps   int
		w      engine.Window
		groups int
	}{
		{engine.Shape{2, 4, 5, 4}, 6, engine.Window{Size: 3, Stride: 1, Pad: 1}, 2},
		{engine.Shape{2, 3, 7, 8}, 2, engine.Window{Size: 4, Stride: 3, Pad: 2}, 1},
	} {
		f := engine.ConvForward{Window: c.w, Groups: c.groups, X: working("x", c.in),
			W: tensor("w", engine.Master, c.maps, c.in[1]/c.groups, c.w.Size, c.w.Size), B: tensor("b", engine.Master, c.maps, 1, 1, 1),
			Y: tensor("y", engine.Working, c.in[0], c.maps, c.w.Out(c.in[2]), c.w.Out(c.in[3]))}
		b := engine.ConvBackward{Window: c.w, Groups: c.groups, X: working("x", f.X.Shape), W: master("w", f.W.Shape), DY: working("dy", f.Y.Shape),
			DW: float32s("dw", f.W.Shape), DB: float32s("db", f.B.Shape), DX: working("dx", f.X.Shape)}
		all = append(all, layer{fmt.Sprintf("conv %v in %d groups", c.in, c.groups), f, f.Y, b, b.DY,
			tensors{b.X: f.X, b.W: f.W}, tensors{f.X: b.DX, f.W: b.DW, f.B: b.DB}, nil})
	}
	{
		f := engine.DenseForward{X: tensor("x", engine.Working, 3, 2, 2, 3), W: tensor("w", engine.Master, 4, 2, 2, 3), B: tensor("b", engine.Master, 4, 1, 1, 1), Y: tensor("y", engine.Working, 3, 4, 1, 1)}
		b := engine.DenseBackward{X: working("x", f.X.Shape), W: master("w", f.W.Shape), DY: working("dy", f.Y.Shape),
			DW: float32s("dw", f.W.Shape), DB: float32s("db", f.B.Shape), DX: working("dx", f.X.Shape)}
		all = append(all, layer{"dense", f, f.Y, b, b.DY, tensors{b.X: f.X, b.W: f.W}, tensors{f.X: b.DX, f.W: b.DW, f.B: b.DB}, nil})
	}
	s := engine.Shape{2, 6, 4, 3}
	for name, fn := range map[string]engine.Function{"relu": engine.ReLU, "tanh": engine.Tanh} {
		f := engine.Activate{Function: fn, X: working("x", s), Y: working("y", s)}
		b := engine.ActivateBackward{Function: fn, Y: working("y", s), DY: working("dy", s), DX: working("dx", s)}
		all = append(all, layer{name, f, f.Y, b, b.DY, tensors{b.Y: f.Y}, tensors{f.X: b.DX}, Memory{f.X: apart(name, s.Len())}})
	}
	for name, r := range map[string]engine.Response{
		"across":          {Size: 5, K: 2, Alpha: 1, Beta: 0.75},
		"across, literal": {Size: 3, K: 1, Alpha: 0.4, Beta: 1.2, Literal: true},
		"across, even":    {Size: 4, K: 2, Alpha: 1, Beta: 0.75},
		"within":          {Size: 3, K: 2, Alpha: 1, Beta: 0.75, Within: true},
		"within, even":    {Size: 2, K: 2, Alpha: 1, Beta: 0.75, Within: true},
	} {
		f := engine.LRNForward{Response: r, Groups: 2, X: working("x", s), Y: working("y", s)}
		b := engine.LRNBackward{Response: r, Groups: 2, X: working("x", s), DY: working("dy", s), DX: working("dx", s)}
		all = append(all, layer{"lrn " + name, f, f.Y, b, b.DY, tensors{b.X: f.X}, tensors{f.X: b.DX}, nil})
	}
	for _, w := range []engine.Window{{Size: 3, Stride: 2}, {Size: 2, Stride: 2, Pad: 1}, {Size: 3, Stride: 1, Pad: 2}, {Size: 4, Stride: 2, Ceil: true}} {
		s := engine.Shape{2, 2, 7, 5}
		out := w.Pooled(s)
		f := engine.MaxPoolForward{Window: w, X: working("x", s), Y: working("y", out), At: tensor("at", engine.Argmax, out[0], out[1], out[2], out[3])}
		b := engine.MaxPoolBackward{Window: w, At: tensor("at", engine.Argmax, out[0], out[1], out[2], out[3]), DY: working("dy", out), DX: working("dx", s)}
		name := fmt.Sprintf("maxpool %+v", w)
		all = append(all, layer{name, f, f.Y, b, b.DY, tensors{b.At: f.At}, tensors{f.X: b.DX}, Memory{f.X: apart(name, s.Len())}})
	}
	for _, w := range []engine.Window{{Size: 3, Stride: 1, Pad: 1}, {Size: 2, Stride: 2}} {
		in := engine.Shape{2, 4, 4, 3}
		out := engine.Shape{2, 6, w.Out(4), w.Out(3)}
		f := engine.LocalForward{Window: w, Groups: 2, X: working("x", in), W: tensor("w", engine.Master, out.Row(), 2, w.Size, w.Size),
			B: tensor("b", engine.Master, out.Row(), 1, 1, 1), Y: working("y", out)}
		b := engine.LocalBackward{Window: w, Groups: 2, X: working("x", in), W: master("w", f.W.Shape), DY: working("dy", out),
			DW: float32s("dw", f.W.Shape), DB: float32s("db", f.B.Shape), DX: working("dx", in)}
		all = append(all, layer{fmt.Sprintf("local %+v", w), f, f.Y, b, b.DY, tensors{b.X: f.X, b.W: f.W}, tensors{f.X: b.DX, f.W: b.DW, f.B: b.DB}, nil})
	}
	for _, w := range []engine.Window{{Size: 3, Stride: 2}, {Size: 3, Stride: 2, Pad: 1}, {Size: 2, Stride: 3}, {Size: 4, Stride: 2, Ceil: true}} {
		s := engine.Shape{2, 2, 7, 5}
		f := engine.AvgPoolForward{Window: w, X: working("x", s), Y: working("y", w.Pooled(s))}
		b := engine.AvgPoolBackward{Window: w, DY: working("dy", f.Y.Shape), DX: working("dx", s)}
		all = append(all, layer{fmt.Sprintf("avgpool %+v", w), f, f.Y, b, b.DY, nil, tensors{f.X: b.DX}, nil})
	}
	for _, inverted := range []bool{false, true} {
		f := engine.Dropout{Rate: 0.25, Layer: 1, Width: 144, First: 72, Train: true, Inverted: inverted, X: working("x", s), Y: working("y", s)}
		b := f // the backward pass is the same op on gradients
		b.X, b.Y = working("dy", s), working("dx", s)
		all = append(all, layer{fmt.Sprintf("dropout inverted %t", inverted), f, f.Y, b, b.X, nil, tensors{f.X: b.Y}, nil})
	}
	{
		logits, one := engine.Shape{4, 5, 1, 1}, engine.Shape{4, 1, 1, 1}
		f := engine.SoftmaxLoss{X: working("x", logits), Labels: tensor("labels", engine.Int32, 4, 1, 1, 1), Probs: float32s("p", logits),
			Loss: float32s("loss", one), LabelRank: tensor("rank", engine.Int32, 4, 1, 1, 1), DX: working("dx", logits), Scale: 1}
		smooth := f
		smooth.Smoothing = 0.3
		for name, f := range map[string]engine.SoftmaxLoss{"softmax loss": f, "softmax loss, smoothed": smooth} {
			all = append(all, layer{name, f, f.Loss, f, nil, tensors{f.X: f.X, f.Labels: f.Labels}, tensors{f.X: f.DX}, Memory{f.Labels: {0, 4, -1, 2}}})
		}
	}
	{
		// Concat's gradient is a slice of dy, and the sum of slices' the slice's place.
		a, c := tensor("a", engine.Working, 2, 3, 2, 2), tensor("c", engine.Working, 2, 2, 2, 2)
		f := engine.Concat{Parts: []*engine.Tensor{a, c}, Y: tensor("y", engine.Working, 2, 5, 2, 2)}
		b := engine.SumSlices{Parts: []*engine.Tensor{working("dy", f.Y.Shape)}, First: 3, Y: working("dc", c.Shape)}
		all = append(all, layer{"concat and slice", f, f.Y, b, b.Parts[0], nil, tensors{c: b.Y}, Memory{a: Noise("a", a.Shape.Len())}})
	}
	return all
}

// apart is a shuffle of numbers no two of which are closer than 0.1, none of
// them nearer to 0 than 0.05.
func apart(name string, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 0.1*float64(i-n/2) + 0.05
	}
	noise := Noise(name, n)
	for i := range v {
		j := int((noise[i] + 1) / 2 * float64(n))
		v[i], v[j] = v[j], v[i]
	}
	return v
}

// TestReferenceByHand pins what finite differences cannot see: numbers worked
// out by hand from the formulas.
func TestReferenceByHand(t *testing.T) {
	w := func(n, c, h, w int) *engine.Tensor { return tensor("t", engine.Working, n, c, h, w) }
	x, y := w(1, 1, 2, 3), w(1, 1, 2, 3)
	kernel, bias := w(1, 1, 3, 3), w(1, 1, 1, 1)
	maps, normalised := w(1, 4, 1, 1), w(1, 4, 1, 1)
	two, pair, probs2 := w(1, 4, 1, 1), w(1, 2, 1, 1), w(1, 2, 1, 1)
	labels, loss, rank, probs := tensor("l", engine.Int32, 1, 1, 1, 1), w(1, 1, 1, 1), w(1, 1, 1, 1), w(1, 4, 1, 1)
	pixels, colour, mean, in := w(1, 1, 2, 3), w(1, 3, 1, 1), w(1, 3, 1, 2), w(1, 3, 1, 2)
	weight, velocity, gradient := w(1, 1, 1, 1), w(1, 1, 1, 1), w(1, 1, 1, 1)
	for _, c := range []struct {
		what string
		op   engine.Op
		m    Memory
		out  *engine.Tensor
		want []float64
	}{
		{"a correlation, not a convolution; zeros around it",
			engine.ConvForward{Window: engine.Window{Size: 3, Stride: 1, Pad: 1}, Groups: 1, X: x, W: kernel, B: bias, Y: y},
			Memory{x: {1, 2, 3, 4, 5, 6}, kernel: {0, 0, 0, 0, 1, 10, 0, 0, 100}, bias: {0.5}},
			y, []float64{521.5, 632.5, 3.5, 54.5, 65.5, 6.5}},
		{"normalisation over 3 maps, (1 + 3/3·S)^−½",
			engine.LRNForward{Response: engine.Response{Size: 3, K: 1, Alpha: 3, Beta: 0.5}, Groups: 1, X: maps, Y: normalised},
			Memory{maps: {1, 1, 1, 2}},
			normalised, []float64{1 / math.Sqrt(3), 0.5, 1 / math.Sqrt(7), 2 / math.Sqrt(6)}},
		{"normalisation stops at the tower's edge",
			engine.LRNForward{Response: engine.Response{Size: 3, K: 1, Alpha: 3, Beta: 0.5}, Groups: 2, X: maps, Y: normalised},
			Memory{maps: {1, 1, 1, 2}},
			normalised, []float64{1 / math.Sqrt(3), 1 / math.Sqrt(3), 1 / math.Sqrt(6), 2 / math.Sqrt(6)}},
		{"normalisation with the paper's literal α",
			engine.LRNForward{Response: engine.Response{Size: 1, K: 0, Alpha: 4, Beta: 0.5, Literal: true}, Groups: 1, X: maps, Y: normalised},
			Memory{maps: {1, 2, 3, 4}},
			normalised, []float64{0.5, 0.5, 0.5, 0.5}},
		{"loss of four equal classes",
			engine.SoftmaxLoss{X: two, Labels: labels, Probs: probs, Loss: loss, LabelRank: rank},
			Memory{two: {7, 7, 7, 7}, labels: {2}}, loss, []float64{math.Log(4)}},
		{"loss of p = (1/4, 3/4) against t = (1/4, 3/4), half smoothed",
			engine.SoftmaxLoss{X: pair, Labels: labels, Probs: probs2, Loss: loss, LabelRank: rank, Smoothing: 0.5},
			Memory{pair: {0, math.Log(3)}, labels: {1}}, loss, []float64{0.25*math.Log(4) + 0.75*math.Log(4.0/3)}},
		{"rank among equals",
			engine.SoftmaxLoss{X: two, Labels: labels, Probs: probs, Loss: loss, LabelRank: rank},
			Memory{two: {7, 7, 7, 7}, labels: {2}}, rank, []float64{2}},
		{"pixels come channels last",
			engine.Input{Pixels: pixels, Colour: colour, Mean: mean, Y: in, Scale: 2},
			Memory{pixels: {10, 20, 30, 11, 21, 31}, colour: {0.5, 0, 0}, mean: {10, 10, 20, 20, 30, 30}},
			in, []float64{1, 3, 0, 2, 0, 2}},
		{"ε inside the velocity",
			engine.Update{W: weight, V: velocity, G: gradient, Decay: 0.5, Rate: 2},
			Memory{weight: {4}, velocity: {1}, gradient: {3}},
			velocity, []float64{0.5*1 - 0.5*0.5*4 - 0.5*3}},
		{"the weight takes the new velocity",
			engine.Update{W: weight, V: velocity, G: gradient, Decay: 0.5, Rate: 2},
			Memory{weight: {4}, velocity: {1}, gradient: {3}},
			weight, []float64{2}},
	} {
		got := Evaluate(c.op, c.m, engine.Step{LearningRate: 0.25, Momentum: 0.5})[c.out]
		for i, want := range c.want {
			if math.Abs(got[i].Value-want) > 1e-12 {
				t.Errorf("%s: element %d is %v, want %v", c.what, i, got[i].Value, want)
			}
		}
	}
}

// TestBound shows what a tolerance is made of.
func TestBound(t *testing.T) {
	var s Sum
	for range 100 {
		s.mul(2, -1)
		s.mul(2, 1)
	}
	// 200 products, each rounded once, 199 additions: 4·√200 roundoffs of 400.
	if got, want := FP32.Bound(s, unitFP32), 4*math.Sqrt(200)*400*unitFP32; math.Abs(got-want) > 1e-12 {
		t.Errorf("bound of a cancelling sum is %g, want %g", got, want)
	}
	if got := BF16.Bound(exact(3), unitBF16); got != 0 {
		t.Errorf("bound of a copy is %g, want 0", got)
	}
}
