//go:build amd64 && !noasm

package augment

import "golang.org/x/sys/cpu"

// useAVX2 chooses the assembly of sums. Tests turn it off.
var useAVX2 = cpu.X86.HasAVX2

// addFast adds the first pixels of rgb to all sums but Pixels, and returns the number of
// their bytes.
func (s *Sums) addFast(rgb []byte) (done int) {
	const group, most = 3 * 16, 3 * 16 * 30000
	if !useAVX2 {
		return 0
	}
	var products [6][8]uint32
	for {
		n := min(len(rgb)-done, most) / group * group
		if n == 0 {
			return done
		}
		sumsAVX2(rgb[done:done+n], &s.Sum, &products)
		done += n
		i := 0
		for a := range 3 {
			for b := a; b < 3; b++ {
				for _, part := range products[i] {
					s.Products[a][b] += uint64(part)
				}
				s.Products[b][a] = s.Products[a][b]
				i++
			}
		}
	}
}
