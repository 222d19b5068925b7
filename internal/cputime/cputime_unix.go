//go:build unix

// Package cputime reads the clock of processor time. Other users of a machine disturb
// it less than the wall clock.
package cputime

import (
	"time"

	"golang.org/x/sys/unix"
)

// Used returns the processor time that this process has taken.
func Used() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
