// Package caffe reads trained nets that Caffe has saved: .caffemodel files, in the
// old form (V1LayerParameter, until 2014) and the new one, and the mean pictures
// beside them (.binaryproto). The field numbers are those of
// src/caffe/proto/caffe.proto (github.com/BVLC/caffe).
//
// Caffe's nets read blue, green, red from 0 to 255 less a mean; the nets that Read
// returns read red, green, blue. Caffe has no towers: the groups of a convolution
// become towers, and response normalisation crosses them.
package caffe

import (
	"errors"
	"fmt"
	"slices"

	"alexnet/engine"
	"alexnet/engine/foreign"
	"alexnet/internal/protobuf"
)

// layer holds the common fields of both forms of a layer.
type layer struct {
	name, kind   string
	bottoms, top []string
	blobs        []protobuf.Message
	conv, dense  protobuf.Message
	lrn, pool    protobuf.Message
	dropout      protobuf.Message
	crop         int // of a data layer
	testOnly     bool
}

// Is reports whether a file's first bytes may be a caffemodel: a message that begins
// with the net's name.
func Is(head []byte) bool { return len(head) > 2 && head[0] == 1<<3|protobuf.Bytes }

// Read reads a caffemodel. The weights are copied out of b. Errors name the layer.
func Read(b []byte) (*foreign.Weights, error) {
	net, err := protobuf.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("no caffemodel: %w", err)
	}
	c := &foreign.Chain{Name: net.Text(1), BGR: true}
	layers, err := layersOf(net)
	if err != nil {
		return nil, err
	}
	if dims := net.Integers(4); len(dims) >= 4 {
		c.Size = int(dims[3])
	}
	if shapes := net.All(8); len(shapes) > 0 {
		if dims := shapes[0].Integers(1); len(dims) == 4 {
			c.Size = int(dims[3])
		}
	}
	at := ""
	if inputs := net.Texts(3); len(inputs) > 0 {
		at = inputs[0]
	}
	for _, l := range layers {
		l.name = foreign.Clip(l.name)
		switch {
		case l.source():
			if l.crop > 0 {
				c.Size = l.crop
			}
			if at == "" && len(l.top) > 0 {
				at = l.top[0]
			}
		case l.kind == "Split" || slices.Contains(ignored, l.kind):
			if l.kind == "Split" && slices.Contains(l.bottoms, at) {
				return nil, fmt.Errorf("layer %q: the net branches, and only chains of layers can be imported", l.name)
			}
		default:
			if len(l.bottoms) != 1 || l.bottoms[0] != at || len(l.top) != 1 {
				return nil, fmt.Errorf("layer %q (%s) reads %q, and the layer before gives %q: only chains of layers can be imported", l.name, l.kind, l.bottoms, at)
			}
			if err := add(c, l); err != nil {
				return nil, fmt.Errorf("layer %q (%s): %w", l.name, l.kind, err)
			}
			at = l.top[0]
		}
	}
	return c.End()
}

// ignored lists the kinds of layers that inference doesn't need.
var ignored = []string{"Accuracy", "SoftmaxWithLoss", "Softmax", "Silence", "ArgMax"}

// source reports whether the layer reads pictures.
func (l *layer) source() bool {
	return len(l.bottoms) == 0 || slices.Contains([]string{"Data", "ImageData", "Input", "HDF5Data", "MemoryData", "WindowData", "DummyData"}, l.kind)
}

// v1Kinds holds the supported names of V1LayerParameter.LayerType.
var v1Kinds = map[int64]string{
	1: "Accuracy", 4: "Convolution", 5: "Data", 6: "Dropout", 8: "Flatten", 9: "HDF5Data", 12: "ImageData", 14: "InnerProduct", 15: "LRN",
	17: "Pooling", 18: "ReLU", 20: "Softmax", 21: "SoftmaxWithLoss", 22: "Split", 23: "TanH", 24: "WindowData", 29: "MemoryData",
	30: "ArgMax", 32: "DummyData", 36: "Silence",
}

