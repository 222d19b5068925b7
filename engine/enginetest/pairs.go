package enginetest

import "alexnet/engine"

// Pairs is an Opener for cases in which two contexts meet, on contexts that have to be
// opened together, such as those of different kinds: every other call opens two.
func Pairs(open func() ([]engine.Context, error)) Opener {
	var next engine.Context
	return func() (c engine.Context, err error) {
		if next != nil {
			c, next = next, nil
			return c, nil
		}
		both, err := open()
		if err != nil {
			return nil, err
		}
		next = both[1]
		return both[0], nil
	}
}
