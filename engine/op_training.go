package engine

import "fmt"

// SoftmaxLoss computes the softmax, the cross-entropy and the rank of the right class:
//
//	Probs[n] = softmax(X[n]); Loss[n] = −Σ t[n,k]·log Probs[n,k]
//	LabelRank[n] = number of classes that beat the label's (greater, or equal with
//	               a lower index): 0 is a correct first guess, < 5 a top-5 hit;
//	               the number of classes when the label's logit is NaN
//	DX[n]        = (Probs[n] − t[n]) · Scale
//	t[n]         = (1 − Smoothing)·onehot(Labels[n]) + Smoothing/K
//
// A label of −1 marks padding: Loss, LabelRank and DX are 0 there. Loss is computed
// as max + log Σ exp − Σ t·x, so that it stays finite for finite logits.
//
// Halt becomes 1 when a Loss, as stored, is not finite. No op makes it 0 again:
// the host does, by Upload.
type SoftmaxLoss struct {
	X         *Tensor // (N, K, 1, 1)
	Labels    *Tensor // Int32 (N, 1, 1, 1)
	Probs     *Tensor // Float32 (N, K, 1, 1)
	Loss      *Tensor // Float32 (N, 1, 1, 1)
	LabelRank *Tensor // Int32 (N, 1, 1, 1)
	DX        *Tensor // Working; nil for inference
	Halt      *Tensor // Int32 (1, 1, 1, 1), read and written; may be nil
	Scale     float32 // 1/N of the whole batch

	// Smoothing is the part of the target that is spread over all classes
	// (Szegedy et al. 2016, §7), 0 to below 1.
	Smoothing float32
}

// Accumulate adds up the gradients of the pieces of a batch: Sum ← Sum + G, or Sum ←
// G with First.
type Accumulate struct {
	G, Sum *Tensor // Float32
	First  bool
}

// Update is the paper's rule (§5), with ε inside the velocity:
//
//	V ← Momentum·V − Decay·ε·W − ε·G;  W ← W + V,  ε = LearningRate · Rate
//
// Where Halt is not 0 it leaves W and V as they are: a step whose loss was not a number
// changes nothing, nor do the steps that were enqueued after it.
type Update struct {
	W     *Tensor // Master, read and written
	V     *Tensor // Float32, read and written
	G     *Tensor // Float32
	Halt  *Tensor // Int32 (1, 1, 1, 1); may be nil, or live in another context of the same kind
	Decay float32 // 0.0005 for weights, 0 for biases
	Rate  float32 // this parameter's factor on the step's learning rate
}

func (SoftmaxLoss) Kind() string        { return "softmax loss" }
func (Accumulate) Kind() string         { return "accumulate" }
func (Update) Kind() string             { return "update" }
func (o SoftmaxLoss) Reads() []*Tensor  { return nonNil(o.X, o.Labels, o.Halt) }
func (o SoftmaxLoss) Writes() []*Tensor { return nonNil(o.Probs, o.Loss, o.LabelRank, o.DX, o.Halt) }
func (o Accumulate) Reads() []*Tensor {
	if o.First {
		return nonNil(o.G)
	}
	return nonNil(o.G, o.Sum)
}
func (o Accumulate) Writes() []*Tensor { return nonNil(o.Sum) }
func (o Update) Reads() []*Tensor      { return nonNil(o.W, o.V, o.G, o.Halt) }
func (o Update) Writes() []*Tensor     { return nonNil(o.W, o.V) }

// Check implements Op.
func (o SoftmaxLoss) Check() error {
	if err := present(role{"X", o.X}); err != nil {
		return err
	}
	if !(o.Smoothing >= 0 && o.Smoothing < 1) {
		return fmt.Errorf("smoothing %g, want 0 to below 1", o.Smoothing)
	}
	n, k := o.X.Shape[0], o.X.Shape[1]
	s, one := Shape{n, k, 1, 1}, vector(n)
	wants := []want{
		{"X", o.X, Working, s},
		{"Labels", o.Labels, Int32, one},
		{"Probs", o.Probs, Float32, s},
		{"Loss", o.Loss, Float32, one},
		{"LabelRank", o.LabelRank, Int32, one},
	}
	if o.DX != nil {
		wants = append(wants, want{"DX", o.DX, Working, s})
	}
	if o.Halt != nil {
		wants = append(wants, want{"Halt", o.Halt, Int32, vector(1)})
	}
	return expect(wants...)
}

// Check implements Op.
func (o Accumulate) Check() error {
	if err := present(role{"Sum", o.Sum}); err != nil {
		return err
	}
	return expect(want{"Sum", o.Sum, Float32, o.Sum.Shape}, want{"G", o.G, Float32, o.Sum.Shape})
}

// Check implements Op.
func (o Update) Check() error {
	if err := present(role{"W", o.W}); err != nil {
		return err
	}
	s := o.W.Shape
	wants := []want{{"W", o.W, Master, s}, {"V", o.V, Float32, s}, {"G", o.G, Float32, s}}
	if o.Halt != nil {
		wants = append(wants, want{"Halt", o.Halt, Int32, vector(1)})
	}
	return expect(wants...)
}
