package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Field numbers of onnx.proto that this package uses.
const (
	modelIRVersion, modelProducer, modelGraph, modelOpset, modelMetadata = 1, 2, 7, 8, 14
	opsetVersion                                                         = 2
	entryKey, entryValue                                                 = 1, 2
	graphNode, graphName, graphInitializer, graphInput, graphOutput      = 1, 2, 5, 11, 12
	nodeInput, nodeOutput, nodeName, nodeOp, nodeAttribute               = 1, 2, 3, 4, 5
	attrName, attrFloat, attrInt, attrInts, attrType                     = 1, 2, 3, 8, 20
	attrString, attrTensor                                               = 4, 5
	tensorDims, tensorType, tensorFloats, tensorName, tensorRaw          = 1, 2, 4, 8, 9
	tensorExternal, tensorLocation                                       = 13, 14
	valueName, valueType                                                 = 1, 2
	typeTensor, typeElem, typeShape                                      = 1, 1, 2
	shapeDim, dimValue, dimParam                                         = 1, 1, 2
)

// Enumerations.
const (
	irVersion = 7  // of ONNX 1.8
	opset     = 13 // of ONNX 1.8

	elemFloat, elemUint8, elemInt64 = 1, 2, 7
	attrIsFloat, attrIsInt          = 1, 2
	attrIsInts                      = 7
)

// producer is the producer's name in the models that this package writes.
const producer = "train-alexnet"

// maxBytes is the largest protobuf message that readers accept.
const maxBytes = math.MaxInt32

// attribute is a named setting of a node: value is a float64, an int or []int.
type attribute struct {
	name  string
	value any
}

func (a attribute) encode() message {
	var m message
	m.text(attrName, a.name)
	switch v := a.value.(type) {
	case float64:
		m.float(attrFloat, float32(v))
		m.integer(attrType, attrIsFloat)
	case int:
		m.integer(attrInt, int64(v))
		m.integer(attrType, attrIsInt)
	case []int:
		for _, i := range v {
			m.integer(attrInts, int64(i))
		}
		m.integer(attrType, attrIsInts)
	default:
		panic(fmt.Sprintf("attribute %s of type %T", a.name, v))
	}
	return m
}

// constant is a tensor of the graph. Its values are read when they are written.
type constant struct {
	name   string
	dims   []int
	elem   int64
	size   int // bytes per element
	values func() ([]byte, error)
}

// head returns the TensorProto up to its values, and n, the bytes of these.
func (c constant) head() (m message, n int64) {
	n = int64(c.size)
	for _, d := range c.dims {
		m.integer(tensorDims, int64(d))
		n *= int64(d)
	}
	m.integer(tensorType, c.elem)
	m.text(tensorName, c.name)
	m.open(tensorRaw, n)
	return m, n
}

// floats is a constant of float32.
func floats(name string, dims []int, values func() ([]float32, error)) constant {
	return constant{name, dims, elemFloat, 4, func() ([]byte, error) {
		v, err := values()
		if err != nil {
			return nil, err
		}
		b := make([]byte, 0, 4*len(v))
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		return b, nil
	}}
}

// integers is a constant of int64 in one dimension.
func integers(name string, values ...int) constant {
	return constant{name, []int{len(values)}, elemInt64, 8, func() ([]byte, error) {
		var b []byte
		for _, x := range values {
			b = binary.LittleEndian.AppendUint64(b, uint64(x))
		}
		return b, nil
	}}
}

// value describes an input or output. A dimension of 0 is free and named N.
func value(name string, elem int64, dims ...int) message {
	var shape message
	for _, d := range dims {
		var dim message
		if d == 0 {
			dim.text(dimParam, "N")
		} else {
			dim.integer(dimValue, int64(d))
		}
		shape.bytes(shapeDim, dim)
	}
	var tensor, typ, v message
	tensor.integer(typeElem, elem)
	tensor.bytes(typeShape, shape)
	typ.bytes(typeTensor, tensor)
	v.text(valueName, name)
	v.bytes(valueType, typ)
	return v
}

// write writes a ModelProto. head has its fields without the graph; graph has the graph's
// fields without its constants, which are written one at a time.
func write(w io.Writer, head, graph message, constants []constant) error {
	type tensor struct {
		head message
		n    int64
	}
	tensors := make([]tensor, len(constants))
	total := int64(len(graph))
	for i, c := range constants {
		inner, n := c.head()
		var outer message
		outer.open(graphInitializer, int64(len(inner))+n)
		tensors[i] = tensor{append(outer, inner...), n}
		total += int64(len(tensors[i].head)) + n
	}
	if total > maxBytes-int64(len(head))-16 {
		return fmt.Errorf("a model of %d MB: an ONNX file holds at most 2 GB", total/1e6)
	}
	head.open(modelGraph, total)
	if _, err := w.Write(append(head, graph...)); err != nil {
		return err
	}
	for i, c := range constants {
		if _, err := w.Write(tensors[i].head); err != nil {
			return err
		}
		b, err := c.values()
		if err != nil {
			return err
		}
		if int64(len(b)) != tensors[i].n {
			return fmt.Errorf("%s: %d bytes of values for shape %v", c.name, len(b), c.dims)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}
