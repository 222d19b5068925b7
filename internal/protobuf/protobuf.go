// Package protobuf reads protobuf messages without their schema, by the numbers of
// fields (protobuf.dev/programming-guides/encoding). The values of large fields are
// not copied: a Message points into the file's bytes.
package protobuf

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Number is a field's number, Bytes the wire type of strings and messages.
type Number = protowire.Number

// Bytes is the wire type of strings, messages and packed numbers.
const Bytes = byte(protowire.BytesType)

// Message is a parsed message: the fields in their order. The zero Message is empty;
// a missing field is read as one.
type Message struct {
	fields []field
	left   *int // fields that are still allowed in the file
}

type field struct {
	number Number
	value  uint64 // value of a number
	bytes  []byte // value of other types
	packed bool   // bytes is set
	width  int    // bytes of a fixed number, 0 of a varint
}

// mostFields limits the fields of a file, counted whenever a message in it is parsed:
// each takes up to thirty times its bytes. mostIntegers limits the result of
// Integers.
const mostFields, mostIntegers = 1 << 20, 1 << 12

// Parse parses the fields of a message, not those of messages in it. b must not
// change while the message is in use.
func Parse(b []byte) (Message, error) {
	left := mostFields
	return parse(b, &left)
}

func parse(b []byte, left *int) (Message, error) {
	m := Message{left: left}
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return m, protowire.ParseError(n)
		}
		b = b[n:]
		f := field{number: number}
		switch kind {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.value, f.width = uint64(v), 4
		case protowire.Fixed64Type:
			f.value, n = protowire.ConsumeFixed64(b)
			f.width = 8
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
			f.packed = true
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return m, protowire.ParseError(n)
		}
		b = b[n:]
		if *left--; *left < 0 {
			return m, fmt.Errorf("more than %d fields", mostFields)
		}
		m.fields = append(m.fields, f)
	}
	return m, nil
}

// Has reports whether a field is there.
func (m Message) Has(number Number) bool {
	for _, f := range m.fields {
		if f.number == number {
			return true
		}
	}
	return false
}

// Raw returns the bytes of every occurrence of a field.
func (m Message) Raw(number Number) (list [][]byte) {
	for _, f := range m.fields {
		if f.number == number && f.packed {
			list = append(list, f.bytes)
		}
	}
	return list
}

// Texts returns the strings of a field.
func (m Message) Texts(number Number) (list []string) {
	for _, b := range m.Raw(number) {
		list = append(list, string(b))
	}
	return list
}

// Text returns the last string of a field.
func (m Message) Text(number Number) string {
	list := m.Raw(number)
	if len(list) == 0 {
		return ""
	}
	return string(list[len(list)-1])
}

// All returns the messages of a field. A value that is not a message becomes an empty
// one.
func (m Message) All(number Number) (list []Message) {
	for _, b := range m.Raw(number) {
		inner, err := parse(b, m.left)
		if err != nil {
			inner = Message{}
		}
		list = append(list, inner)
	}
	return list
}

// One returns the last message of a field.
func (m Message) One(number Number) Message {
	all := m.All(number)
	if len(all) == 0 {
		return Message{}
	}
	return all[len(all)-1]
}

// Integers returns the integers of a field, packed or not.
func (m Message) Integers(number Number) (list []int64) {
	for _, f := range m.fields {
		switch {
		case f.number != number:
		case !f.packed:
			list = append(list, int64(f.value))
		default:
			for b := f.bytes; len(b) > 0 && len(list) < mostIntegers; {
				v, n := protowire.ConsumeVarint(b)
				if n < 0 {
					break
				}
				list, b = append(list, int64(v)), b[n:]
			}
		}
	}
	return list
}

// Integer returns the last integer of a field, or missing.
func (m Message) Integer(number Number, missing int64) int64 {
	if list := m.Integers(number); len(list) > 0 {
		return list[len(list)-1]
	}
	return missing
}

// Floats returns the float32 values of a field, packed or not.
func (m Message) Floats(number Number) (list []float32) {
	for _, f := range m.fields {
		switch {
		case f.number != number:
		case f.width == 4:
			list = append(list, math.Float32frombits(uint32(f.value)))
		default:
			if list == nil {
				list = make([]float32, 0, len(f.bytes)/4)
			}
			for b := f.bytes; len(b) >= 4; b = b[4:] {
				list = append(list, math.Float32frombits(binary.LittleEndian.Uint32(b)))
			}
		}
	}
	return list
}

// Float returns the last float32 value of a field, or missing.
func (m Message) Float(number Number, missing float32) float32 {
	if list := m.Floats(number); len(list) > 0 {
		return list[len(list)-1]
	}
	return missing
}

// Doubles returns the float64 values of a field, packed or not.
func (m Message) Doubles(number Number) (list []float64) {
	for _, f := range m.fields {
		switch {
		case f.number != number:
		case f.width == 8:
			list = append(list, math.Float64frombits(f.value))
		default:
			for b := f.bytes; len(b) >= 8; b = b[8:] {
				list = append(list, math.Float64frombits(binary.LittleEndian.Uint64(b)))
			}
		}
	}
	return list
}
