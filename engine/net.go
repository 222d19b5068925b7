package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"alexnet/internal/jsontext"
	"alexnet/internal/plaintext"
)

// Net describes a network as data. Presets return it, JSON net files hold it, and
// checkpoints store it. Map and unit counts are totals over all towers.
type Net struct {
	Name    string    `json:"name"`
	Input   InputSpec `json:"input"`
	Towers  int       `json:"towers"` // equal slices of every hidden layer's maps and units
	Classes int       `json:"classes"`
	Layers  []Layer   `json:"layers"`
}

// InputSpec describes the net's input.
type InputSpec struct {
	Size  int     `json:"size"`            // pixels a side of the RGB crop
	Scale float32 `json:"scale,omitempty"` // factor on mean-subtracted 0–255 values; 0 means 1

	// NoiseScale is a second factor, used only in training with colour noise; 0 means 1.
	// The 2012 runs divide by 1.1 there, 1 and the noise's factor (convdata.py).
	NoiseScale float32 `json:"noise_scale,omitempty"`
}

// ReadNet reads and validates a JSON net file. Unknown fields and repeated fields are
// errors.
func ReadNet(r io.Reader) (*Net, error) {
	text, err := plaintext.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("net file: %w", err)
	}
	all, err := io.ReadAll(text)
	if err != nil {
		return nil, fmt.Errorf("net file: %w", err)
	}
	n := new(Net)
	if err := jsontext.UnmarshalKnown(all, n); err != nil {
		return nil, fmt.Errorf("net file: %w", err)
	}
	if _, err := n.Shapes(); err != nil {
		return nil, err
	}
	return n, nil
}

// JSON returns the net as an indented net file.
func (n *Net) JSON() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(n); err != nil {
		panic(err) // plain data always encodes
	}
	return b.Bytes()
}

// Extent is the size of a layer's output: maps over all towers, and pixels.
type Extent struct{ Maps, Height, Width int }

// String returns the extent as "96×55×55".
func (e Extent) String() string { return fmt.Sprintf("%d×%d×%d", e.Maps, e.Height, e.Width) }

// Len returns the number of values of one image.
func (e Extent) Len() int { return e.Maps * e.Height * e.Width }

// Shapes validates the net and returns the output of each layer. Errors name the
// layer and its input.
func (n *Net) Shapes() ([]Extent, error) {
	switch {
	case n.Input.Size < 1 || n.Input.Size > mostSize:
		return nil, fmt.Errorf("net %q: input size %d, want 1 to %d pixels", n.Name, n.Input.Size, mostSize)
	case n.Input.Scale < 0:
		return nil, fmt.Errorf("net %q: input scale %g, want a positive factor", n.Name, n.Input.Scale)
	case n.Input.NoiseScale < 0:
		return nil, fmt.Errorf("net %q: noise scale %g, want a positive factor", n.Name, n.Input.NoiseScale)
	case n.Towers < 1:
		return nil, fmt.Errorf("net %q: %d towers, want at least 1", n.Name, n.Towers)
	case n.Classes < 2:
		return nil, fmt.Errorf("net %q: %d classes, want at least 2", n.Name, n.Classes)
	case len(n.Layers) > mostLayers:
		return nil, fmt.Errorf("net %q: %d layers, want at most %d", n.Name, len(n.Layers), mostLayers)
	case len(n.Layers) == 0 || n.Layers[len(n.Layers)-1].Dense == nil:
		return nil, fmt.Errorf("net %q: the last layer must be dense, with one unit a class", n.Name)
	}
	at := Extent{3, n.Input.Size, n.Input.Size}
	shared := true // every tower sees all of at
	names := map[string]bool{}
	out := make([]Extent, len(n.Layers))
	for i, l := range n.Layers {
		k, err := l.kind()
		next := at
		if err == nil {
			next, err = k.through(spot{net: n, at: at, shared: shared, last: i == len(n.Layers)-1})
		}
		if err != nil {
			return nil, fmt.Errorf("net %q: layer %d (%s), which reads %v: %w", n.Name, i+1, l.Kind(), at, err)
		}
		if l.Weighted() {
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

// Parameters lists the weights and biases of a model of the net, in the model's
// order.
func (n *Net) Parameters() ([]Parameter, error) {
	extents, err := n.Shapes()
	if err != nil {
		return nil, err
	}
	var list []Parameter
	at := Extent{3, n.Input.Size, n.Input.Size}
	for i, l := range n.Layers {
		if k := l.weighted(); k != nil {
			w := k.weights(n, at, extents[i])
			list = append(list, Parameter{l.Name + ".weight", w.dims}, Parameter{l.Name + ".bias", w.biases})
		}
		at = extents[i]
	}
	return list, nil
}

// PictureSize returns the side, in pixels, of the pictures to shard for this net. The
// net sees almost all of such a picture, as 224 of 256.
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

// HasLayers reports the first name that is not the name of a layer with weights.
func (n *Net) HasLayers(names []string) error {
	var known []string
	for _, l := range n.Layers {
		if l.Weighted() {
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

// mostValues is the largest number of values in a parameter, or in a layer's output for
// one image: 8 GiB in float32. Sizes of nets and plans don't overflow with it.
const mostValues = math.MaxInt32

// mostSize is the largest side of a picture in shards, in pixels.
const mostSize = 8192

// mostLayers bounds the time of planning, which grows with the square of the number of
// layers.
const mostLayers = 1000

// countable returns an error for a tensor with more than mostValues values.
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
