package engine

import (
	"fmt"
	"math"
	"reflect"
	"strings"
)

// Layer is one layer of a net. Exactly one of its kinds is set. A kind of layer is
// one field here and one file of the package.
type Layer struct {
	Name string `json:"name,omitempty"` // required for layers with weights: names the parameters

	Conv     *ConvSpec    `json:"conv,omitempty"`
	Local    *LocalSpec   `json:"local,omitempty"`
	Dense    *DenseSpec   `json:"dense,omitempty"`
	Activate Activation   `json:"activate,omitempty"` // "relu" or "tanh"
	LRN      *Response    `json:"lrn,omitempty"`
	MaxPool  *MaxPoolSpec `json:"maxpool,omitempty"`
	AvgPool  *AvgPoolSpec `json:"avgpool,omitempty"`
	Dropout  *DropoutSpec `json:"dropout,omitempty"`
}

// kind is the type of a field of Layer. Its file has the fields and their checks, the
// layer's ops, and the code that emits them.
type kind interface {
	// word names the layer in messages: its key in net files.
	word() string
	// through checks the layer and returns the extent of its output.
	through(s spot) (Extent, error)
	// emit appends the forward ops of every part. It returns the layer's output, and
	// the function that appends its backward ops.
	emit(b *builder, ops [][]Op, s site) (flow, backward)
}

// weighted is a kind with weights and biases.
type weighted interface {
	kind
	// weights describes the parameters of the layer, with inputs in and outputs out.
	weights(n *Net, in, out Extent) weights
	// learning is its field Learning.
	learning() *Learning
	// forward and backward make the ops of one part with groups towers.
	forward(in Extent, groups int, x, w, bias, y *Tensor) Op
	backward(in Extent, groups int, g gradients) Op
}

// unitwise is a kind that computes each unit from that unit alone. So a rank can compute
// only its own units (build_hybrid.go).
type unitwise interface{ unitwise() }

// spot is the place of a layer in a net, for checks.
type spot struct {
	net    *Net
	at     Extent // extent of the layer's input
	shared bool   // every tower reads all of it
	last   bool
}

// site is the place of a layer in the programs.
type site struct {
	layer       Layer
	name        string // the layer's, or its kind with a number
	index       int
	in          flow
	out         Extent
	first, last bool
	train       bool
}

// weights describes a layer's weights, and its biases.
type weights struct {
	Start
	Learning
	reads  Reads
	shape  Shape // of all towers' weights as a tensor; it begins with the outputs
	dims   []int // of the weights in the merged layout
	biases []int // dims of the biases: one for each row of the weights
}

// gradients are the tensors of a backward pass: DW, DB and DX, unless nil, are
// computed from X, W and DY.
type gradients struct{ x, w, dy, dw, db, dx *Tensor }

// kinds lists the fields that are kinds: with set only those that aren't nil.
func (l Layer) kinds(set bool) (list []kind) {
	v := reflect.ValueOf(l)
	for i := range v.NumField() {
		if k, ok := v.Field(i).Interface().(kind); ok && !(set && v.Field(i).IsZero()) {
			list = append(list, k)
		}
	}
	return list
}

// kind returns the field that is set.
func (l Layer) kind() (kind, error) {
	set := l.kinds(true)
	if len(set) != 1 {
		var words []string
		for _, k := range (Layer{}).kinds(false) {
			words = append(words, k.word())
		}
		return nil, fmt.Errorf("a layer has exactly one of %s, not %d", strings.Join(words, ", "), len(set))
	}
	return set[0], nil
}

// weighted returns the layer's kind if it has weights, otherwise nil.
func (l Layer) weighted() weighted {
	for _, k := range l.kinds(true) {
		if w, ok := k.(weighted); ok {
			return w
		}
	}
	return nil
}

// learning returns how the layer learns; nil for a layer without weights.
func (l Layer) learning() *Learning {
	if w := l.weighted(); w != nil {
		return w.learning()
	}
	return nil
}

// Weighted says that the layer has weights and biases.
func (l Layer) Weighted() bool { return l.weighted() != nil }

