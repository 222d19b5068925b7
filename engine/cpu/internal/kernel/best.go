package kernel

// Best is the fastest set that this machine can run.
func Best() Set { return best }

var best = Portable
