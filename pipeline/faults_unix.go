//go:build unix

package pipeline

import "golang.org/x/sys/unix"

// majorFaults returns how often this process has waited for a page from a disk.
func majorFaults() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return int64(u.Majflt)
}
