package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"alexnet/internal/printable"
)

// ModelConfig says how a net runs on its contexts.
type ModelConfig struct {
	// Batch is the number of images in every step. Required.
	Batch int
	// Accumulate cuts every batch into that many pieces of equal size. The contexts
	// compute them one after the other: a step gives the gradient of the whole batch
	// in the memory of one piece, plus memory for sums of gradients. 0 and 1 do not
	// cut.
	Accumulate int
	// Mean is subtracted from the pixels: 3·H·W values for the net's input
	// size, channels first, in 0–255 units. nil subtracts nothing.
	Mean []float32
	// InputScale multiplies mean-subtracted pixels; 0 means the net's own.
	InputScale float32
	// ColourNoise says that training pictures have colour noise. It matters to nets
	// with a NoiseScale.
	ColourNoise bool
	// Decay is the weight decay of the update rule, for weights and not for biases:
	// 0.0005 in the paper.
	Decay float32
	// Smoothing is the part of a training target that is spread over all
	// classes (see SoftmaxLoss); 0 is off.
	Smoothing float32
	// Group is the ranks of a data-parallel job. Each rank takes Batch images a step:
	// the gradient is the mean over the images of all ranks, and a loss that is not
	// finite halts all ranks. Ranks begin with the same weights. nil is a job of one
	// process.
	Group Group
	// Hybrid splits the fully connected layers, except the last, over the ranks
	// (Krizhevsky 2014). Each rank holds only its own units and computes them for the
	// images of all ranks, so that the gradients of these layers, most of a net's,
	// need not be added up. Each rank then has one context, and batches are not cut.
	// See Model.Assemble.
	Hybrid bool
	// Freeze names layers whose weights and biases do not change in training, as with
	// a rate of 0 in the net.
	Freeze []string
	// Rates are factors on the learning rates of layers, besides the net's own, by name;
	// 0 is as Freeze.
	Rates map[string]float64
	// Lean takes less memory for the same results: a dense layer's weights are
	// updated right behind their gradient, which is not kept (Read of it fails), and
	// the net's input is computed again for the first layer's gradient. It has no
	// effect if a batch is cut, or if gradients are added up over ranks.
	Lean bool
	// Probabilities asks for the softmax outputs of training steps too; Infer
	// always returns them.
	Probabilities bool
	// Inference leaves out gradients and momentum; Start then fails.
	Inference bool
	// Tap names a layer with weights; Features returns its output. "" is none.
	Tap string

	apart bool // ops are compiled one by one
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

	programs [phases][]Program // per context; nil for phases that the model doesn't have

	colourless        []float32 // zeros, for batches without colour offsets
	flights           [2]flight // steps in progress, in turns
	spare             [][]byte  // host memory for reuse
	started, finished uint64
}

// A phase is the work of the contexts between two actions of the host.
type phase int

const (
	inferring    phase = iota // forward, at test
	training                  // forward and backward, of a piece of the batch
	beginning                 // the sums of gradients: the first piece's
	accumulating              // another piece's added
	reducing                  // adds up the sums over ranks
	updating                  // the update rule
	phases
)

// PlanModel lays out net on contexts and returns what each will take. It reserves
// nothing. If the contexts have too little memory, it returns a *TooLargeError with
// the plans.
func PlanModel(net *Net, contexts []Context, cfg ModelConfig) ([]*Plan, error) {
	l, err := layOut(net, contexts, cfg)
	if err != nil {
		return nil, err
	}
	return l.plans, l.fits()
}

// NewModel puts net on contexts. On one context all towers run together; on as many
// contexts as the net has towers (or a divisor) each holds its share. The contexts
// must be fresh and able to read each other's memory. The model closes them; NewModel
// closes them if it fails. Weights are undefined until Initialize or Write. A net
// that does not fit is refused with a *TooLargeError before any memory is taken.
func NewModel(net *Net, contexts []Context, cfg ModelConfig) (*Model, error) {
	m, err := newModel(net, contexts, cfg)
	if err != nil {
		m = &Model{contexts: contexts}
		return nil, joinNew(err, m.Close())
	}
	return m, nil
}

func newModel(net *Net, contexts []Context, cfg ModelConfig) (*Model, error) {
	l, err := layOut(net, contexts, cfg)
	if err != nil {
		return nil, err
	}
	if err := l.fits(); err != nil {
		return nil, err
	}
	m := &Model{
		Net: net, Config: cfg,
		contexts: contexts, plans: l.plans, inputs: l.inputs, head: l.head, params: l.params, taps: l.taps,
	}
	for p, c := range contexts {
		if err := c.Reserve(l.plans[p].Arena(), l.plans[p].Workspace); err != nil {
			return nil, fmt.Errorf("net %q: %w", net.Name, err)
		}
	}
	for phase, perPart := range l.ops {
		for p, ops := range perPart {
			program, err := contexts[p].Compile(ops)
			if err != nil {
				return nil, fmt.Errorf("net %q: %w", net.Name, err)
			}
			m.programs[phase] = append(m.programs[phase], program)
		}
	}
	if err := m.prepare(); err != nil {
		return nil, err
	}
	return m, nil
}

