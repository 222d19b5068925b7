package onnx

import (
	"encoding/json"
	"fmt"
	"io"

	"alexnet/engine"
)

// Write writes m as an ONNX model, with the labels in its metadata. Besides the model it
// holds one parameter at a time in memory. The error names a layer for which ONNX has no
// operator.
func Write(w io.Writer, m *engine.Model, labels engine.Labels) error {
	extents, err := m.Net.Shapes()
	if err != nil {
		return err
	}
	g := &graph{model: m}
	g.input()
	for i, l := range m.Net.Layers {
		if err := g.layer(l, extents[i]); err != nil {
			return fmt.Errorf("net %q: layer %d (%s): %w", m.Net.Name, i+1, l.Kind(), err)
		}
	}
	g.at.name = g.nodeTo("probabilities", "Softmax", []string{g.at.name}, attribute{"axis", 1})

	var all message
	all.text(graphName, m.Net.Name)
	all = append(all, g.nodes...)
	size := m.Net.Input.Size
	all.bytes(graphInput, value("pixels", elemUint8, 0, size, size, 3))
	all.bytes(graphOutput, value("probabilities", elemFloat, 0, m.Net.Classes))

	var head, version message
	head.integer(modelIRVersion, irVersion)
	head.text(modelProducer, producer)
	version.integer(opsetVersion, opset)
	head.bytes(modelOpset, version)
	entries := []struct{ key, value string }{{"net", string(m.Net.JSON())}}
	for _, l := range []struct {
		key  string
		list []string
	}{{"classes", labels.IDs}, {"class_names", labels.Names}} {
		if l.list == nil {
			continue
		}
		text, err := json.Marshal(l.list)
		if err != nil {
			return err
		}
		entries = append(entries, struct{ key, value string }{l.key, string(text)})
	}
	for _, e := range entries {
		var entry message
		entry.text(entryKey, e.key)
		entry.text(entryValue, e.value)
		head.bytes(modelMetadata, entry)
	}
	return write(w, head, all, g.constants)
}

// flow is the tensor between two layers.
type flow struct {
	name   string
	extent engine.Extent
	rank   int // 4, or 2 after a dense layer
}

// graph collects nodes and constants along the net.
type graph struct {
	model     *engine.Model
	nodes     message
	constants []constant
	count     int
	at        flow
}

// node adds an operator and returns the name of its output.
func (g *graph) node(op string, inputs []string, attributes ...attribute) string {
	return g.nodeTo(fmt.Sprintf("%s%d", op, g.count+1), op, inputs, attributes...)
}

func (g *graph) nodeTo(output, op string, inputs []string, attributes ...attribute) string {
	g.count++
	var n message
	for _, i := range inputs {
		n.text(nodeInput, i)
	}
	n.text(nodeOutput, output)
	n.text(nodeName, output)
	n.text(nodeOp, op)
	for _, a := range attributes {
		n.bytes(nodeAttribute, a.encode())
	}
	g.nodes.bytes(graphNode, n)
	return output
}

// constant adds a tensor and returns its name.
func (g *graph) constant(c constant) string {
	g.constants = append(g.constants, c)
	return c.name
}

// scalar adds a single float.
func (g *graph) scalar(v float64) string {
	name := fmt.Sprintf("factor%d", len(g.constants))
	return g.constant(floats(name, nil, func() ([]float32, error) { return []float32{float32(v)}, nil }))
}

// parameter adds an array of the model with the given dimensions.
func (g *graph) parameter(name string, dims ...int) string {
	return g.constant(floats(name, dims, func() ([]float32, error) { return g.model.Read(engine.Weight, name) }))
}

// reshape returns x with the shape (-1, dims…).
func (g *graph) reshape(x string, dims ...int) string {
	shape := g.constant(integers(fmt.Sprintf("shape%d", len(g.constants)), append([]int{-1}, dims...)...))
	return g.node("Reshape", []string{x, shape})
}

// spatial reshapes the flow to (N, C, H, W) if necessary.
func (g *graph) spatial() string {
	if g.at.rank != 4 {
		e := g.at.extent
		g.at.name, g.at.rank = g.reshape(g.at.name, e.Maps, e.Height, e.Width), 4
	}
	return g.at.name
}

