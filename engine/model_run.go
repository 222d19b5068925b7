package engine

import (
	"errors"
	"fmt"
)

// Batch is the input of one step. The slices belong to the caller, but must not change
// until the step is finished.
type Batch struct {
	Images int       // images in use, 1 to the model's batch; the rest is padding
	Pixels []byte    // (N, H, W, 3)
	Colour []float32 // (N, 3) added to every pixel, 0–255 units; nil adds nothing
	Labels []int32   // (N)
}

// Outcome is the result of a step for each image in use. Its slices belong to the
// model and are valid until the next Start, Train or Infer.
type Outcome struct {
	Loss      []float32 // (Images) cross-entropy, nats
	LabelRank []int32   // (Images) classes ahead of the right one: 0 is right, < 5 a top-5 hit
	Probs     []float32 // (Images, classes) softmax; nil where nobody asked for it

	// Halted says that the step has changed no weight, since a loss of it, on
	// any rank, or of a step before it, is not finite.
	Halted bool
}

// flight is the host's side of a step in progress.
type flight struct {
	images  int
	padded  Batch // the batch filled up, if it isn't whole
	outcome Outcome
	halt    [1]int32
	marks   []Mark // per context
}

// Join connects the contexts to those of the other ranks of the model's Group, where
// contexts need it, and returns when all have joined. All ranks call it before their
// first step.
func (m *Model) Join() error {
	for _, c := range m.contexts {
		if j, ok := c.(Joiner); ok && m.Config.Group != nil {
			if err := j.Join(m.Config.Group); err != nil {
				return fmt.Errorf("%s: %w", c.Name(), err)
			}
		}
	}
	return nil
}

// Start enqueues a training step: b forward and backward, the update rule on the mean
// gradient over the model's batch, and the results for Finish. It does not wait, so
// that a step can be started while the one before runs. At most two steps may be
// under way.
//
// A step with a loss that is not finite changes no weight, and neither do the steps
// started after it, until all started steps are finished. After an error about b the
// model is unchanged; after an error of a device it is of no further use.
func (m *Model) Start(b Batch, s Step) error {
	if m.Config.Inference {
		return errors.New("the model was made for inference only")
	}
	if m.started-m.finished == uint64(len(m.flights)) {
		return errors.New("two steps are under way: finish one first")
	}
	f := &m.flights[m.started%2]
	b, err := m.whole(b, f)
	if err != nil {
		return err
	}
	if m.started == m.finished {
		if err := m.contexts[0].Upload(m.head.halt, []int32{0}); err != nil {
			return err
		}
	}
	if err := m.compute(training, f, b, s); err != nil {
		return err
	}
	if err := joinNew(m.run(reducing, s), m.run(updating, s), m.contexts[0].Download(f.halt[:], m.head.halt)); err != nil {
		return err
	}
	f.marks = f.marks[:0]
	for _, c := range m.contexts {
		f.marks = append(f.marks, c.Mark())
	}
	m.started++
	return nil
}

// Finish waits for the oldest step that was started and not finished.
func (m *Model) Finish() (Outcome, error) {
	if m.started == m.finished {
		return Outcome{}, errors.New("no step is under way")
	}
	f := &m.flights[m.finished%2]
	m.finished++
	var errs []error
	for p, mark := range f.marks {
		if err := mark.Wait(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.contexts[p].Name(), err))
		}
	}
	o := m.outcomeOf(f)
	o.Halted = f.halt[0] != 0
	if !m.Config.Probabilities {
		o.Probs = nil
	}
	return o, errors.Join(errs...)
}

// Train is Start and Finish.
func (m *Model) Train(b Batch, s Step) (Outcome, error) {
	if err := m.idle(); err != nil {
		return Outcome{}, err
	}
	if err := m.Start(b, s); err != nil {
		return Outcome{}, err
	}
	return m.Finish()
}

// Infer runs the net forward on b in test mode.
func (m *Model) Infer(b Batch) (Outcome, error) {
	if err := m.idle(); err != nil {
		return Outcome{}, err
	}
	f := &m.flights[m.started%2]
	b, err := m.whole(b, f)
	if err != nil {
		return Outcome{}, err
	}
	if err := joinNew(m.compute(inferring, f, b, Step{}), m.sync()); err != nil {
		return Outcome{}, err
	}
	return m.outcomeOf(f), nil
}