// layout is a net cut into programs and placed in arenas.
type layout struct {
	*builder
	ops   [phases][][]Op // per part
	plans []*Plan
	taps  []*Tensor
}

// mostBatchValues is the largest number of values in a layer's output for a batch: 4 TiB
// in float32. Sums in plans don't overflow with it.
const mostBatchValues = 1 << 40

func layOut(net *Net, contexts []Context, cfg ModelConfig) (*layout, error) {
	extents, err := net.Shapes()
	if err != nil {
		return nil, err
	}
	switch n := len(contexts); {
	case n == 0:
		return nil, errors.New("no device given")
	case net.Towers%n != 0:
		return nil, fmt.Errorf("net %q has %s: its towers don't spread over %d devices", net.Name, printable.Count(net.Towers, "tower"), n)
	case cfg.Batch < 1:
		return nil, fmt.Errorf("batch of %d images, want at least 1", cfg.Batch)
	}
	largest := 3 * net.Input.Size * net.Input.Size
	for _, e := range extents {
		largest = max(largest, e.Len())
	}
	if cfg.Batch > mostBatchValues/largest {
		return nil, fmt.Errorf("a batch of %d images of net %q doesn't fit any memory, at %d values an image in one layer: choose a smaller batch", cfg.Batch, net.Name, largest)
	}
	if n := cfg.pieces(); n < 1 || cfg.Batch%n != 0 {
		return nil, fmt.Errorf("a batch of %d images can't be cut into %d equal pieces", cfg.Batch, n)
	}
	if !(cfg.Smoothing >= 0 && cfg.Smoothing < 1) {
		return nil, fmt.Errorf("label smoothing %g, want 0 to below 1", cfg.Smoothing)
	}
	if cfg.Tap != "" && cfg.pieces() > 1 {
		return nil, errors.New("features can't be read from a batch that is cut into pieces")
	}
	if want := 3 * net.Input.Size * net.Input.Size; cfg.Mean != nil && len(cfg.Mean) != want {
		return nil, fmt.Errorf("mean of %d values, net %q wants 3×%d×%d = %d", len(cfg.Mean), net.Name, net.Input.Size, net.Input.Size, want)
	}
	if err := net.HasLayers(cfg.Freeze); err != nil {
		return nil, fmt.Errorf("freeze: %w", err)
	}
	if err := net.HasLayers(slices.Sorted(maps.Keys(cfg.Rates))); err != nil {
		return nil, fmt.Errorf("rates: %w", err)
	}
	l := &layout{builder: newBuilder(net, contexts, cfg)}
	if err := l.checkHybrid(); err != nil {
		return nil, fmt.Errorf("net %q: %w", net.Name, err)
	}
	l.ops[inferring] = l.inference(extents)
	if cfg.Tap != "" {
		if l.taps, err = tapTensors(l.ops[inferring], cfg.Tap); err != nil {
			return nil, fmt.Errorf("net %q: %w", net.Name, err)
		}
	}
	if !cfg.Inference {
		l.ops[training] = l.training(extents)
		if cfg.pieces() > 1 {
			l.ops[beginning], l.ops[accumulating] = l.accumulation(true), l.accumulation(false)
			if cfg.Group != nil {
				l.ops[reducing] = l.sumsOfRanks()
			}
		}
		l.ops[updating] = l.update()
	}
	for p, c := range contexts {
		var programs [][]Op
		for _, perPart := range l.ops {
			if perPart != nil {
				programs = append(programs, perPart[p])
			}
		}
		l.plans = append(l.plans, planArena(c, !cfg.apart, programs))
	}
	return l, nil
}

// pieces is the number of runs in which the contexts compute a batch.
func (c ModelConfig) pieces() int {
	if c.Accumulate == 0 {
		return 1
	}
	return c.Accumulate
}

// lean reports whether Lean has an effect.
func (c ModelConfig) lean() bool { return c.Lean && c.pieces() == 1 && c.Group == nil }

// ranks is the number of processes that share a step.
func (c ModelConfig) ranks() int {
	if c.Group == nil {
		return 1
	}
	return c.Group.Size()
}

// piece returns the number of images in each piece.
func (c ModelConfig) piece() int { return c.Batch / c.pieces() }

// prepare uploads the constants and clears the velocities.
func (m *Model) prepare() error {
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
	m.colourless = make([]float32, 3*n)
	for i := range m.flights {
		m.flights[i].outcome = Outcome{Loss: make([]float32, n), LabelRank: make([]int32, n), Probs: make([]float32, n*m.Net.Classes)}
	}
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

// Plans returns what each context's memory holds.
func (m *Model) Plans() []*Plan { return m.plans }

func (m *Model) sync() error {
	var errs []error
	for _, c := range m.contexts {
		if err := c.Sync(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name(), err))
		}
	}
	return errors.Join(errs...)
}

// Close closes the contexts.
func (m *Model) Close() error {
	var errs []error
	for _, c := range m.contexts {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
