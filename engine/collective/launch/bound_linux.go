package launch

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// bound lists the processors that this process may use.
func bound() []byte {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil
	}
	return fmt.Appendf(nil, "%x", set)
}