func layersOf(net protobuf.Message) ([]*layer, error) {
	var list []*layer
	for _, m := range net.All(100) {
		l := &layer{
			name: m.Text(1), kind: m.Text(2), bottoms: m.Texts(3), top: m.Texts(4), blobs: m.All(7),
			conv: m.One(106), dense: m.One(117), lrn: m.One(118), pool: m.One(121), dropout: m.One(108),
		}
		l.crop = int(m.One(100).Integer(3, 0))
		if dims := m.One(143).One(1).Integers(1); len(dims) == 4 { // input_param.shape
			l.crop = int(dims[3])
		}
		list = append(list, l)
	}
	for _, m := range net.All(2) {
		if m.Has(1) {
			return nil, errors.New("a model of Caffe before 2014: upgrade it with Caffe's upgrade_net_proto_binary and import that")
		}
		kind := m.Integer(5, 0)
		l := &layer{
			name: m.Text(4), kind: v1Kinds[kind], bottoms: m.Texts(2), top: m.Texts(3), blobs: m.All(6),
			conv: m.One(10), dense: m.One(17), lrn: m.One(18), pool: m.One(19), dropout: m.One(12),
		}
		if l.kind == "" {
			l.kind = fmt.Sprintf("type %d", kind)
		}
		l.crop = int(max(m.One(36).Integer(3, 0), m.One(11).Integer(5, 0)))
		list = append(list, l)
	}
	if len(list) == 0 {
		return nil, errors.New("no caffemodel: it lists no layers")
	}
	return list, nil
}

func add(c *foreign.Chain, l *layer) error {
	switch l.kind {
	case "Convolution":
		if err := onlyDefault(l.conv, map[protobuf.Number]int64{16: 1, 18: 1}); err != nil {
			return err
		}
		w, err := window(l.conv, 4, 6, 3, [3][2]protobuf.Number{{11, 12}, {13, 14}, {9, 10}})
		if err != nil {
			return err
		}
		weights, bias, err := l.weights()
		if err != nil {
			return err
		}
		return c.Conv(int(l.conv.Integer(1, 0)), int(l.conv.Integer(5, 1)), w, weights, bias)
	case "InnerProduct":
		if err := onlyDefault(l.dense, map[protobuf.Number]int64{5: 1, 6: 0}); err != nil {
			return err
		}
		weights, bias, err := l.weights()
		if err != nil {
			return err
		}
		return c.Dense(int(l.dense.Integer(1, 0)), weights, bias)
	case "LRN":
		r := &engine.Response{
			Size: int(l.lrn.Integer(1, 5)), Alpha: foreign.Decimal(l.lrn.Float(2, 1)), Beta: foreign.Decimal(l.lrn.Float(3, .75)), K: foreign.Decimal(l.lrn.Float(5, 1)),
			Within: l.lrn.Integer(4, 0) == 1,
		}
		c.Add(engine.Layer{LRN: r})
	case "Pooling":
		w, err := window(l.pool, 2, 3, 4, [3][2]protobuf.Number{{5, 6}, {7, 8}, {9, 10}})
		if err != nil {
			return err
		}
		w.Ceil = l.pool.Integer(13, 0) == 0
		switch method := l.pool.Integer(1, 0); {
		case l.pool.Integer(12, 0) != 0:
			return errors.New("global pooling cannot be imported")
		case method == 1 && w.Pad != 0:
			return errors.New("Caffe's mean pooling counts its padding, and here pools don't")
		case method > 1:
			return errors.New("stochastic pooling cannot be imported")
		default:
			c.Pool(method == 1, w)
		}
	case "ReLU":
		c.Add(engine.Layer{Activate: "relu"})
	case "TanH":
		c.Add(engine.Layer{Activate: "tanh"})
	case "Dropout":
		c.Add(engine.Layer{Dropout: &engine.DropoutSpec{Rate: float32(l.dropout.Float(1, .5)), Inverted: true}})
	case "Flatten":
	default:
		return errors.New("this kind of layer cannot be imported")
	}
	return nil
}

