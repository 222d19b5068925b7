// Package foreign builds the engine's form of a trained net from the layers in
// another framework's file. Readers of files (engine/caffe, engine/onnx) add the
// layers one by one to a Chain; End returns the net and its weights.
package foreign

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"alexnet/engine"
)

// Weights are a trained net of another framework.
type Weights struct {
	Net     *engine.Net
	Classes []string             // ids of the outputs; nil if the file has none
	Values  map[string][]float32 // by the engine's names of parameters, in its layout
	BGR     bool                 // the file's first layer reads blue, green, red; in Values it reads red, green, blue
	Notes   []string             // assumptions, whole sentences without a full stop
}

// Restore writes the weights to m, a model of w.Net or of an equal net. NaN and
// infinities are an *engine.NumberError.
func (w *Weights) Restore(m *engine.Model) error {
	for _, p := range m.Parameters() {
		values, ok := w.Values[p.Name]
		if !ok || len(values) != p.Len() {
			return fmt.Errorf("%s has %d values, and %v in net %q: choose the right net", p.Name, len(values), p.Dims, m.Net.Name)
		}
		if err := engine.CheckFinite(p.Name, values); err != nil {
			return err
		}
	}
	for _, p := range m.Parameters() {
		if err := m.Write(engine.Weight, p.Name, w.Values[p.Name]); err != nil {
			return err
		}
	}
	return nil
}

// Chain is a net that grows by one layer at a time. Layers with weights are named
// conv1, conv2, … and, after the last convolution, fc6, fc7, …, in their order.
type Chain struct {
	Name string // of the net
	Size int    // pixels a side of the input; 0 where the file doesn't say
	BGR  bool   // the first layer reads blue, green, red

	layers   []engine.Layer
	groups   []int // of each layer, 0 for those without weights
	values   map[string][]float32
	weighted int
}

// Conv adds a convolution. weights are (maps, inputs/groups, size, size); the chain
// keeps the slice. A nil bias means 0.
func (c *Chain) Conv(maps, groups int, w engine.Window, weights, bias []float32) error {
	if maps < 1 || groups < 1 || maps%groups != 0 {
		return fmt.Errorf("%d groups do not divide %d maps", groups, maps)
	}
	name := fmt.Sprintf("conv%d", c.weighted+1)
	c.add(engine.Layer{Name: name, Conv: &engine.ConvSpec{Maps: maps, Window: w, Start: start}}, groups)
	return c.store(name, maps, weights, bias)
}

// Dense adds a fully connected layer. weights are (units, inputs), inputs in the
// order maps, rows, columns.
func (c *Chain) Dense(units int, weights, bias []float32) error {
	name := fmt.Sprintf("fc%d", c.weighted+1)
	c.add(engine.Layer{Name: name, Dense: &engine.DenseSpec{Units: units, Start: start}}, 1)
	return c.store(name, units, weights, bias)
}

// start is the initialisation of layers that are trained from scratch, as in Caffe's
// AlexNet.
var start = engine.Start{Std: .01}

func (c *Chain) store(name string, outputs int, weights, bias []float32) error {
	if bias == nil {
		bias = make([]float32, min(max(outputs, 0), len(weights)))
	}
	if outputs < 1 || len(weights) == 0 || len(weights)%outputs != 0 || len(bias) != outputs {
		return fmt.Errorf("%d weights and %d biases for %d outputs", len(weights), len(bias), outputs)
	}
	if c.values == nil {
		c.values = map[string][]float32{}
	}
	c.values[name+".weight"], c.values[name+".bias"] = weights, bias
	c.weighted++
	return nil
}

// Add adds a layer without weights.
func (c *Chain) Add(l engine.Layer) { c.add(l, 0) }

func (c *Chain) add(l engine.Layer, groups int) {
	c.layers, c.groups = append(c.layers, l), append(c.groups, groups)
}

// Bias adds values to the biases of the last layer, which must have weights.
func (c *Chain) Bias(values []float32) error {
	if len(c.layers) == 0 || c.groups[len(c.layers)-1] == 0 {
		return errors.New("an addition behind no layer with weights")
	}
	bias := c.values[c.layers[len(c.layers)-1].Name+".bias"]
	if len(values) != len(bias) {
		return fmt.Errorf("an addition of %d values to %d outputs", len(values), len(bias))
	}
	for i, v := range values {
		bias[i] += v
	}
	return nil
}

