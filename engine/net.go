package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"alexnet/internal/plaintext"
)

// Net describes a network as data: what a preset returns, what a JSON net file
// holds, and what a checkpoint stores. Map and unit counts are totals over all
// towers.
type Net struct {
	Name    string    `json:"name"`
	Input   InputSpec `json:"input"`
	Towers  int       `json:"towers"` // equal slices of every hidden layer's maps and units
	Classes int       `json:"classes"`
	Layers  []Layer   `json:"layers"`
}

// InputSpec describes what the net reads.
type InputSpec struct {
	Size  int     `json:"size"`            // pixels a side of the RGB crop
	Scale float32 `json:"scale,omitempty"` // factor on mean-subtracted 0–255 values; 0 means 1
}

// Layer is one layer: exactly one of its kinds is set.
type Layer struct {
	Name string `json:"name,omitempty"` // required for conv and dense: names the parameters

	Conv     *ConvSpec    `json:"conv,omitempty"`
	Dense    *DenseSpec   `json:"dense,omitempty"`
	Activate string       `json:"activate,omitempty"` // "relu" or "tanh"
	LRN      *Response    `json:"lrn,omitempty"`
	MaxPool  *Window      `json:"maxpool,omitempty"`
	Dropout  *DropoutSpec `json:"dropout,omitempty"`
}

// Reads says which towers' maps a layer with weights sees.
type Reads string

const (
	// ReadsAll layers see every tower's maps (or the image). The default.
	ReadsAll Reads = "all"
	// ReadsOwn layers see the maps of their own tower.
	ReadsOwn Reads = "own"
)

// Start is the paper's initialisation of one layer (§5).
type Start struct {
	Std  float64 `json:"std"`            // weights are drawn from N(0, Std²)
	Bias float64 `json:"bias,omitempty"` // every bias
}

// ConvSpec is a convolution.
type ConvSpec struct {
	Maps int `json:"maps"` // output maps over all towers
	Window
	Reads Reads `json:"reads,omitempty"`
	Start
}

// DenseSpec is a fully connected layer.
type DenseSpec struct {
	Units int   `json:"units"` // outputs over all towers; 0 in the last layer means the classes
	Reads Reads `json:"reads,omitempty"`
	Start
}

// DropoutSpec is dropout in the 2012 form: a plain mask in training and a
// factor of 1−Rate at test. Inverted divides by 1−Rate in training instead.
type DropoutSpec struct {
	Rate     float32 `json:"rate"`
	Inverted bool    `json:"inverted,omitempty"`
}

// ReadNet reads and validates a JSON net file. Unknown fields are errors.
func ReadNet(r io.Reader) (*Net, error) {
	text, err := plaintext.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("net file: %w", err)
	}
	d := json.NewDecoder(text)
	d.DisallowUnknownFields()
	n := new(Net)
	if err := d.Decode(n); err != nil {
		return nil, fmt.Errorf("net file: %w", err)
	}
	if _, err := n.Shapes(); err != nil {
		return nil, err
	}
	return n, nil
}

// JSON is the net as an indented net file.
func (n *Net) JSON() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(n); err != nil {
		panic(err) // plain data always encodes
	}
	return b.Bytes()
}

// Extent is what leaves a layer: maps over all towers, and pixels.
type Extent struct{ Maps, Height, Width int }

// String renders the extent as "96×55×55".
func (e Extent) String() string { return fmt.Sprintf("%d×%d×%d", e.Maps, e.Height, e.Width) }

// Len is the number of values of one image.
func (e Extent) Len() int { return e.Maps * e.Height * e.Width }

