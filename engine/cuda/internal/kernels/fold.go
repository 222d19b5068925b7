package kernels

import (
	"fmt"

	"alexnet/engine/cuda/internal/gpu"
)

// A convolution of stride s on few channels doesn't fill the tensor cores' width. It
// equals a convolution of stride 1 on pixels s times as coarse with s² times the channels
// ("space to depth"): conv1 of AlexNet, 11×11 at stride 4 on 224×224×3 with padding 2, is
// 3×3 at stride 1 on 57×57×48 without padding. Channel (dy·s + dx)·C + c of folded pixel
// (y, x) is channel c of pixel (y·s + dy − pad, x·s + dx − pad), zero outside the image.

// FoldedInput returns the number of folded pixels along an axis of in pixels: as many
// as the windows read.
func FoldedInput(in, size, stride, pad int32) int32 {
	return (in+2*pad-size)/stride + FoldedWindow(size, stride)
}

// FoldedWindow returns the size of the folded window, size/stride rounded up.
func FoldedWindow(size, stride int32) int32 { return (size + stride - 1) / stride }

// FoldInput folds X, T (N, H, W, C), into Y, T (N, FoldedH, FoldedW, Stride²·C).
type FoldInput struct {
	X, Y             gpu.Pointer
	N, H, W, C       int32
	Stride, Pad      int32
	FoldedH, FoldedW int32
}

// FoldInput enqueues the kernel.
func (k *Set) FoldInput(s gpu.Stream, p FoldInput) error {
	if p.Stride < 1 {
		return fmt.Errorf("folding by stride %d", p.Stride)
	}
	channels := p.Stride * p.Stride * p.C
	name, vector := k.variant("fold_input", channels)
	l := flatGrid(int64(p.FoldedH) * int64(p.FoldedW) * int64(channels/vector))
	l.Grid[1] = uint32(p.N)
	return launch(k, s, name, l, &p)
}

// FoldWeights folds W (O, Size, Size, C) into Folded, T (O, S, S, Stride²·C)
// with S = FoldedWindow(Size, Stride); taps beyond Size are zero.
type FoldWeights struct {
	W, Folded          gpu.Pointer
	O, Size, C, Stride int32
}

// FoldWeights enqueues the kernel; from is the type of W.
func (k *Set) FoldWeights(s gpu.Stream, p FoldWeights, from gpu.Type) error {
	if p.Stride < 1 {
		return fmt.Errorf("folding by stride %d", p.Stride)
	}
	side := FoldedWindow(p.Size, p.Stride)
	l := flatGrid(int64(p.O) * int64(side*side*p.Stride*p.Stride*p.C))
	return launch(k, s, "fold_weights"+suffix(from)+suffix(k.working), l, &p)
}

// UnfoldWeights copies the gradient of the folded weights, Folded (O, S, S,
// Stride²·C), to W's layout, float32 (O, Size, Size, C).
type UnfoldWeights struct {
	Folded, W          gpu.Pointer
	O, Size, C, Stride int32
}

// UnfoldWeights enqueues the kernel; from is the type of Folded.
func (k *Set) UnfoldWeights(s gpu.Stream, p UnfoldWeights, from gpu.Type) error {
	if p.Stride < 1 {
		return fmt.Errorf("unfolding by stride %d", p.Stride)
	}
	l := flatGrid(int64(p.O) * int64(p.Size*p.Size*p.C))
	return launch(k, s, "unfold_weights"+suffix(from), l, &p)
}
