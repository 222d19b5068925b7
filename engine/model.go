package engine

import (
	"errors"
	"fmt"
)

// ModelConfig says how a net is put on its contexts.
type ModelConfig struct {
	// Batch is the number of images in every run. Required.
	Batch int
	// Mean is subtracted from the pixels: 3·H·W values for the net's input
	// size, channels first, in 0–255 units. nil subtracts nothing.
	Mean []float32
	// InputScale multiplies mean-subtracted pixels; 0 means the net's own.
	InputScale float32
	// Decay is the weight decay of the update rule, on weights and not on
	// biases: 0.0005 in the paper.
	Decay float32
	// Freeze names layers whose weights and biases Update leaves alone.
	Freeze []string
	// Inference leaves out gradients and momentum; Gradients and Update then
	// fail.
	Inference bool
	// Tap names a layer with weights whose output Features returns; "" is none.
	Tap string
}

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
	// Gradient is what the last Gradients call left.
	Gradient
)

// Batch is what one run reads. The slices belong to the caller, who leaves them
// alone during the call.
type Batch struct {
	Images int       // images in use, 1 to the model's batch; the rest is padding
	Pixels []byte    // (N, H, W, 3)
	Colour []float32 // (N, 3) added to every pixel, 0–255 units; nil adds nothing
	Labels []int32   // (N)
}

// Outcome is what a run says about each image in use. Its slices belong to the
// model and are valid until the next run.
type Outcome struct {
	Loss  []float32 // (Images) cross-entropy, nats
	Rank  []int32   // (Images) classes ahead of the right one: 0 is right, < 5 a top-5 hit
	Probs []float32 // (Images, classes) softmax
}

// Model is a net on its contexts: programs, parameters, and the memory for
// them. It is used from one goroutine at a time.
type Model struct {
	Net    *Net
	Config ModelConfig

	contexts []Context
	plans    []*Plan
	inputs   []*input
	head     headTensors
	params   []*parameter
	taps     []*Tensor // per part that holds some of the tapped layer

	training, update, inference []Program // per context

	padded  Batch // full-size staging for ragged batches
	outcome Outcome
}

// PlanModel lays out net on contexts and returns what each will take, without
// taking anything.
func PlanModel(net *Net, contexts []Context, cfg ModelConfig) ([]*Plan, error) {
	l, err := layOut(net, contexts, cfg)
	if err != nil {
		return nil, err
	}
	return l.plans, nil
}

// NewModel puts net on contexts: on one context all towers run together, on as
// many contexts as the net has towers (or a divisor) each holds its share. The
// contexts must be fresh and of one kind; the model closes them. Weights are
// undefined until Initialize or Write.
func NewModel(net *Net, contexts []Context, cfg ModelConfig) (*Model, error) {
	l, err := layOut(net, contexts, cfg)
	if err != nil {
		return nil, err
	}
	m := &Model{
		Net: net, Config: cfg,
		contexts: contexts, plans: l.plans, inputs: l.inputs, head: l.head, params: l.params, taps: l.taps,
	}
	for p, c := range contexts {
		if err := c.Reserve(l.plans[p].Arena(), l.plans[p].Workspace); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name(), err)
		}
	}
	for _, set := range []struct {
		ops      [][]Op
		programs *[]Program
	}{{l.training, &m.training}, {l.update, &m.update}, {l.inference, &m.inference}} {
		for p, ops := range set.ops {
			program, err := contexts[p].Compile(ops)
			if err != nil {
				return nil, fmt.Errorf("net %q on %s: %w", net.Name, contexts[p].Name(), err)
			}
			*set.programs = append(*set.programs, program)
		}
	}
	if err := m.start(); err != nil {
		return nil, err
	}
	return m, nil
}

// layout is a net cut into programs and placed in arenas.
type layout struct {
	*builder
	training, update, inference [][]Op
	plans                       []*Plan
	taps                        []*Tensor
}

func layOut(net *Net, contexts []Context, cfg ModelConfig) (*layout, error) {
	extents, err := net.Shapes()
	if err != nil {
		return nil, err
	}
	switch n := len(contexts); {
	case n == 0:
		return nil, errors.New("no device given")
	case net.Towers%n != 0:
		return nil, fmt.Errorf("net %q has %d towers: they don't spread over %d devices", net.Name, net.Towers, n)
	case cfg.Batch < 1:
		return nil, fmt.Errorf("batch of %d images, want at least 1", cfg.Batch)
	}
	if want := 3 * net.Input.Size * net.Input.Size; cfg.Mean != nil && len(cfg.Mean) != want {
		return nil, fmt.Errorf("mean of %d values, net %q wants 3×%d×%d = %d", len(cfg.Mean), net.Name, net.Input.Size, net.Input.Size, want)
	}
	if err := net.hasLayers(cfg.Freeze); err != nil {
		return nil, fmt.Errorf("freeze: %w", err)
	}
	l := &layout{builder: newBuilder(net, contexts, cfg)}
	l.inference = l.builder.inference(extents)
	if cfg.Tap != "" {
		if l.taps, err = tapTensors(l.inference, cfg.Tap); err != nil {
			return nil, fmt.Errorf("net %q: %w", net.Name, err)
		}
	}
	if !cfg.Inference {
		l.training = l.builder.training(extents)
		l.update = l.builder.update()
	}
	for p, c := range contexts {
		programs := [][]Op{l.inference[p]}
		if !cfg.Inference {
			programs = append(programs, l.training[p], l.update[p])
		}
		l.plans = append(l.plans, PlanArena(c, programs...))
	}
	return l, nil
}

