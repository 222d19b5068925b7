package kernels

import (
	"fmt"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// Input turns bytes into the net's input (engine.Input):
//
//	Y[n,y,x,c] = T((Pixels[n,y,x,c] + Colour[n,c] − Mean[y,x,c]) · Scale)
//
// Pixels are bytes (N, H, W, 3), Colour float32 (N, 3), Mean float32 (H, W, 3).
type Input struct {
	Pixels, Colour, Mean, Y gpu.Pointer
	N, H, W                 int32
	Scale                   float32
}

// imagesPerThread is the number of images that a thread of the input kernels
// computes: it reads the mean image and computes indices once for all of them.
const imagesPerThread = 8

// Input enqueues the kernel.
func (k *Set) Input(s gpu.Stream, p Input) error {
	row := p.H * p.W * 3
	name, vector := k.variant("input", row)
	l := flatGrid(int64(row / vector))
	l.Grid[1] = blocks(p.N, imagesPerThread)
	return launch(k, s, name, l, &p)
}

func (k *Set) lowerInput(op engine.Input, m Memory) Lowered {
	y := op.Y.Shape
	return Lowered{Run: func(s gpu.Stream) error {
		return k.Input(s, Input{
			Pixels: m.At(op.Pixels), Colour: m.At(op.Colour), Mean: m.At(op.Mean), Y: m.At(op.Y),
			N: int32(y[0]), H: int32(y[2]), W: int32(y[3]), Scale: op.Scale,
		})
	}}
}

// InputFolded is Input followed by FoldInput, without the tensor between them: Y is T
// (N, FoldedH, FoldedW, Stride²·3), zero outside the image.
type InputFolded struct {
	Pixels, Colour, Mean, Y gpu.Pointer
	N, H, W                 int32
	Scale                   float32
	Stride, Pad             int32
	FoldedH, FoldedW        int32
}

// InputFolded enqueues the kernel.
func (k *Set) InputFolded(s gpu.Stream, p InputFolded) error {
	if p.Stride < 1 {
		return fmt.Errorf("input folded by stride %d", p.Stride)
	}
	channels := p.Stride * p.Stride * 3
	name, vector := k.variant("input_folded", channels)
	l := flatGrid(int64(p.FoldedH) * int64(p.FoldedW) * int64(channels/vector))
	l.Grid[1] = blocks(p.N, imagesPerThread)
	return launch(k, s, name, l, &p)
}