// idle returns an error if steps are in progress.
func (m *Model) idle() error {
	if m.started != m.finished {
		return errors.New("a step is under way: finish it first")
	}
	return nil
}

// compute enqueues a phase for every piece of a whole batch with images in use, and the
// copies to and from the device.
func (m *Model) compute(what phase, f *flight, b Batch, s Step) error {
	n, pixels, classes := m.Config.piece(), len(b.Pixels)/m.Config.Batch, m.Net.Classes
	head, o := m.contexts[0], f.outcome
	first := 0 // of this rank's images among all of the step
	if r := m.Config.Group; r != nil {
		first = r.Rank() * m.Config.Batch
	}
	f.images = b.Images
	for lo := 0; lo < b.Images; lo += n {
		hi := lo + n
		s.Image = uint64(first + lo)
		for p, c := range m.contexts {
			if err := joinNew(c.Upload(m.inputs[p].pixels, b.Pixels[lo*pixels:hi*pixels]), c.Upload(m.inputs[p].colour, b.Colour[3*lo:3*hi])); err != nil {
				return err
			}
		}
		if err := joinNew(head.Upload(m.head.labels, b.Labels[lo:hi]), m.run(what, s)); err != nil {
			return err
		}
		if err := joinNew(head.Download(o.Loss[lo:hi], m.head.loss), head.Download(o.LabelRank[lo:hi], m.head.rank)); err != nil {
			return err
		}
		if what == inferring || m.Config.Probabilities {
			if err := head.Download(o.Probs[lo*classes:hi*classes], m.head.probs); err != nil {
				return err
			}
		}
		if what == training && m.programs[accumulating] != nil {
			sum := accumulating
			if lo == 0 {
				sum = beginning
			}
			if err := m.run(sum, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// run enqueues a phase's programs.
func (m *Model) run(what phase, s Step) error {
	for _, p := range m.programs[what] {
		if err := p.Run(s); err != nil {
			return err
		}
	}
	return nil
}

// outcomeOf returns the outcome of the images in use.
func (m *Model) outcomeOf(f *flight) Outcome {
	n, o := f.images, f.outcome
	return Outcome{Loss: o.Loss[:n], LabelRank: o.LabelRank[:n], Probs: o.Probs[:n*m.Net.Classes]}
}

// whole checks b. If b is not a whole batch, it returns a copy in f's memory, filled
// up to the model's batch.
func (m *Model) whole(b Batch, f *flight) (Batch, error) {
	n, pixels := m.Config.Batch, 3*m.Net.Input.Size*m.Net.Input.Size
	if b.Images < 1 || b.Images > n {
		return b, fmt.Errorf("batch of %d images for a model of 1 to %d", b.Images, n)
	}
	if len(b.Pixels) < b.Images*pixels || len(b.Labels) < b.Images || b.Colour != nil && len(b.Colour) < 3*b.Images {
		return b, fmt.Errorf("batch of %d images has %d pixel bytes, %d labels, %d colour values: want %d, %d, %d",
			b.Images, len(b.Pixels), len(b.Labels), len(b.Colour), b.Images*pixels, b.Images, 3*b.Images)
	}
	for i, l := range b.Labels[:b.Images] {
		if l < 0 || int(l) >= m.Net.Classes {
			return b, fmt.Errorf("image %d of the batch has label %d: the net has classes 0 to %d", i, l, m.Net.Classes-1)
		}
	}
	if b.Colour == nil {
		b.Colour = m.colourless
	}
	if b.Images == n {
		b.Pixels, b.Labels, b.Colour = b.Pixels[:n*pixels], b.Labels[:n], b.Colour[:3*n]
		return b, nil
	}
	full := &f.padded
	if full.Pixels == nil {
		memory, err := m.AllocateHost(n * pixels)
		if err != nil {
			return b, err
		}
		*full = Batch{Pixels: memory, Colour: make([]float32, 3*n), Labels: make([]int32, n)}
	}
	full.Images = b.Images
	clear(full.Pixels[copy(full.Pixels, b.Pixels[:b.Images*pixels]):])
	clear(full.Colour[copy(full.Colour, b.Colour[:3*b.Images]):])
	for i := copy(full.Labels, b.Labels[:b.Images]); i < n; i++ {
		full.Labels[i] = -1
	}
	return *full, nil
}