// input turns bytes into the net's input, (pixels − mean) · scale.
func (g *graph) input() {
	size := g.model.Net.Input.Size
	x := g.node("Cast", []string{"pixels"}, attribute{"to", elemFloat})
	x = g.node("Transpose", []string{x}, attribute{"perm", []int{0, 3, 1, 2}})
	if mean := g.model.Config.Mean; mean != nil {
		c := g.constant(floats("input.mean", []int{1, 3, size, size}, func() ([]float32, error) { return mean, nil }))
		x = g.node("Sub", []string{x, c})
	}
	scale := g.model.Config.InputScale
	if scale == 0 {
		scale = g.model.Net.Input.Scale
	}
	if scale != 0 && scale != 1 {
		x = g.node("Mul", []string{x, g.scalar(float64(scale))})
	}
	g.at = flow{x, engine.Extent{Maps: 3, Height: size, Width: size}, 4}
}

// layer adds a layer of the net, whose output has the given extent.
func (g *graph) layer(l engine.Layer, out engine.Extent) error {
	in := g.at.extent
	x := &g.at.name
	switch {
	case l.Conv != nil:
		g.conv(l.Name, l.Conv.Window, l.Conv.Reads, out)
	case l.Local != nil:
		g.local(l.Name, *l.Local, out)
	case l.Dense != nil && l.Dense.Reads == engine.ReadsOwn && g.model.Net.Towers > 1:
		g.conv(l.Name, engine.Window{Size: in.Height, Stride: 1}, l.Dense.Reads, out)
	case l.Dense != nil:
		flat := g.node("Flatten", []string{*x}, attribute{"axis", 1})
		w := g.parameter(l.Name+".weight", out.Maps, in.Len())
		*x = g.node("Gemm", []string{flat, w, g.parameter(l.Name+".bias", out.Maps)}, attribute{"transB", 1})
		g.at.rank = 2
	case l.MaxPool != nil:
		*x = g.node("MaxPool", []string{g.spatial()}, pooling(l.MaxPool.Window, in)...)
	case l.AvgPool != nil: // the mean of the pixels inside the image: count_include_pad is 0
		*x = g.node("AveragePool", []string{g.spatial()}, pooling(l.AvgPool.Window, in)...)
	case l.LRN != nil:
		return g.lrn(*l.LRN)
	case l.Dropout != nil:
		if !l.Dropout.Inverted && l.Dropout.Rate != 0 {
			*x = g.node("Mul", []string{*x, g.scalar(float64(1 - l.Dropout.Rate))})
		}
	default:
		op, ok := map[engine.Activation]string{"relu": "Relu", "tanh": "Tanh"}[l.Activate]
		if !ok {
			return fmt.Errorf("no ONNX operator for %q", l.Activate)
		}
		*x = g.node(op, []string{*x})
	}
	g.at.extent = out
	return nil
}

// conv adds a convolution, grouped by towers if each reads its own.
func (g *graph) conv(name string, w engine.Window, reads engine.Reads, out engine.Extent) {
	groups := 1
	if reads == engine.ReadsOwn {
		groups = g.model.Net.Towers
	}
	x := g.spatial()
	weight := g.parameter(name+".weight", out.Maps, g.at.extent.Maps/groups, w.Size, w.Size)
	bias := g.parameter(name+".bias", out.Maps)
	g.at.name = g.node("Conv", []string{x, weight, bias}, append(window(w), attribute{"group", groups})...)
}

