// Package report draws a training run: its curve, the kernels of its first layer, the
// net's guesses for some validation pictures, and one page with all of it.
package report
