package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"alexnet/engine"
	"alexnet/engine/foreign"
	"alexnet/internal/protobuf"
)

// Is reports whether a file's first bytes may be an ONNX model: a message that begins
// with the version of the format.
func Is(head []byte) bool { return len(head) > 1 && head[0] == modelIRVersion<<3 }

// caffe2 lists the producers of nets that came from Caffe and read blue, green, red.
var caffe2 = []string{"onnx-caffe2", "caffe2", "onnx-caffe"}

// Read reads a model whose graph is a chain of the operators of such nets, like those
// of ONNX's model zoo and of torch.onnx: (N, 3, size, size) floats in, scores or
// probabilities out. The weights are copied out of b. Errors name the node.
func Read(b []byte) (*foreign.Weights, error) {
	model, err := protobuf.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("no ONNX model: %w", err)
	}
	for _, entry := range model.All(modelMetadata) {
		if entry.Text(entryKey) == "net" && model.Text(modelProducer) == producer {
			return nil, errors.New("train-alexnet export made this model: import its safetensors file, or use the checkpoint")
		}
	}
	graphs := model.All(modelGraph)
	if len(graphs) != 1 || !graphs[0].Has(graphNode) {
		return nil, errors.New("no ONNX model: it has no graph")
	}
	r := &reader{graph: graphs[0], tensors: map[string]protobuf.Message{}, left: len(b)}
	r.Name, r.BGR = r.graph.Text(graphName), slices.Contains(caffe2, model.Text(modelProducer))
	for _, t := range r.graph.All(graphInitializer) {
		r.tensors[t.Text(tensorName)] = t
	}
	if err := r.input(); err != nil {
		return nil, err
	}
	for _, n := range r.graph.All(graphNode) {
		if n.Text(nodeOp) == "Constant" {
			r.tensors[n.Text(nodeOutput)] = attributes(n)["value"].One(attrTensor)
			continue
		}
		if err := r.node(n); err != nil {
			return nil, fmt.Errorf("node %q (%s): %w", foreign.Clip(n.Text(nodeName)), foreign.Clip(n.Text(nodeOp)), err)
		}
	}
	return r.End()
}

// reader reads a graph along its chain of nodes.
type reader struct {
	foreign.Chain
	graph   protobuf.Message
	tensors map[string]protobuf.Message // constants by name
	at      string                      // the output of the chain so far
	left    int                         // bytes of constants that may still be read, as large as the file: it should use each once
}

// input finds the graph's input: the one input that is not a constant.
func (r *reader) input() error {
	for _, in := range r.graph.All(graphInput) {
		name := in.Text(valueName)
		if _, constant := r.tensors[name]; constant {
			continue
		}
		if r.at != "" {
			return fmt.Errorf("the graph reads %q and %q: only nets of one input can be imported", r.at, name)
		}
		r.at = name
		dims := in.One(valueType).One(typeTensor).One(typeShape).All(shapeDim)
		if len(dims) != 4 {
			return fmt.Errorf("input %q has %d dimensions, want (N, 3, size, size)", name, len(dims))
		}
		maps, height, width := dims[1].Integer(dimValue, 0), dims[2].Integer(dimValue, 0), dims[3].Integer(dimValue, 0)
		if maps != 3 && maps != 0 || height != width {
			return fmt.Errorf("input %q is %d×%d×%d, want 3 colours of squares", name, maps, height, width)
		}
		r.Size = int(height)
	}
	if r.at == "" {
		return errors.New("the graph reads nothing")
	}
	return nil
}

// attributes returns a node's attributes by name.
func attributes(n protobuf.Message) map[string]protobuf.Message {
	all := map[string]protobuf.Message{}
	for _, a := range n.All(nodeAttribute) {
		all[a.Text(attrName)] = a
	}
	return all
}