// onlyDefault refuses fields that change what a layer computes.
func onlyDefault(m protobuf.Message, fields map[protobuf.Number]int64) error {
	for field, value := range fields {
		for _, v := range m.Integers(field) {
			if v != value {
				return fmt.Errorf("field %d of its parameters is %d; only %d can be imported", field, v, value)
			}
		}
	}
	return nil
}

// window reads a square window. Each of its numbers is in one field, or in two for
// height and width.
func window(m protobuf.Message, size, stride, pad protobuf.Number, pairs [3][2]protobuf.Number) (w engine.Window, err error) {
	for i, n := range []struct {
		field   protobuf.Number
		missing int64
		to      *int
	}{{size, 0, &w.Size}, {stride, 1, &w.Stride}, {pad, 0, &w.Pad}} {
		list := m.Integers(n.field)
		for _, field := range pairs[i] {
			list = append(list, m.Integers(field)...)
		}
		if len(list) == 0 {
			list = []int64{n.missing}
		}
		if slices.Min(list) != slices.Max(list) {
			return w, fmt.Errorf("windows of %v pixels: only square ones can be imported", list)
		}
		*n.to = int(list[0])
	}
	return w, w.Validate()
}

// weights returns the layer's blobs.
func (l *layer) weights() (weights, bias []float32, err error) {
	if len(l.blobs) == 0 || len(l.blobs) > 2 {
		return nil, nil, fmt.Errorf("%d blobs, want weights and biases: a net that isn't trained?", len(l.blobs))
	}
	if weights, err = blob(l.blobs[0]); err == nil && len(l.blobs) > 1 {
		bias, err = blob(l.blobs[1])
	}
	return weights, bias, err
}

// blob returns the values of a BlobProto.
func blob(m protobuf.Message) ([]float32, error) {
	values := m.Floats(5)
	if doubles := m.Doubles(8); values == nil && doubles != nil {
		values = make([]float32, len(doubles))
		for i, v := range doubles {
			values[i] = float32(v)
		}
	}
	dims := m.One(7).Integers(1)
	if !m.Has(7) {
		for field := protobuf.Number(1); field <= 4; field++ {
			dims = append(dims, m.Integer(field, 1))
		}
	}
	want := int64(1)
	for _, d := range dims {
		if d < 1 || d > int64(len(values))/want {
			return nil, fmt.Errorf("a blob of shape %v has %d values", dims, len(values))
		}
		want *= d
	}
	if want != int64(len(values)) {
		return nil, fmt.Errorf("a blob of shape %v has %d values", dims, len(values))
	}
	return values, nil
}

// ReadMean reads a mean picture in the form of Caffe's compute_image_mean, and cuts
// the square of size pixels a side out of its centre: (3, size, size), red first.
func ReadMean(b []byte, size int) ([]float32, error) {
	m, err := protobuf.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("no mean picture of Caffe: %w", err)
	}
	values, err := blob(m)
	if err != nil {
		return nil, err
	}
	maps, height, width := int(m.Integer(2, 0)), int(m.Integer(3, 0)), int(m.Integer(4, 0))
	if m.Has(7) {
		dims := m.One(7).Integers(1)
		if len(dims) < 3 {
			return nil, fmt.Errorf("a mean picture of shape %v, want colours, rows and columns", dims)
		}
		maps, height, width = int(dims[len(dims)-3]), int(dims[len(dims)-2]), int(dims[len(dims)-1])
	}
	if maps != 3 || height < size || width < size || height > len(values) || width > len(values) || len(values)/height/width != 3 || len(values) != 3*height*width {
		return nil, fmt.Errorf("a mean picture of %d×%d×%d, want 3×%d×%d or a larger one", maps, height, width, size, size)
	}
	out := make([]float32, 0, 3*size*size)
	for plane := range 3 {
		for y := range size {
			at := (plane*height+(height-size)/2+y)*width + (width-size)/2
			out = append(out, values[at:at+size]...)
		}
	}
	foreign.SwapRedBlue(out)
	return out, nil
}
