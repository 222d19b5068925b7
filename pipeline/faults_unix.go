//go:build unix

package pipeline

import "golang.org/x/sys/unix"

// majorFaults is how often this process has waited for a page of a file, or of
// memory, from a disk.
func majorFaults() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return int64(u.Majflt)
}