// local adds a locally connected layer, for which ONNX has no operator. A depthwise
// convolution, with windows of a single 1, collects the pixels of each position's window
// (map, row, column). Then each position and group has a product.
func (g *graph) local(name string, l engine.LocalSpec, out engine.Extent) {
	in, groups, taps := g.at.extent, 1, l.Size*l.Size
	if l.Reads == engine.ReadsOwn {
		groups = g.model.Net.Towers
	}
	positions, depth, maps := out.Height*out.Width, in.Maps/groups*taps, out.Maps/groups
	ones := g.constant(floats(name+".patches", []int{in.Maps * taps, 1, l.Size, l.Size}, func() ([]float32, error) {
		v := make([]float32, in.Maps*taps*taps)
		for i := range in.Maps * taps {
			v[i*taps+i%taps] = 1
		}
		return v, nil
	}))
	x := g.node("Conv", []string{g.spatial(), ones}, append(window(l.Window), attribute{"group", in.Maps})...)
	x = g.node("Transpose", []string{g.reshape(x, groups, depth, positions)}, attribute{"perm", []int{1, 3, 0, 2}}) // group, position, image, depth
	weights := g.constant(floats(name+".weight", []int{groups, positions, depth, maps}, func() ([]float32, error) {
		stored, err := g.model.Read(engine.Weight, name+".weight") // (group, map, position, depth)
		if err != nil {
			return nil, err
		}
		turned := make([]float32, len(stored))
		for i := range out.Maps * positions {
			group, o, p := i/positions/maps, i/positions%maps, i%positions
			for k, v := range stored[i*depth:][:depth] {
				turned[((group*positions+p)*depth+k)*maps+o] = v
			}
		}
		return turned, nil
	}))
	y := g.node("MatMul", []string{x, weights})
	y = g.node("Transpose", []string{y}, attribute{"perm", []int{2, 0, 3, 1}})
	y = g.reshape(y, out.Maps, out.Height, out.Width)
	g.at.name = g.node("Add", []string{y, g.parameter(name+".bias", 1, out.Maps, out.Height, out.Width)})
}

func window(w engine.Window) []attribute {
	return []attribute{
		{"kernel_shape", []int{w.Size, w.Size}}, {"strides", []int{w.Stride, w.Stride}},
		{"pads", []int{w.Pad, w.Pad, w.Pad, w.Pad}},
	}
}

// pooling returns a window's attributes for maps of an extent. If windows reach beyond
// the padding, more padding is added at the end: no operator counts it, and runtimes
// disagree about the windows that ceil_mode leaves out.
func pooling(w engine.Window, in engine.Extent) []attribute {
	a := window(w)
	if w.Ceil {
		a[2].value = []int{w.Pad, w.Pad, w.Beyond(in.Height), w.Beyond(in.Width)}
	}
	return a
}

// lrn adds a response normalisation.
func (g *graph) lrn(r engine.Response) error {
	x := g.spatial()
	perTerm := r.AlphaPerTerm()
	if r.Within {
		// x / (k + α/m·Σx²)^β. An average pool over the whole window, zeros included, is
		// Σx²/Size².
		before, after := r.Size/2, (r.Size-1)/2
		square := g.node("Mul", []string{x, x})
		mean := g.node("AveragePool", []string{square}, attribute{"kernel_shape", []int{r.Size, r.Size}}, attribute{"strides", []int{1, 1}},
			attribute{"pads", []int{before, before, after, after}}, attribute{"count_include_pad", 1})
		scaled := g.node("Mul", []string{mean, g.scalar(perTerm * float64(r.Size*r.Size))})
		base := g.node("Add", []string{scaled, g.scalar(r.K)})
		g.at.name = g.node("Div", []string{x, g.node("Pow", []string{base, g.scalar(r.Beta)})})
		return nil
	}
	if r.Size%2 == 0 {
		return fmt.Errorf("a normalisation over an even number of maps (%d): ONNX centres the other way than this net; train with an odd number", r.Size)
	}
	e, towers := g.at.extent, g.model.Net.Towers
	if r.Across {
		towers = 1
	}
	if towers > 1 {
		x = g.reshape(x, e.Maps/towers, e.Height, e.Width)
	}
	x = g.node("LRN", []string{x}, attribute{"size", r.Size}, attribute{"alpha", perTerm * float64(r.Size)},
		attribute{"beta", r.Beta}, attribute{"bias", r.K})
	if towers > 1 {
		x = g.reshape(x, e.Maps, e.Height, e.Width)
	}
	g.at.name = x
	return nil
}