// End checks that the layers fit each other. Errors name the layer.
func (c *Chain) End() (*Weights, error) {
	w := &Weights{Values: c.values, BGR: c.BGR}
	n := &engine.Net{Name: c.Name, Towers: slices.Max(append(c.groups, 1)), Layers: c.layers}
	if n.Name == "" || len(n.Name) > 64 || strings.ContainsFunc(n.Name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		n.Name = "imported"
	}
	if len(n.Layers) == 0 || n.Layers[len(n.Layers)-1].Dense == nil {
		return nil, errors.New("the last layer must be fully connected, with one unit a class, and perhaps a softmax behind it")
	}
	last := n.Layers[len(n.Layers)-1].Dense
	n.Classes, last.Units = last.Units, 0
	for i, l := range n.Layers {
		switch g := c.groups[i]; {
		case l.LRN != nil && !l.LRN.Within:
			l.LRN.Across = n.Towers > 1
		case g > 1 && g != n.Towers:
			return nil, fmt.Errorf("%s has %d groups, another layer %d: a net has one number of towers", l.Name, g, n.Towers)
		case g > 1:
			l.Conv.Reads = engine.ReadsOwn
		}
	}
	if c.Size > mostPixels || c.Size < 0 {
		return nil, fmt.Errorf("pictures of %d pixels a side, want at most %d", c.Size, mostPixels)
	}
	if len(c.layers) > mostLayers {
		return nil, fmt.Errorf("%d layers, want at most %d", len(c.layers), mostLayers)
	}
	var err error
	if n.Input.Size = c.Size; c.Size == 0 {
		if n.Input.Size = c.fitting(n); n.Input.Size == 0 {
			return nil, errors.New("the file doesn't say how large pictures are, and no size fits its layers")
		}
		w.Notes = append(w.Notes, fmt.Sprintf("the file doesn't say how large pictures are: %d pixels a side fit its layers", n.Input.Size))
	}
	if err = c.fits(n); err != nil {
		return nil, err
	}
	if first := slices.IndexFunc(n.Layers, engine.Layer.Weighted); c.BGR {
		swapFirst(c.values[n.Layers[first].Name+".weight"], n.Layers[first], n.Classes)
	}
	w.Net = n
	return w, nil
}

// fitting returns a size of pictures that fits the layers, usual sizes first.
func (c *Chain) fitting(n *engine.Net) int {
	sizes := []int{227, 224}
	for size := range 512 {
		sizes = append(sizes, size+1)
	}
	for _, size := range sizes {
		n.Input.Size = size
		if c.fits(n) == nil {
			return size
		}
	}
	return 0
}

// fits checks the net, and that its layers have as many weights as the file's.
func (c *Chain) fits(n *engine.Net) error {
	if _, err := n.Shapes(); err != nil {
		return err
	}
	parameters, err := n.Parameters()
	if err != nil {
		return err
	}
	for _, p := range parameters {
		if got := len(c.values[p.Name]); got != p.Len() {
			return fmt.Errorf("%s has %d values, and %v with pictures of %d pixels a side", p.Name, got, p.Dims, n.Input.Size)
		}
	}
	return nil
}

// swapFirst turns weights for blue, green and red into weights for red, green and
// blue.
func swapFirst(weights []float32, first engine.Layer, classes int) {
	outputs := 0
	if first.Conv != nil {
		outputs = first.Conv.Maps
	} else if outputs = first.Dense.Units; outputs == 0 {
		outputs = classes
	}
	for row := len(weights) / outputs; len(weights) > 0; weights = weights[row:] {
		SwapRedBlue(weights[:row])
	}
}

// Limits of what can be imported, far above any known net.
const (
	mostPixels = 4096 // a side
	mostLayers = 1000
)

// Clip shortens the name of a layer for messages.
func Clip(name string) string {
	const most = 100
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return name
}

// SwapRedBlue turns three planes of blue, green and red into red, green and blue, or back.
func SwapRedBlue(planes []float32) {
	n := len(planes) / 3
	for i := range n {
		planes[i], planes[2*n+i] = planes[2*n+i], planes[i]
	}
}

// Pool adds max pooling, or with mean the average of the pixels inside the picture.
func (c *Chain) Pool(mean bool, w engine.Window) {
	if mean {
		c.Add(engine.Layer{AvgPool: &engine.AvgPoolSpec{Window: w}})
		return
	}
	c.Add(engine.Layer{MaxPool: &engine.MaxPoolSpec{Window: w}})
}

// Decimal returns the shortest decimal number of a float32: 0.0001, not
// 0.00009999999747378752.
func Decimal(v float32) float64 {
	short, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil {
		panic(err) // it was written just before
	}
	return short
}
