// Package report pictures a training run: its curve, its first layer's kernels,
// what the net makes of some validation pictures, and one page with all of it.
package report
