package cpu

import "golang.org/x/sys/unix"

// room returns the machine's memory. All of it counts as free: macOS compresses and
// swaps what other programs don't use, and its swap has no fixed size.
func room() (total, free int64, err error) {
	size, err := unix.SysctlUint64("hw.memsize")
	return int64(size), int64(size), err
}
