package engine

import "fmt"

// Ops that exchange activations between the contexts of a net, and order their work.

// Concat joins the parts along the channels: Y[:, C₀+…, :, :] = Parts[i]. Parts may
// be in other contexts of the same kind; an Await comes before.
type Concat struct {
	Parts []*Tensor
	Y     *Tensor
}

// SumSlices adds the same channels of every part, in order of the parts: Y = Σ
// Parts[i][:, First:First+C(Y), :, :]. Parts may be in other contexts.
type SumSlices struct {
	Parts []*Tensor
	First int
	Y     *Tensor
}

// Signal marks the event when all earlier ops of the program have run.
type Signal struct{ Event Event }

// Await holds the queue until the event is signalled.
type Await struct{ Event Event }

func (Concat) Kind() string           { return "concat" }
func (SumSlices) Kind() string        { return "sum slices" }
func (Signal) Kind() string           { return "signal" }
func (Await) Kind() string            { return "await" }
func (o Concat) Reads() []*Tensor     { return nonNil(o.Parts...) }
func (o Concat) Writes() []*Tensor    { return nonNil(o.Y) }
func (o SumSlices) Reads() []*Tensor  { return nonNil(o.Parts...) }
func (o SumSlices) Writes() []*Tensor { return nonNil(o.Y) }
func (Signal) Reads() []*Tensor       { return nil }
func (Signal) Writes() []*Tensor      { return nil }
func (Await) Reads() []*Tensor        { return nil }
func (Await) Writes() []*Tensor       { return nil }

// Check implements Op. The device checks that the event is its own.
func (Signal) Check() error { return nil }

// Check implements Op.
func (Await) Check() error { return nil }

// Check implements Op.
func (o Concat) Check() error {
	if err := present(role{"Y", o.Y}); err != nil {
		return err
	}
	s, maps := o.Y.Shape, 0
	for _, p := range o.Parts {
		if err := present(role{"a part", p}); err != nil {
			return err
		}
		if err := expect(want{"a part", p, Working, Shape{s[0], p.Shape[1], s[2], s[3]}}); err != nil {
			return err
		}
		maps += p.Shape[1]
	}
	return expect(want{"Y", o.Y, Working, Shape{s[0], maps, s[2], s[3]}})
}

// Check implements Op.
func (o SumSlices) Check() error {
	if err := present(role{"Y", o.Y}); err != nil {
		return err
	}
	s := o.Y.Shape
	if len(o.Parts) == 0 {
		return fmt.Errorf("no parts for %v", o.Y)
	}
	for _, p := range o.Parts {
		if err := present(role{"a part", p}); err != nil {
			return err
		}
		if err := expect(want{"a part", p, Working, Shape{s[0], p.Shape[1], s[2], s[3]}}); err != nil {
			return err
		}
		if o.First < 0 || o.First+s[1] > p.Shape[1] {
			return fmt.Errorf("channels %d to %d lie outside %v", o.First, o.First+s[1], p)
		}
	}
	return expect(want{"Y", o.Y, Working, s})
}

// MayBePeers reports whether t, a tensor of op, may be in another context.
func MayBePeers(op Op, t *Tensor) bool {
	switch op := op.(type) {
	case Concat:
		return t != op.Y
	case SumSlices:
		return t != op.Y
	case Update:
		return t == op.Halt
	case AllReduce:
		return true
	}
	return false
}
