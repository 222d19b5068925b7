package cuda_test

import (
	"math"
	"testing"

	"alexnet/engine"
	"alexnet/engine/cpu"
	"alexnet/engine/cuda"
)

// How far may a run in another precision, or in another order of sums, be from the
// CPU's? Derived here, not fitted, for runs of a few steps:
//
// A number that is rounded to p bits is off by at most u = 2⁻ᵖ of itself, and by
// rounding = √(0.541/3) = 0.425 u in the mean square: the error is uniform in ±u
// for mantissas from 1 to 2, and 0.541 is the mean of 1/mantissa², which are spread
// evenly by their logarithms.
//
// Sums. A sum of n products of either sign grows as √n, and so does the sum of their
// n errors. So each rounding of the factors makes every sum wrong by the same
// 0.425 u of the sums' mean square, however long they are. Adding up n terms in
// float32 rounds partial sums that grow as √k, which makes √(n/2)·0.425·2⁻²⁴, on
// either device: together as much as n roundings of one number.
//
// Depth. With He's weights a layer passes errors on as it passes on its input, so
// what is wrong behind layer l is, squared,
//
//	δ(l)² = Σ over layers k ≤ l of 0.425² (n(k)·2⁻⁴⁸ + r·u²)
//
// with r roundings a layer: two factors in TF32; four in bfloat16, the two factors
// and, between the ops of a layer, what is stored.
//
// Ties. A ReLU's input z and z + e, e of mean square δ², lie on two sides of 0 with
// probability atan(δ)/π ≈ δ/π. Each such unit adds or takes away its part of the
// gradient, and half of all units have one: 2δ/π of its energy. A window's largest
// of 9 changes when the second comes closer than the errors' difference: of nine
// normal numbers the two largest are 0.55 apart on average, so the distance is less
// than a small d with probability d/0.55; the difference of two errors is above
// itself by δ/√π on average: δ/√π/0.55 ≈ δ. The gradient leaves one place for
// another then, which is 2δ of its energy.
//
// Gradients of the first layer are behind all of them: off by the root of
//
//	Σ over ReLUs of (2/π)·δ(l)  +  Σ over pools of 2·δ(l)
//
// of their length. What products and stored gradients round on the way back is of
// the order of δ itself, and small beside its root.
//
// In float32 less than one tie is to be expected in all, and one weighs more than
// the mean does. One in conv1 or conv2, which have three of four units, is allowed
// for: with N units in a layer's batch, 2/N of the energy.
//
// Losses. The loss is off by Σ (p − y)·e over the classes' inputs z of the softmax,
// |p − y| ≤ √2, where e is δ of z's root mean square: √2·δ·z, and three times that
// in the worst of a dozen pictures. z is looked at in test mode, where dropout of a
// share d scales sums by 1 − d; in training it leaves that share out of them, which
// makes them √(1/(1 − d)) larger, layer by layer.
type roundings struct {
	unit   float64 // u
	layer  float64 // r
	single bool    // a tie is the exception
}

// roundingOf is the rounding of a precision in each layer. Hardware may truncate TF32's
// factors instead of rounding them, which is twice as far; so 4·2 of them.
var roundingOf = map[cuda.Precision]roundings{
	cuda.FP32: {0, 0, true},
	cuda.TF32: {math.Exp2(-11), 4 * 2, false},
	cuda.BF16: {math.Exp2(-8), 4, false},
}

// allowed is how far weights, as a share of how far training moved them, and losses
// may be apart.
func allowed(t testing.TB, net string, batch int, p cuda.Precision) (weights, loss float64) {
	t.Helper()
	n, err := engine.Preset(net, 10)
	if err != nil {
		t.Fatal(err)
	}
	shapes, err := n.Shapes()
	if err != nil {
		t.Fatal(err)
	}
	const mean = 0.425
	r := roundingOf[p]
	var delta2, energy float64
	conv2, convs, dropped := math.Inf(1), 0, 1.0
	in := engine.Extent{Maps: 3, Height: n.Input.Size, Width: n.Input.Size}
	for i, l := range n.Layers {
		length := 0
		switch {
		case l.Conv != nil:
			length = in.Maps * l.Conv.Size * l.Conv.Size
			if l.Conv.Reads == engine.ReadsOwn {
				length /= n.Towers
			}
			if convs++; convs == 2 {
				conv2 = float64(batch * shapes[i].Len())
			}
		case l.Dense != nil:
			length = in.Len()
		}
		if length > 0 {
			delta2 += mean * mean * (float64(length)*math.Exp2(-48) + r.layer*r.unit*r.unit)
		}
		switch {
		case l.Activate != "":
			energy += 2 / math.Pi * math.Sqrt(delta2)
		case l.MaxPool != nil:
			energy += 2 * math.Sqrt(delta2)
		case l.Dropout != nil:
			dropped /= 1 - float64(l.Dropout.Rate)
		}
		in = shapes[i]
	}
	if r.single {
		energy += 2 / conv2
	}
	return math.Sqrt(energy), 3 * math.Sqrt2 * math.Sqrt(delta2*dropped) * lastLayer(t, n, batch)
}

// lastLayer is the root mean square of the softmax' inputs, on the CPU with the
// weights that train begins with.
func lastLayer(t testing.TB, net *engine.Net, batch int) float64 {
	t.Helper()
	c, err := cpu.New("cpu", cpu.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := modelOf(t, net, []engine.Context{c}, engine.ModelConfig{Batch: batch, Inference: true, Tap: net.Layers[len(net.Layers)-1].Name})
	defer m.Close()
	_, z, err := m.Features(pictures(m, 0))
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, v := range z {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(z)))
}
