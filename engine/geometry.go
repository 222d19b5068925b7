package engine

import "fmt"

// Window is the geometry of a sliding window along each axis of a square
// kernel. It is the only owner of the output-size formula.
type Window struct {
	Size   int `json:"kernel"` // pixels a side
	Stride int `json:"stride"` // pixels between positions
	Pad    int `json:"pad"`    // zero pixels implied on every side
}

// Out is the number of window positions along an axis of in pixels, counting
// only windows that lie wholly inside the padded input (the floor rule, as in
// PyTorch and cuDNN): (in + 2·pad − size)/stride + 1. It is ≤ 0 where the
// window does not fit.
func (w Window) Out(in int) int {
	if in+2*w.Pad < w.Size {
		return 0
	}
	return (in+2*w.Pad-w.Size)/w.Stride + 1
}

// Validate reports a window that no input could satisfy.
func (w Window) Validate() error {
	switch {
	case w.Size < 1:
		return fmt.Errorf("kernel size %d, want at least 1", w.Size)
	case w.Stride < 1:
		return fmt.Errorf("stride %d, want at least 1", w.Stride)
	case w.Pad < 0 || w.Pad >= w.Size:
		return fmt.Errorf("pad %d, want 0 to %d (less than the kernel)", w.Pad, w.Size-1)
	}
	return nil
}
