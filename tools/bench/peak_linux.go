package main

import (
	"os"
	"syscall"
)

// peakMB is the largest resident memory of a finished process.
func peakMB(state *os.ProcessState) float64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return float64(usage.Maxrss) / 1000
}
