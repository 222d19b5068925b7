package enginetest

import "alexnet/engine"

// Pairs returns an Opener for cases with two contexts that must be opened together,
// such as contexts of different kinds: every other call opens two.
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
