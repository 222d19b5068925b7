package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Tag names a field of a directory.
type Tag uint16

// Field types (TIFF 6.0, section 2; supplement 1; BigTIFF).
const (
	typeByte   = 1
	typeASCII  = 2
	typeShort  = 3
	typeLong   = 4
	typeRat    = 5
	typeSByte  = 6
	typeUndef  = 7
	typeSShort = 8
	typeSLong  = 9
	typeIFD    = 13
	typeLong8  = 16
	typeSLong8 = 17
	typeIFD8   = 18
)

// typeSize is the size of one value in bytes; 0 marks an unknown type.
var typeSize = [19]uint64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8}

// Directory is the first image file directory of a TIFF structure, which EXIF
// data is too. It refers to the bytes that it was read from.
type Directory struct {
	data   []byte
	order  binary.ByteOrder
	fields map[Tag]field
	cut    bool // entries or values lie beyond the end
}

// field is a directory entry: its values as stored.
type field struct {
	kind  uint16
	count uint64
	value []byte // count values, in the byte order of the file
}

var errNoTIFF = errors.New("tiff: no TIFF header")

// ReadDirectory reads the first directory of a TIFF or BigTIFF structure. Fields
// of unknown types and fields whose values lie outside data are left out, and a
// directory that is cut short keeps its whole entries.
func ReadDirectory(data []byte) (*Directory, error) {
	if len(data) < 8 {
		return nil, errNoTIFF
	}
	d := &Directory{data: data, fields: map[Tag]field{}}
	switch string(data[:2]) {
	case "II":
		d.order = binary.LittleEndian
	case "MM":
		d.order = binary.BigEndian
	default:
		return nil, errNoTIFF
	}
	at, n, big := uint64(0), uint64(0), false
	switch version := d.order.Uint16(data[2:]); version {
	case 42, 42 << 8: // some writers swap only the version
		at = uint64(d.order.Uint32(data[4:]))
		if at+2 > uint64(len(data)) {
			return nil, fmt.Errorf("tiff: the directory would lie at byte %d of %d", at, len(data))
		}
		n = uint64(d.order.Uint16(data[at:]))
		at += 2
	case 43:
		if len(data) < 16 || d.order.Uint16(data[4:]) != 8 {
			return nil, errNoTIFF
		}
		big = true
		at = d.order.Uint64(data[8:])
		if at > uint64(len(data)) || at+8 > uint64(len(data)) {
			return nil, fmt.Errorf("tiff: the directory would lie at byte %d of %d", at, len(data))
		}
		n = d.order.Uint64(data[at:])
		at += 8
	default:
		return nil, errNoTIFF
	}
	size := uint64(12)
	if big {
		size = 20
	}
	for ; n > 0 && at+size <= uint64(len(data)); n-- {
		d.add(data[at:at+size], big)
		at += size
	}
	d.cut = d.cut || n > 0
	return d, nil
}

// add reads one entry. The first of several with the same tag counts.
func (d *Directory) add(entry []byte, big bool) {
	tag, f := Tag(d.order.Uint16(entry)), field{kind: d.order.Uint16(entry[2:])}
	if _, ok := d.fields[tag]; ok || int(f.kind) >= len(typeSize) || typeSize[f.kind] == 0 {
		return
	}
	inline := entry[8:]
	f.count = uint64(d.order.Uint32(entry[4:]))
	if big {
		inline = entry[12:]
		f.count = d.order.Uint64(entry[4:])
	}
	if f.count > uint64(len(d.data)) {
		d.cut = true
		return
	}
	switch size := f.count * typeSize[f.kind]; {
	case size <= uint64(len(inline)):
		f.value = inline[:size]
	default:
		at := uint64(d.order.Uint32(inline))
		if big {
			at = d.order.Uint64(inline)
		}
		if at > uint64(len(d.data)) || size > uint64(len(d.data))-at {
			d.cut = true
			return
		}
		f.value = d.data[at : at+size]
	}
	d.fields[tag] = f
}

// Has reports whether the directory has a field.
func (d *Directory) Has(tag Tag) bool {
	_, ok := d.fields[tag]
	return ok
}

// Bytes returns the values of a field of bytes or text, and nil for others.
func (d *Directory) Bytes(tag Tag) []byte {
	switch f := d.fields[tag]; f.kind {
	case typeByte, typeASCII, typeSByte, typeUndef:
		return f.value
	}
	return nil
}

// Ints returns the values of a field of any integer type, and nil for others.
func (d *Directory) Ints(tag Tag) []int64 {
	f := d.fields[tag]
	if f.count == 0 {
		return nil
	}
	ints := make([]int64, f.count)
	for i := range ints {
		v := f.value[uint64(i)*typeSize[f.kind]:]
		switch f.kind {
		case typeByte:
			ints[i] = int64(v[0])
		case typeSByte:
			ints[i] = int64(int8(v[0]))
		case typeShort:
			ints[i] = int64(d.order.Uint16(v))
		case typeSShort:
			ints[i] = int64(int16(d.order.Uint16(v)))
		case typeLong, typeIFD:
			ints[i] = int64(d.order.Uint32(v))
		case typeSLong:
			ints[i] = int64(int32(d.order.Uint32(v)))
		case typeLong8, typeSLong8, typeIFD8:
			ints[i] = int64(d.order.Uint64(v))
		default:
			return nil
		}
	}
	return ints
}

// Int returns the first value of an integer field, or the value otherwise if there is
// no such field.
func (d *Directory) Int(tag Tag, otherwise int) int {
	if v := d.Ints(tag); len(v) > 0 {
		return int(v[0])
	}
	return otherwise
}

// rationals returns the values of a field of unsigned fractions or of integers; nil for
// other types, and for a denominator of 0.
func (d *Directory) rationals(tag Tag) []float64 {
	f := d.fields[tag]
	values := make([]float64, f.count)
	if f.kind != typeRat {
		ints := d.Ints(tag)
		for i, v := range ints {
			values[i] = float64(v)
		}
		return values[:len(ints)]
	}
	for i := range values {
		v := f.value[8*i:]
		below := d.order.Uint32(v[4:])
		if below == 0 {
			return nil
		}
		values[i] = float64(d.order.Uint32(v)) / float64(below)
	}
	return values
}