// start uploads what never changes and clears the velocities.
func (m *Model) start() error {
	size := m.Net.Input.Size
	mean := m.Config.Mean
	if mean == nil {
		mean = make([]float32, 3*size*size)
	}
	for p, c := range m.contexts {
		if err := c.Upload(m.inputs[p].mean, mean); err != nil {
			return err
		}
	}
	n := m.Config.Batch
	m.padded = Batch{Pixels: make([]byte, n*size*size*3), Colour: make([]float32, n*3), Labels: make([]int32, n)}
	m.outcome = Outcome{Loss: make([]float32, n), Rank: make([]int32, n), Probs: make([]float32, n*m.Net.Classes)}
	if m.Config.Inference {
		return m.sync()
	}
	zeros := m.largest()
	for _, q := range m.params {
		if err := m.Write(Velocity, q.Name, zeros[:q.Len()]); err != nil {
			return err
		}
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

// Plans is what each context's memory holds.
func (m *Model) Plans() []*Plan { return m.plans }

// Parameters lists the parameters in the order of the layers.
func (m *Model) Parameters() []Parameter {
	out := make([]Parameter, len(m.params))
	for i, q := range m.params {
		out[i] = q.Parameter
	}
	return out
}

// Gradients runs the net forward and backward on b in training mode, leaving
// the mean gradient over the model's batch. Weights stay as they are until
// Update, so a bad outcome can still be refused.
func (m *Model) Gradients(b Batch, s Step) (Outcome, error) {
	if m.training == nil {
		return Outcome{}, errors.New("the model was made for inference only")
	}
	return m.run(m.training, b, s)
}

// Update applies the update rule to every parameter.
func (m *Model) Update(s Step) error {
	if m.update == nil {
		return errors.New("the model was made for inference only")
	}
	for _, p := range m.update {
		if err := p.Run(s); err != nil {
			return err
		}
	}
	return m.sync()
}

// Infer runs the net forward on b in test mode.
func (m *Model) Infer(b Batch) (Outcome, error) { return m.run(m.inference, b, Step{}) }

func (m *Model) run(programs []Program, b Batch, s Step) (Outcome, error) {
	b, err := m.pad(b)
	if err != nil {
		return Outcome{}, err
	}
	for p, c := range m.contexts {
		if err := errors.Join(c.Upload(m.inputs[p].pixels, b.Pixels), c.Upload(m.inputs[p].colour, b.Colour)); err != nil {
			return Outcome{}, err
		}
	}
	head := m.contexts[0]
	if err := errors.Join(head.Upload(m.head.labels, b.Labels), m.proceed()); err != nil {
		return Outcome{}, err
	}
	for _, p := range programs {
		if err := p.Run(s); err != nil {
			return Outcome{}, err
		}
	}
	o := m.outcome
	if err := errors.Join(head.Download(o.Loss, m.head.loss), head.Download(o.Rank, m.head.rank), head.Download(o.Probs, m.head.probs), m.sync()); err != nil {
		return Outcome{}, err
	}
	n := b.Images
	return Outcome{Loss: o.Loss[:n], Rank: o.Rank[:n], Probs: o.Probs[:n*m.Net.Classes]}, nil
}

// proceed clears what halts updates.
func (m *Model) proceed() error {
	if m.Config.Inference {
		return nil
	}
	return m.contexts[0].Upload(m.head.halt, []int32{0})
}

// pad checks b and fills it up to the model's batch.
func (m *Model) pad(b Batch) (Batch, error) {
	n, pixels := m.Config.Batch, len(m.padded.Pixels)/m.Config.Batch
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
	if b.Images == n && b.Colour != nil {
		b.Pixels, b.Labels, b.Colour = b.Pixels[:n*pixels], b.Labels[:n], b.Colour[:3*n]
		return b, nil
	}
	full := m.padded
	full.Images = b.Images
	clear(full.Pixels[copy(full.Pixels, b.Pixels[:b.Images*pixels]):])
	clear(full.Colour)
	if b.Colour != nil {
		copy(full.Colour, b.Colour[:3*b.Images])
	}
	for i := copy(full.Labels, b.Labels[:b.Images]); i < n; i++ {
		full.Labels[i] = -1
	}
	return full, nil
}

func (m *Model) sync() error {
	var errs []error
	for _, c := range m.contexts {
		if err := c.Sync(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name(), err))
		}
	}
	return errors.Join(errs...)
}

// Read returns a fresh copy of one parameter's field in the merged layout.
func (m *Model) Read(f Field, name string) ([]float32, error) {
	q, err := m.parameter(name)
	if err != nil {
		return nil, err
	}
	values := make([]float32, q.Len())
	err = q.each(f, values, func(part []float32, t *Tensor) error {
		return t.Context.Download(part, t)
	})
	return values, errors.Join(err, m.sync())
}

// Write sets one parameter's field from the merged layout.
func (m *Model) Write(f Field, name string, values []float32) error {
	q, err := m.parameter(name)
	if err != nil {
		return err
	}
	if len(values) != q.Len() {
		return fmt.Errorf("%s: %d values, the net wants %v = %d", name, len(values), q.Dims, q.Len())
	}
	err = q.each(f, values, func(part []float32, t *Tensor) error {
		return t.Context.Upload(t, part)
	})
	return errors.Join(err, m.sync())
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
		t := [...]*Tensor{Weight: s.w, Velocity: s.v, Gradient: s.g}[f]
		if t == nil {
			return fmt.Errorf("%s: the model was made for inference only", q.Name)
		}
		n := t.Shape.Len()
		if err := do(values[:n], t); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// Close closes the contexts.
func (m *Model) Close() error {
	var errs []error
	for _, c := range m.contexts {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