// Shapes validates the net and returns what leaves each layer. Errors name the
// layer and what reaches it.
func (n *Net) Shapes() ([]Extent, error) {
	switch {
	case n.Input.Size < 1:
		return nil, fmt.Errorf("net %q: input size %d, want at least 1 pixel", n.Name, n.Input.Size)
	case n.Input.Scale < 0:
		return nil, fmt.Errorf("net %q: input scale %g, want a positive factor", n.Name, n.Input.Scale)
	case n.Towers < 1:
		return nil, fmt.Errorf("net %q: %d towers, want at least 1", n.Name, n.Towers)
	case n.Classes < 2:
		return nil, fmt.Errorf("net %q: %d classes, want at least 2", n.Name, n.Classes)
	case len(n.Layers) == 0 || n.Layers[len(n.Layers)-1].Dense == nil:
		return nil, fmt.Errorf("net %q: the last layer must be dense, with one unit a class", n.Name)
	}
	at := Extent{3, n.Input.Size, n.Input.Size}
	if err := countable("an image", 3, n.Input.Size, n.Input.Size); err != nil {
		return nil, fmt.Errorf("net %q: input size %d: %w", n.Name, n.Input.Size, err)
	}
	shared := true // every tower sees all of at
	names := map[string]bool{}
	out := make([]Extent, len(n.Layers))
	for i, l := range n.Layers {
		next, err := n.through(l, at, shared, i == len(n.Layers)-1)
		if err != nil {
			return nil, fmt.Errorf("net %q: layer %d (%s), which reads %v: %w", n.Name, i+1, l.Kind(), at, err)
		}
		if l.Conv != nil || l.Dense != nil {
			shared = false
			if l.Name == "" || names[l.Name] {
				return nil, fmt.Errorf("net %q: layer %d (%s): a layer with weights needs a name of its own, not %q", n.Name, i+1, l.Kind(), l.Name)
			}
			names[l.Name] = true
		}
		out[i], at = next, next
	}
	return out, nil
}

// Kind names the layer for messages: "conv1", "maxpool", "relu".
func (l Layer) Kind() string {
	switch {
	case l.Name != "":
		return l.Name
	case l.Conv != nil:
		return "conv"
	case l.Dense != nil:
		return "dense"
	case l.LRN != nil:
		return "lrn"
	case l.MaxPool != nil:
		return "maxpool"
	case l.Dropout != nil:
		return "dropout"
	case l.Activate != "":
		return l.Activate
	}
	return "empty"
}

// PictureSize is the pixels a side of pictures that a net sees whole but for a
// margin, as 224 of 256: the size to shard for this net.
func (n *Net) PictureSize() int { return (n.Input.Size*8 + 6) / 7 }

// WithClasses returns a copy of the net for another number of classes.
func (n *Net) WithClasses(classes int) *Net {
	out := n.clone()
	out.Classes = classes
	if last := out.Layers[len(out.Layers)-1].Dense; last != nil {
		last.Units = 0
	}
	return out
}

