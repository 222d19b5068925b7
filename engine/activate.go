package engine

import "fmt"

// Activation is an element-wise layer: "relu" or "tanh".
type Activation string

func (a Activation) word() string {
	if a == "" {
		return "activate"
	}
	return string(a)
}

func (a Activation) through(s spot) (Extent, error) {
	_, err := a.function()
	return s.at, err
}

func (a Activation) function() (Function, error) {
	switch a {
	case "relu":
		return ReLU, nil
	case "tanh":
		return Tanh, nil
	}
	return 0, fmt.Errorf("activation %q, want relu or tanh", string(a))
}

func (Activation) unitwise() {}

func (a Activation) emit(b *builder, ops [][]Op, s site) (flow, backward) {
	fn, err := a.function()
	if err != nil {
		panic(err) // Shapes has checked it
	}
	for p, x := range s.in.x {
		if x != nil {
			ops[p] = append(ops[p], Activate{Function: fn, X: x, Y: x})
		}
	}
	return s.in, func(ops [][]Op, dy []*Tensor) []*Tensor {
		for p, d := range dy {
			if d != nil {
				ops[p] = append(ops[p], ActivateBackward{Function: fn, Y: s.in.x[p], DY: d, DX: d})
			}
		}
		return dy
	}
}

// Function is an element-wise activation.
type Function uint8

const (
	// ReLU is max(x, 0); NaN stays NaN.
	ReLU Function = iota
	// Tanh is the hyperbolic tangent.
	Tanh
)

// Activate is Y = f(X). Y may be X.
type Activate struct {
	Function Function
	X, Y     *Tensor
}

// ActivateBackward is DX = DY · f′, with f′ computed from the output Y: for
// ReLU 1 where Y > 0, else 0; for Tanh 1 − Y². DX may be DY.
type ActivateBackward struct {
	Function Function
	Y, DY    *Tensor
	DX       *Tensor
}

func (Activate) Kind() string                { return "activate" }
func (ActivateBackward) Kind() string        { return "activate backward" }
func (o Activate) Reads() []*Tensor          { return nonNil(o.X) }
func (o Activate) Writes() []*Tensor         { return nonNil(o.Y) }
func (o ActivateBackward) Reads() []*Tensor  { return nonNil(o.Y, o.DY) }
func (o ActivateBackward) Writes() []*Tensor { return nonNil(o.DX) }

// Check implements Op.
func (o Activate) Check() error {
	if err := checkAlike(role{"X", o.X}, role{"Y", o.Y}); err != nil {
		return err
	}
	return o.Function.check()
}

// Check implements Op.
func (o ActivateBackward) Check() error {
	if err := checkAlike(role{"Y", o.Y}, role{"DY", o.DY}, role{"DX", o.DX}); err != nil {
		return err
	}
	return o.Function.check()
}

func (f Function) check() error {
	if f != ReLU && f != Tanh {
		return fmt.Errorf("unknown function %d", f)
	}
	return nil
}
