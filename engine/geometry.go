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

// slide is what leaves a window that slides over maps of an extent.
func slide(w Window, maps int, at Extent) (Extent, error) {
	e := Extent{maps, w.Out(at.Height), w.Out(at.Width)}
	if e.Height < 1 || e.Width < 1 {
		return at, fmt.Errorf("a window of %d pixels (pad %d) doesn't fit", w.Size, w.Pad)
	}
	return e, countable("what leaves it", e.Maps, e.Height, e.Width)
}

// maxWindow is the largest pooling window whose positions fit a byte.
const maxWindow = 15

// pooled checks a pooling layer and returns what leaves it.
func pooled(w Window, s spot) (Extent, error) {
	if err := w.Validate(); err != nil {
		return s.at, err
	}
	if w.Size > maxWindow {
		return s.at, fmt.Errorf("pooling window of %d pixels, want at most %d", w.Size, maxWindow)
	}
	return slide(w, s.at.Maps, s.at)
}

// wantPooled is what both directions of a pooling op want of x and y.
func wantPooled(w Window, x, y role) ([]want, error) {
	if err := present(x); err != nil {
		return nil, err
	}
	if err := w.Validate(); err != nil {
		return nil, err
	}
	s := x.t.Shape
	out := Shape{s[0], s[1], w.Out(s[2]), w.Out(s[3])}
	switch {
	case w.Size > maxWindow:
		return nil, fmt.Errorf("window of %d, want at most %d", w.Size, maxWindow)
	case out[2] < 1 || out[3] < 1:
		return nil, fmt.Errorf("a window of %d with pad %d does not fit %v", w.Size, w.Pad, x.t)
	}
	return []want{{x.name, x.t, Working, s}, {y.name, y.t, Working, out}}, nil
}