// hasLayers reports the first name that is no layer with weights.
func (n *Net) hasLayers(names []string) error {
	var known []string
	for _, l := range n.Layers {
		if l.Conv != nil || l.Dense != nil {
			known = append(known, l.Name)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("net %q has no layer with weights called %q: it has %s", n.Name, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// through checks one layer and returns what leaves it.
func (n *Net) through(l Layer, at Extent, shared, last bool) (Extent, error) {
	kinds := 0
	for _, set := range []bool{l.Conv != nil, l.Dense != nil, l.Activate != "", l.LRN != nil, l.MaxPool != nil, l.Dropout != nil} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		return at, fmt.Errorf("a layer has exactly one of conv, dense, activate, lrn, maxpool, dropout, not %d", kinds)
	}
	switch {
	case l.Conv != nil:
		c := l.Conv
		if err := c.Window.Validate(); err != nil {
			return at, err
		}
		if err := n.reads(c.Reads, c.Maps, "maps", at, shared); err != nil {
			return at, err
		}
		if err := errors.Join(countable("the weights", c.Maps, n.inputs(c.Reads, at.Maps), c.Size, c.Size), c.Start.validate()); err != nil {
			return at, err
		}
		return window(c.Window, c.Maps, at)
	case l.Dense != nil:
		units := l.Dense.Units
		if err := l.Dense.Start.validate(); err != nil {
			return at, err
		}
		if last {
			if units != 0 && units != n.Classes {
				return at, fmt.Errorf("the last layer has %d units for %d classes", units, n.Classes)
			}
			if l.Dense.Reads == ReadsOwn {
				return at, fmt.Errorf("the last layer joins the towers: it cannot read its own tower only")
			}
			return Extent{n.Classes, 1, 1}, countable("the weights", n.Classes, at.Len())
		}
		if err := n.reads(l.Dense.Reads, units, "units", at, shared); err != nil {
			return at, err
		}
		if l.Dense.Reads == ReadsOwn && at.Height != at.Width {
			return at, fmt.Errorf("a dense layer of its own tower needs square maps")
		}
		return Extent{units, 1, 1}, countable("the weights", units, n.inputs(l.Dense.Reads, at.Maps), at.Height, at.Width)
	case l.MaxPool != nil:
		if err := l.MaxPool.Validate(); err != nil {
			return at, err
		}
		if l.MaxPool.Size > 15 {
			return at, fmt.Errorf("pooling window of %d pixels, want at most 15", l.MaxPool.Size)
		}
		return window(*l.MaxPool, at.Maps, at)
	case l.LRN != nil:
		r := l.LRN
		if r.Size < 1 || r.Size > mostValues || !(r.K > 0 && r.Alpha >= 0) || max(r.K, r.Alpha, math.Abs(r.Beta)) > math.MaxFloat32 {
			return at, fmt.Errorf("normalisation over %d maps with k %g, alpha %g, beta %g: want at least one map, k > 0, alpha ≥ 0, and numbers that float32 has", r.Size, r.K, r.Alpha, r.Beta)
		}
		if shared {
			return at, fmt.Errorf("the image cannot be normalised: put a conv before")
		}
	case l.Dropout != nil:
		if r := l.Dropout.Rate; !(r >= 0 && r < 1) {
			return at, fmt.Errorf("dropout rate %g, want 0 ≤ rate < 1", r)
		}
		if shared {
			return at, fmt.Errorf("the image cannot be dropped out: put a conv before")
		}
	default:
		if _, err := function(l.Activate); err != nil {
			return at, err
		}
	}
	return at, nil
}

// reads checks how a layer's outputs and inputs divide over the towers.
func (n *Net) reads(r Reads, outputs int, what string, at Extent, shared bool) error {
	if outputs < 1 || outputs%n.Towers != 0 {
		return fmt.Errorf("%d %s don't divide over %d towers", outputs, what, n.Towers)
	}
	switch r {
	case "", ReadsAll:
	case ReadsOwn:
		if shared {
			return fmt.Errorf("reads its own tower, but every tower sees the whole image here: leave reads out")
		}
		if at.Maps%n.Towers != 0 {
			return fmt.Errorf("%d input maps don't divide over %d towers", at.Maps, n.Towers)
		}
	default:
		return fmt.Errorf("reads %q, want %q or %q", r, ReadsAll, ReadsOwn)
	}
	return nil
}

func window(w Window, maps int, at Extent) (Extent, error) {
	e := Extent{maps, w.Out(at.Height), w.Out(at.Width)}
	if e.Height < 1 || e.Width < 1 {
		return at, fmt.Errorf("a window of %d pixels (pad %d) doesn't fit", w.Size, w.Pad)
	}
	return e, countable("what leaves it", e.Maps, e.Height, e.Width)
}

// mostValues is the most that a parameter may have, and what leaves a layer for
// one image: 8 GiB in float32. Sizes of nets and of plans don't overflow below.
const mostValues = math.MaxInt32

// countable reports a tensor of more than mostValues.
func countable(what string, dims ...int) error {
	n := 1
	for _, d := range dims {
		if d > mostValues/n {
			return fmt.Errorf("%s would have more than %d values: choose smaller sizes", what, mostValues)
		}
		n *= max(d, 1)
	}
	return nil
}

// inputs is how many of so many maps a tower's outputs see.
func (n *Net) inputs(r Reads, maps int) int {
	if r == ReadsOwn {
		return maps / n.Towers
	}
	return maps
}

// validate reports numbers that float32 doesn't have.
func (s Start) validate() error {
	if !(s.Std >= 0 && max(s.Std, math.Abs(s.Bias)) <= math.MaxFloat32) {
		return fmt.Errorf("weights begin with std %g and bias %g: want std ≥ 0, and numbers that float32 has", s.Std, s.Bias)
	}
	return nil
}

func function(name string) (Function, error) {
	switch name {
	case "relu":
		return ReLU, nil
	case "tanh":
		return Tanh, nil
	}
	return 0, fmt.Errorf("activation %q, want relu or tanh", name)
}
