package engine

import "fmt"

// Window is the geometry of a sliding window along each axis of a square
// kernel. It is the only owner of the output-size formula.
type Window struct {
	Size   int `json:"kernel"` // pixels a side
	Stride int `json:"stride"` // pixels between positions
	Pad    int `json:"pad"`    // zero pixels implied on every side

	// Ceil rounds the number of positions up: the last window may reach beyond the
	// padding, but starts inside it or the input. Pooling alone may have it.
	Ceil bool `json:"ceil,omitempty"`
}

// Out is the number of window positions along an axis of in pixels, counting
// only windows that lie wholly inside the padded input (the floor rule, as in
// PyTorch and cuDNN): (in + 2·pad − size)/stride + 1. It is ≤ 0 where the
// window does not fit.
//
// With Ceil the quotient is rounded up, and a window that would start behind the
// input isn't counted: PyTorch's ceil_mode, and the rule of cuda-convnet's pools.
func (w Window) Out(in int) int {
	span := in + 2*w.Pad - w.Size
	if w.Ceil {
		span += w.Stride - 1
	}
	if span < 0 {
		return 0
	}
	n := span/w.Stride + 1
	if w.Ceil && (n-1)*w.Stride >= in+w.Pad {
		n--
	}
	return n
}

// Beyond returns how many pixels the last window reaches beyond an input of in
// pixels; 0 if it does not.
func (w Window) Beyond(in int) int { return max(0, (w.Out(in)-1)*w.Stride+w.Size-w.Pad-in) }

// Validate reports a window that fits no input.
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

// slide returns the extent of the output of a window that slides over maps.
func slide(w Window, maps int, at Extent) (Extent, error) {
	e := Extent{maps, w.Out(at.Height), w.Out(at.Width)}
	if e.Height < 1 || e.Width < 1 {
		return at, fmt.Errorf("a window of %d pixels (pad %d) doesn't fit", w.Size, w.Pad)
	}
	return e, countable("what leaves it", e.Maps, e.Height, e.Width)
}

// pooled checks a pooling layer and returns the extent of its output.
func pooled(w Window, s spot) (Extent, error) {
	if err := w.Validate(); err != nil {
		return s.at, err
	}
	return slide(w, s.at.Maps, s.at)
}

// Pooled returns the shape of the output of windows over x.
func (w Window) Pooled(x Shape) Shape { return Shape{x[0], x[1], w.Out(x[2]), w.Out(x[3])} }

// checkPool checks the tensors that both directions of a pooling op have. positions
// may be empty.
func checkPool(w Window, x, y role, positions ...role) error {
	if err := present(x); err != nil {
		return err
	}
	if err := w.Validate(); err != nil {
		return err
	}
	out := w.Pooled(x.t.Shape)
	if out[2] < 1 || out[3] < 1 {
		return fmt.Errorf("a window of %d with pad %d does not fit %v", w.Size, w.Pad, x.t)
	}
	wants := []want{{x.name, x.t, Working, x.t.Shape}, {y.name, y.t, Working, out}}
	for _, at := range positions {
		wants = append(wants, want{at.name, at.t, Argmax, out})
	}
	return expect(wants...)
}
