//go:build !amd64 || noasm

package augment

// addFast adds nothing: the portable loop adds all pixels.
func (s *Sums) addFast([]byte) (done int) { return 0 }