// node adds a node to the chain.
func (r *reader) node(n protobuf.Message) error {
	inputs, outputs := n.Texts(nodeInput), n.Texts(nodeOutput)
	if len(outputs) == 0 || len(inputs) == 0 {
		return errors.New("it reads or gives nothing")
	}
	if n.Text(nodeOp) == "Add" && len(inputs) == 2 && inputs[1] == r.at {
		inputs[0], inputs[1] = inputs[1], inputs[0]
	}
	if inputs[0] != r.at {
		return fmt.Errorf("it reads %q, and the node before gives %q: only chains can be imported", inputs[0], r.at)
	}
	r.at = outputs[0]
	a := attributes(n)
	integer := func(name string, missing int64) int64 { return a[name].Integer(attrInt, missing) }
	float := func(name string, missing float32) float64 { return foreign.Decimal(a[name].Float(attrFloat, missing)) }
	switch op := n.Text(nodeOp); op {
	case "Conv":
		w, ends, err := windowOf(a)
		if err != nil {
			return err
		}
		if w.Pad != ends {
			return fmt.Errorf("pads of %d and %d: only equal ones can be imported", w.Pad, ends)
		}
		weights, dims, bias, err := r.weights(inputs, 4)
		if err != nil {
			return err
		}
		w.Size = int(dims[3])
		if dims[2] != dims[3] || len(a["kernel_shape"].Integers(attrInts)) > 0 && a["kernel_shape"].Integers(attrInts)[0] != dims[2] {
			return fmt.Errorf("kernels of %d×%d: only square ones can be imported", dims[2], dims[3])
		}
		if err := w.Validate(); err != nil {
			return err
		}
		return r.Conv(int(dims[0]), int(integer("group", 1)), w, weights, bias)
	case "MaxPool", "AveragePool":
		w, ends, err := windowOf(a)
		if err != nil {
			return err
		}
		if w.Size == 1 && w.Stride == 1 && w.Pad == 0 && ends == 0 {
			return nil // torch.onnx writes an AdaptiveAvgPool2d without effect in this way
		}
		w.Ceil = integer("ceil_mode", 0) == 1
		switch {
		case ends > w.Pad && ends < w.Pad+w.Stride:
			w.Ceil = true // Caffe rounds up; a pad only at the end has the same effect
		case ends != w.Pad:
			return fmt.Errorf("pads of %d and %d cannot be imported", w.Pad, ends)
		}
		if op == "AveragePool" && (w.Pad > 0 || ends > 0) && integer("count_include_pad", 0) == 1 {
			return errors.New("this mean counts its padding, and here pools don't")
		}
		if err := w.Validate(); err != nil {
			return err
		}
		r.Pool(op == "AveragePool", w)
	case "LRN":
		r.Add(engine.Layer{LRN: &engine.Response{Size: int(integer("size", 0)), Alpha: float("alpha", 1e-4), Beta: float("beta", .75), K: float("bias", 1)}})
	case "Gemm":
		if float("alpha", 1) != 1 || float("beta", 1) != 1 || integer("transA", 0) != 0 {
			return errors.New("factors and a transposed input cannot be imported")
		}
		return r.dense(inputs, integer("transB", 0) == 1)
	case "MatMul":
		return r.dense(inputs, false)
	case "Add":
		values, _, err := r.floats(inputs[1])
		if err != nil {
			return err
		}
		return r.Bias(values)
	case "Relu":
		r.Add(engine.Layer{Activate: "relu"})
	case "Tanh":
		r.Add(engine.Layer{Activate: "tanh"})
	case "Dropout":
		rate := float("ratio", .5)
		if len(inputs) > 1 && inputs[1] != "" {
			values, _, err := r.floats(inputs[1])
			if err != nil {
				return err
			}
			if len(values) != 1 {
				return fmt.Errorf("its rate is %d numbers, want one", len(values))
			}
			rate = foreign.Decimal(values[0])
		}
		r.Add(engine.Layer{Dropout: &engine.DropoutSpec{Rate: float32(rate), Inverted: true}})
	case "Reshape", "Flatten", "Squeeze", "Identity", "Softmax":
	default:
		return errors.New("this operator cannot be imported")
	}
	return nil
}

