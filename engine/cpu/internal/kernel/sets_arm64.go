//go:build arm64 && !noasm

package kernel

var assembly = []*Set{&neon}

// Pause leaves the core to its other thread, and the memory alone, for a moment.
func Pause() { pauseNEON() }
