package engine

import "fmt"

// Ops that exchange tensors between the ranks of a job. R is the number of ranks, r
// the number of this one.

// AllReduce begins to replace T by its sum over the ranks of By; no op touches T
// before an AwaitAllReduce. T is Float32, or an Int32 flag of one element, which
// becomes 1 where any rank's is not 0. It may live in another context of the
// same kind.
type AllReduce struct {
	T  *Tensor
	By Group
}

// AwaitAllReduce holds the queue until the sums that this context's AllReduce ops
// have begun are complete.
type AwaitAllReduce struct{}

// Axis is a dimension along which tensors are spread over the ranks.
type Axis uint8

const (
	// Images is a tensor's first dimension.
	Images Axis = iota
	// Maps is a tensor's second dimension; its height and width are 1.
	Maps
)

// String names the axis.
func (a Axis) String() string { return [...]string{"images", "maps"}[a] }

// AllGather joins the Xs of all ranks along the axis, in order of the ranks:
//
//	Images: X (N, C, H, W), Y (R·N, C, H, W)
//	Maps:   X (N, C, 1, 1), Y (N, R·C, 1, 1)
type AllGather struct {
	Axis Axis
	X, Y *Tensor // Working
	By   Group
}

// ReduceScatter adds up the Xs of all ranks, in order of the ranks where the
// device can choose, and keeps the r-th of R equal slices along the axis:
//
//	Images: X (R·N, C, H, W), Y (N, C, H, W)
//	Maps:   X (N, R·C, 1, 1), Y (N, C, 1, 1)
type ReduceScatter struct {
	Axis Axis
	X, Y *Tensor // Working
	By   Group
}

// AllToAll changes the axis along which a tensor is spread over the ranks: every rank
// ends with all of Axis. Axis is the one along which Y is whole:
//
//	Maps:   X (R·N, C, 1, 1), Y (N, R·C, 1, 1): Y[n, q·C + c] = X of rank q [r·N + n, c]
//	Images: X (N, R·C, 1, 1), Y (R·N, C, 1, 1): Y[q·N + n, c] = X of rank q [n, r·C + c]
type AllToAll struct {
	Axis Axis
	X, Y *Tensor // Working
	By   Group
}

func (AllReduce) Kind() string            { return "all-reduce" }
func (AwaitAllReduce) Kind() string       { return "await all-reduce" }
func (AllGather) Kind() string            { return "all-gather" }
func (ReduceScatter) Kind() string        { return "reduce-scatter" }
func (AllToAll) Kind() string             { return "all-to-all" }
func (o AllReduce) Reads() []*Tensor      { return nonNil(o.T) }
func (o AllReduce) Writes() []*Tensor     { return nonNil(o.T) }
func (AwaitAllReduce) Reads() []*Tensor   { return nil }
func (AwaitAllReduce) Writes() []*Tensor  { return nil }
func (o AllGather) Reads() []*Tensor      { return nonNil(o.X) }
func (o AllGather) Writes() []*Tensor     { return nonNil(o.Y) }
func (o ReduceScatter) Reads() []*Tensor  { return nonNil(o.X) }
func (o ReduceScatter) Writes() []*Tensor { return nonNil(o.Y) }
func (o AllToAll) Reads() []*Tensor       { return nonNil(o.X) }
func (o AllToAll) Writes() []*Tensor      { return nonNil(o.Y) }

// Check implements Op.
func (AwaitAllReduce) Check() error { return nil }

// Check implements Op.
func (o AllReduce) Check() error {
	switch err := present(role{"T", o.T}); {
	case err != nil:
		return err
	case o.By == nil:
		return fmt.Errorf("no group of ranks to add up %v", o.T)
	case o.T.Type != Float32 && (o.T.Type != Int32 || o.T.Shape.Len() != 1):
		return fmt.Errorf("T wants float32 or one int32, %v is %s", o.T, o.T.Type)
	}
	return nil
}

// Check implements Op.
func (o AllGather) Check() error {
	return checkSpread(o.Axis, o.By, role{"X", o.X}, role{"Y", o.Y})
}

// Check implements Op.
func (o ReduceScatter) Check() error {
	return checkSpread(o.Axis, o.By, role{"Y", o.Y}, role{"X", o.X})
}

// checkSpread checks that whole has R times the size of share along the axis.
func checkSpread(axis Axis, by Group, share, whole role) error {
	if err := present(share); err != nil {
		return err
	}
	if by == nil {
		return fmt.Errorf("no group of ranks to exchange %v with", share.t)
	}
	if err := checkAxis(axis, share); err != nil {
		return err
	}
	s := share.t.Shape
	s[axis] *= by.Size()
	return expect(want{share.name, share.t, Working, share.t.Shape}, want{whole.name, whole.t, Working, s})
}

// Check implements Op.
func (o AllToAll) Check() error {
	if err := present(role{"X", o.X}, role{"Y", o.Y}); err != nil {
		return err
	}
	if o.By == nil {
		return fmt.Errorf("no group of ranks to exchange %v with", o.X)
	}
	if err := checkAxis(Maps, role{"X", o.X}); err != nil {
		return err
	}
	ranks, s := o.By.Size(), o.X.Shape
	along, whole := Images, Maps // of X: spread along the one, whole along the other
	if o.Axis == Maps {
		along, whole = Maps, Images
	}
	if s[whole]%ranks != 0 {
		return fmt.Errorf("%d %v of %v don't divide over %d ranks", s[whole], whole, o.X, ranks)
	}
	s[along] *= ranks
	s[whole] /= ranks
	return expect(want{"X", o.X, Working, o.X.Shape}, want{"Y", o.Y, Working, s})
}

// checkAxis reports an unknown axis, or a tensor that cannot be spread along it.
func checkAxis(axis Axis, r role) error {
	switch s := r.t.Shape; {
	case axis > Maps:
		return fmt.Errorf("unknown axis %d", axis)
	case axis == Maps && (s[2] != 1 || s[3] != 1):
		return fmt.Errorf("%s has height and width %d×%d, want 1×1 to spread its maps: %v", r.name, s[2], s[3], r.t)
	}
	return nil
}
