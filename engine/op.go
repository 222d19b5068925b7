package engine

// An Op is one piece of work of a context, described by data: its tensors and its
// geometry. Devices switch on the concrete type. Unless a comment says otherwise, an
// op overwrites its outputs, and outputs may not alias inputs. N is the batch; G in
// comments is Groups.
//
// Reads and Writes list the op's tensors, without nils. The memory plan and the
// conformance suite use them. The ops of a layer are in the layer's file.
type Op interface {
	Kind() string // "conv forward"; for messages and timings
	Reads() []*Tensor
	Writes() []*Tensor
	// Check reports faults that any device would refuse: see CheckOp.
	Check() error
}

// Input turns bytes into the net's input on the device:
//
//	Y[n,c,y,x] = (Pixels[n,y,x,c] + Colour[n,c] − Mean[c,y,x]) · Scale
//
// Pixels is Byte (N, H, W, 3); as a Shape its channels come last. Colour
// (Float32, (N, 3, 1, 1)) and Mean (Float32, (1, 3, H, W)) are in 0–255 units.
type Input struct {
	Pixels, Colour, Mean *Tensor
	Y                    *Tensor // Working (N, 3, H, W)
	Scale                float32
}

func (Input) Kind() string        { return "input" }
func (o Input) Reads() []*Tensor  { return nonNil(o.Pixels, o.Colour, o.Mean) }
func (o Input) Writes() []*Tensor { return nonNil(o.Y) }

// Check implements Op.
func (o Input) Check() error {
	if err := present(role{"Y", o.Y}); err != nil {
		return err
	}
	s := o.Y.Shape
	return expect(
		want{"Y", o.Y, Working, Shape{s[0], 3, s[2], s[3]}},
		want{"Pixels", o.Pixels, Byte, Shape{s[0], s[2], s[3], 3}},
		want{"Colour", o.Colour, Float32, Shape{s[0], 3, 1, 1}},
		want{"Mean", o.Mean, Float32, Shape{1, 3, s[2], s[3]}})
}

// FLOP returns the number of multiplications and additions of an op's products; 0 for
// ops without products.
func FLOP(op Op) float64 {
	if o, ok := op.(interface{ flop() float64 }); ok {
		return o.flop()
	}
	return 0
}

// forwardFLOP counts the products of every output with a row of weights, and backwardFLOP
// those of the gradients.
func forwardFLOP(y, w *Tensor) float64 { return 2 * float64(y.Shape.Len()) * float64(w.Shape.Row()) }

func backwardFLOP(dy, w, dx *Tensor) float64 {
	if dx == nil {
		return forwardFLOP(dy, w)
	}
	return 2 * forwardFLOP(dy, w)
}

// nonNil returns the tensors that aren't nil.
func nonNil(ts ...*Tensor) []*Tensor {
	out := make([]*Tensor, 0, len(ts))
	for _, t := range ts {
		if t != nil {
			out = append(out, t)
		}
	}
	return out
}
