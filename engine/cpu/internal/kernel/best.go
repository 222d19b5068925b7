package kernel

// Best is the fastest set that this machine can run.
func Best() Set { return best }

// best is replaced at start-up where there are assembly kernels.
var best = Portable