// Kind names the layer for messages: "conv1", "maxpool", "relu".
func (l Layer) Kind() string {
	if l.Name != "" {
		return l.Name
	}
	for _, k := range l.kinds(true) {
		return k.word()
	}
	return "empty"
}

// clone copies the layer with its fields.
func (l Layer) clone() Layer {
	v := reflect.ValueOf(&l).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			fresh := reflect.New(f.Type().Elem())
			fresh.Elem().Set(f.Elem())
			f.Set(fresh)
		}
	}
	return l
}

// Reads says which towers' maps a layer with weights reads.
type Reads string

const (
	// ReadsAll layers read every tower's maps, or the image. This is the default.
	ReadsAll Reads = "all"
	// ReadsOwn layers read the maps of their own tower.
	ReadsOwn Reads = "own"
)

// divides checks how a layer's outputs and inputs divide over the towers.
func (s spot) divides(r Reads, outputs int, what string) error {
	towers := s.net.Towers
	if outputs < 1 || outputs%towers != 0 {
		return fmt.Errorf("%d %s don't divide over %d towers", outputs, what, towers)
	}
	switch r {
	case "", ReadsAll:
	case ReadsOwn:
		if s.shared {
			return fmt.Errorf("reads its own tower, but every tower sees the whole image here: leave reads out")
		}
		if s.at.Maps%towers != 0 {
			return fmt.Errorf("%d input maps don't divide over %d towers", s.at.Maps, towers)
		}
	default:
		return fmt.Errorf("reads %q, want %q or %q", r, ReadsAll, ReadsOwn)
	}
	return nil
}

// inputs returns the number of maps that a tower's outputs read.
func (n *Net) inputs(r Reads, maps int) int {
	if r == ReadsOwn {
		return maps / n.Towers
	}
	return maps
}

// Start is the paper's initialisation of one layer (§5).
type Start struct {
	Std  float64 `json:"std"`            // weights are drawn from N(0, Std²)
	Bias float64 `json:"bias,omitempty"` // every bias
}

// Learning holds a layer's own learning rates and decays, where they differ from the
// run's. nil means no difference.
type Learning struct {
	Rate      *float64 `json:"rate,omitempty"`       // factor on the run's learning rate; 0 freezes the layer
	BiasRate  *float64 `json:"bias_rate,omitempty"`  // factor on the layer's rate for its biases
	Decay     *float64 `json:"decay,omitempty"`      // weight decay in place of the run's
	BiasDecay *float64 `json:"bias_decay,omitempty"` // decay of the biases, in place of none
}

func (l *Learning) learning() *Learning { return l }

// of returns the factor on the run's learning rate, and the decay, of a layer's
// weights or biases. decay is the run's.
func (l Learning) of(bias bool, decay float32) (rate, ownDecay float32) {
	value := func(p *float64, otherwise float64) float64 {
		if p == nil {
			return otherwise
		}
		return *p
	}
	r := value(l.Rate, 1)
	if bias {
		return float32(r * value(l.BiasRate, 1)), float32(value(l.BiasDecay, 0))
	}
	return float32(r), float32(value(l.Decay, float64(decay)))
}

// validate returns an error for impossible factors.
func (l Learning) validate() error {
	for name, p := range map[string]*float64{"rate": l.Rate, "bias_rate": l.BiasRate, "decay": l.Decay, "bias_decay": l.BiasDecay} {
		if p != nil && !(*p >= 0 && *p <= math.MaxFloat32) {
			return fmt.Errorf("%s %g, want 0 or more, and a number that float32 has", name, *p)
		}
	}
	return nil
}

// validate returns an error for numbers that float32 doesn't have.
func (s Start) validate() error {
	if !(s.Std >= 0 && max(s.Std, math.Abs(s.Bias)) <= math.MaxFloat32) {
		return fmt.Errorf("weights begin with std %g and bias %g: want std ≥ 0, and numbers that float32 has", s.Std, s.Bias)
	}
	return nil
}