// windowOf reads a square window, and the pad at the end of its axes.
func windowOf(a map[string]protobuf.Message) (w engine.Window, ends int, err error) {
	if auto := a["auto_pad"].Text(attrString); auto != "" && auto != "NOTSET" && auto != "VALID" {
		return w, 0, fmt.Errorf("auto_pad %q cannot be imported: export the model with numbers", auto)
	}
	for _, d := range a["dilations"].Integers(attrInts) {
		if d != 1 {
			return w, 0, errors.New("dilated windows cannot be imported")
		}
	}
	equal := func(name string, missing int, list []int64) int {
		if len(list) == 0 {
			return missing
		}
		if slices.Min(list) != slices.Max(list) {
			err = fmt.Errorf("%s of %v: only square windows can be imported", name, list)
		}
		return int(list[0])
	}
	w.Size = equal("kernel_shape", 1, a["kernel_shape"].Integers(attrInts))
	w.Stride = equal("strides", 1, a["strides"].Integers(attrInts))
	if pads := a["pads"].Integers(attrInts); len(pads) == 4 {
		w.Pad, ends = equal("pads", 0, pads[:2]), equal("pads", 0, pads[2:])
	}
	return w, ends, err
}

// weights reads a node's weights, with rank dimensions, and its bias.
func (r *reader) weights(inputs []string, rank int) (weights []float32, dims []int64, bias []float32, err error) {
	if len(inputs) < 2 {
		return nil, nil, nil, errors.New("it has no weights")
	}
	if weights, dims, err = r.floats(inputs[1]); err != nil {
		return nil, nil, nil, err
	}
	if len(dims) != rank {
		return nil, nil, nil, fmt.Errorf("weights %q of shape %v, want %d dimensions", inputs[1], dims, rank)
	}
	if len(inputs) > 2 && inputs[2] != "" {
		bias, _, err = r.floats(inputs[2])
	}
	return weights, dims, bias, err
}

// dense adds a fully connected layer. Its weights are (units, inputs), or else
// (inputs, units).
func (r *reader) dense(inputs []string, units bool) error {
	weights, dims, bias, err := r.weights(inputs, 2)
	if err != nil {
		return err
	}
	if units {
		return r.Dense(int(dims[0]), weights, bias)
	}
	turned := make([]float32, 0, len(weights))
	for unit := range dims[1] {
		for in := range dims[0] {
			turned = append(turned, weights[in*dims[1]+unit])
		}
	}
	return r.Dense(int(dims[1]), turned, bias)
}

// floats returns the values of a constant.
func (r *reader) floats(name string) ([]float32, []int64, error) {
	t, ok := r.tensors[name]
	switch {
	case !ok:
		return nil, nil, fmt.Errorf("%q is no constant of the file", name)
	case t.Has(tensorExternal) || t.Integer(tensorLocation, 0) != 0:
		return nil, nil, fmt.Errorf("the values of %q are in another file: save the model with its weights inside", name)
	case t.Integer(tensorType, 0) != elemFloat:
		return nil, nil, fmt.Errorf("%q isn't float32 (its type is %d)", name, t.Integer(tensorType, 0))
	}
	dims := t.Integers(tensorDims)
	values := t.Floats(tensorFloats)
	if raw := t.Raw(tensorRaw); len(raw) > 0 {
		values = make([]float32, 0, len(raw[0])/4)
		for b := raw[0]; len(b) >= 4; b = b[4:] {
			values = append(values, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	}
	if r.left -= 4 * len(values); r.left < 0 {
		return nil, nil, fmt.Errorf("%q and the weights before it are more than the file has: layers that share weights cannot be imported", name)
	}
	want := int64(1)
	for _, d := range dims {
		if d < 1 || d > int64(len(values))/want {
			return nil, nil, fmt.Errorf("%q of shape %v has %d values", name, dims, len(values))
		}
		want *= d
	}
	if want != int64(len(values)) {
		return nil, nil, fmt.Errorf("%q of shape %v has %d values", name, dims, len(values))
	}
	return values, dims, nil
}
