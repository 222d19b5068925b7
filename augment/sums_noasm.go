//go:build !amd64 || noasm

package augment

// addFast leaves all to the portable loop.
func (s *Sums) addFast([]byte) (done int) { return 0 }
