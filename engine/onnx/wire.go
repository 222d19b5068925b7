package onnx

import (
	"encoding/binary"
	"math"
)

// message is an encoded protobuf message, built field by field
// (protobuf.dev/programming-guides/encoding).
type message []byte

// Wire types.
const (
	wireVarint  = 0
	wireBytes   = 2
	wireFixed32 = 5
)

func (m *message) tag(field, wire int) {
	*m = binary.AppendUvarint(*m, uint64(field<<3|wire))
}

func (m *message) integer(field int, v int64) {
	m.tag(field, wireVarint)
	*m = binary.AppendUvarint(*m, uint64(v))
}

func (m *message) float(field int, v float32) {
	m.tag(field, wireFixed32)
	*m = binary.LittleEndian.AppendUint32(*m, math.Float32bits(v))
}

// open begins a field of n bytes, which the caller writes.
func (m *message) open(field int, n int64) {
	m.tag(field, wireBytes)
	*m = binary.AppendUvarint(*m, uint64(n))
}

func (m *message) bytes(field int, v []byte) {
	m.open(field, int64(len(v)))
	*m = append(*m, v...)
}

func (m *message) text(field int, v string) { m.bytes(field, []byte(v)) }
