// Package resample resizes 8-bit RGB pixels with antialiasing kernels, reading only the
// part of the source that the window needs. Package decode, which turns picture files
// into a shard's squares, calls it.
//
// A picture is resized along x, rounded to bytes, and then along y, by a kernel
// that is widened by the reduction factor. That is what imaging and PIL do, and
// the result is theirs within the rounding of integer arithmetic: on real
// photographs at most 2 levels, and 0.002 in the mean, from imaging's.
//
// The arithmetic is 16-bit weights times 8-bit samples in 32-bit sums, each axis
// with as many fraction bits as its largest weight leaves room for. A kernel that
// reaches outside the picture is cut there and scaled back to a sum of 1; one
// that reaches outside the window but not the picture isn't cut, so a window
// holds the very pixels that resizing everything and cropping would.
//
// On amd64 with AVX2 both passes run in assembly (not with the noasm build tag),
// and give the same bytes as the Go code.
package resample
