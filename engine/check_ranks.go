package engine

import "fmt"

func checkAllReduce(op AllReduce) error {
	switch err := present(role{"T", op.T}); {
	case err != nil:
		return err
	case op.By == nil:
		return fmt.Errorf("nobody to add up %v", op.T)
	case op.T.Type != Float32 && (op.T.Type != Int32 || op.T.Shape.Len() != 1):
		return fmt.Errorf("T wants float32 or one int32, %v is %s", op.T, op.T.Type)
	}
	return nil
}

// checkSpread wants whole to be share times the ranks along the axis.
func checkSpread(axis Axis, by Communicator, share, whole role) error {
	if err := present(share); err != nil {
		return err
	}
	if by == nil {
		return fmt.Errorf("nobody to exchange %v with", share.t)
	}
	if err := checkAxis(axis, share); err != nil {
		return err
	}
	s := share.t.Shape
	s[axis] *= by.Size()
	return expect(want{share.name, share.t, Working, share.t.Shape}, want{whole.name, whole.t, Working, s})
}

func checkAllToAll(op AllToAll) error {
	if err := present(role{"X", op.X}, role{"Y", op.Y}); err != nil {
		return err
	}
	if op.By == nil {
		return fmt.Errorf("nobody to exchange %v with", op.X)
	}
	if err := checkAxis(Maps, role{"X", op.X}); err != nil {
		return err
	}
	ranks, s := op.By.Size(), op.X.Shape
	along, whole := Images, Maps // of X: spread along the one, whole along the other
	if op.Axis == Maps {
		along, whole = Maps, Images
	}
	if s[whole]%ranks != 0 {
		return fmt.Errorf("%d %v of %v don't divide over %d ranks", s[whole], whole, op.X, ranks)
	}
	s[along] *= ranks
	s[whole] /= ranks
	return expect(want{"X", op.X, Working, op.X.Shape}, want{"Y", op.Y, Working, s})
}

// checkAxis reports an axis that there isn't, or that a tensor can't be spread
// along.
func checkAxis(axis Axis, r role) error {
	switch s := r.t.Shape; {
	case axis > Maps:
		return fmt.Errorf("unknown axis %d", axis)
	case axis == Maps && (s[2] != 1 || s[3] != 1):
		return fmt.Errorf("%s has height and width %d×%d, want 1×1 to spread its maps: %v", r.name, s[2], s[3], r.t)
	}
	return nil
}
