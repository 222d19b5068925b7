//go:build !unix

package pipeline

// majorFaults isn't implemented on this system.
func majorFaults() int64 { return 0 }
