package engine

import (
	"errors"
	"fmt"
)

// Parameter describes one array of weights or biases in the merged layout,
// which does not depend on placement: convolutions OIHW as a grouped
// convolution, dense layers (out, in), biases (out).
type Parameter struct {
	Name string // "conv1.weight", "conv1.bias"
	Dims []int
}

// Len is the number of values.
func (p Parameter) Len() int {
	n := 1
	for _, d := range p.Dims {
		n *= d
	}
	return n
}

// Field chooses one of the arrays kept for every parameter.
type Field uint8

const (
	// Weight is the parameter itself.
	Weight Field = iota
	// Velocity is v of the update rule, the momentum.
	Velocity
	// Gradient is the gradient of the last training step: the mean over the batch.
	Gradient
)

// Parameters lists the parameters in the order of the layers.
func (m *Model) Parameters() []Parameter {
	out := make([]Parameter, len(m.params))
	for i, q := range m.params {
		out[i] = q.Parameter
	}
	return out
}

// Read returns a fresh copy of one parameter's field in the merged layout. If a
// parameter is split over the ranks, each rank has its own part, and all ranks make
// the same call (see Split).
func (m *Model) Read(f Field, name string) ([]float32, error) {
	q, err := m.parameter(name)
	if err := errors.Join(err, m.idle()); err != nil {
		return nil, err
	}
	values := make([]float32, q.Len())
	if m.frozenVelocity(f, q) {
		return values, nil
	}
	err = q.each(f, m.share(q, values), func(part []float32, t *Tensor) error {
		return t.Context.Download(part, t)
	})
	if err := errors.Join(err, m.sync()); err != nil || q.whole == nil {
		return values, err
	}
	if err := m.Config.Group.AllGather(values)(); err != nil {
		return nil, fmt.Errorf("%s: gathering it from all ranks: %w", name, err)
	}
	return values, nil
}

// Write sets one parameter's field from the merged layout. If there are several
// ranks, every rank calls it.
func (m *Model) Write(f Field, name string, values []float32) error {
	q, err := m.parameter(name)
	if err := errors.Join(err, m.idle()); err != nil {
		return err
	}
	if len(values) != q.Len() {
		return fmt.Errorf("%s: %d values, the net wants %v = %d", name, len(values), q.Dims, q.Len())
	}
	if m.frozenVelocity(f, q) {
		return nil
	}
	err = q.each(f, m.share(q, values), func(part []float32, t *Tensor) error {
		return t.Context.Upload(t, part)
	})
	if f == Weight && q.whole != nil {
		err = errors.Join(err, q.whole.Context.Upload(q.whole, values))
	}
	return errors.Join(err, m.sync())
}

// frozenVelocity reports whether a field is the velocity of a frozen parameter. Such a
// velocity is zero, no op uses it, and it has no place in memory.
func (m *Model) frozenVelocity(f Field, q *parameter) bool {
	return f == Velocity && q.frozen
}

// share returns this rank's part of a parameter's values.
func (m *Model) share(q *parameter, values []float32) []float32 {
	if q.whole == nil {
		return values
	}
	n, rank := len(values)/m.Config.ranks(), m.Config.Group.Rank()
	return values[rank*n : (rank+1)*n]
}

// Split reports whether some parameters are split over the ranks
// (ModelConfig.Hybrid).
func (m *Model) Split() bool {
	for _, q := range m.params {
		if q.whole != nil {
			return true
		}
	}
	return false
}

// Assemble sends the current weights of split layers to all ranks. All ranks call
// Assemble. Afterwards each rank can call Infer alone, with the weights of the last
// Assemble or Write.
func (m *Model) Assemble() error {
	for _, q := range m.params {
		if q.whole == nil {
			continue
		}
		values, err := m.Read(Weight, q.Name)
		if err != nil {
			return err
		}
		if err := errors.Join(q.whole.Context.Upload(q.whole, values), m.sync()); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) parameter(name string) (*parameter, error) {
	for _, q := range m.params {
		if q.Name == name {
			return q, nil
		}
	}
	return nil, fmt.Errorf("net %q has no parameter %q", m.Net.Name, name)
}

// each calls do with every part's share of values and the tensor it belongs to.
func (q *parameter) each(f Field, values []float32, do func(part []float32, t *Tensor) error) error {
	for _, s := range q.slices {
		if s == nil {
			continue
		}
		t := [...]*Tensor{Weight: s.w, Velocity: s.v, Gradient: s.sum}[f]
		if t == nil {
			return fmt.Errorf("%s: the model was made for inference only", q.Name)
		}
		if f == Gradient && q.early {
			return fmt.Errorf("%s: its gradient is not kept, to save memory", q.Name)
		}
		n := t.Shape.Len()
		if err := do(values[:n], t); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// largest is a slice as long as the largest parameter.
func (m *Model) largest() []float32 {
	n := 0
	for _, q := range m.params {
		n = max(n, q.Len())
	}
	return make([]float32, n)
}
