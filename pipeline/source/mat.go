package source

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf16"
)

// A reader for structs of text and numbers in MATLAB's level 5 MAT-file format
// (MathWorks, "MAT-File Format", chapter 1). A file is a header of 128 bytes, then data
// elements. An element is a type, a length and data padded to 8 bytes, or up to 4 bytes
// of data packed into its tag. A variable is an element of type matrix: elements for
// flags, dimensions, name and values. In a compressed file each variable is wrapped into
// an element of zlib data.

// matArray is a variable, or a value inside one. Only the field of its class is set: text
// of a char array; numbers of a numeric one; for a struct array, structs with one map
// from field to value for each element. Values of other classes are nil.
type matArray struct {
	name    string
	text    string
	numbers []float64
	structs []map[string]*matArray
}

// The types of elements and classes of arrays that are read.
const (
	miINT8, miUINT8, miINT16, miUINT16, miINT32, miUINT32 = 1, 2, 3, 4, 5, 6
	miSINGLE, miDOUBLE, miINT64, miUINT64                 = 7, 9, 12, 13
	miMATRIX, miCOMPRESSED, miUTF8, miUTF16, miUTF32      = 14, 15, 16, 17, 18

	mxSTRUCT, mxCHAR, mxDOUBLE, mxUINT64 = 2, 4, 6, 15
)

const (
	matHeader   = 128
	matMaxBytes = 16 << 20 // of the file and of each unpacked variable; the devkit's takes a few MB
	matMaxDepth = 8        // of structs in structs
)

var errMatShort = errors.New("ends in the middle of a value")

// readMAT returns the variables of a MAT file.
func readMAT(r io.Reader) ([]*matArray, error) {
	data, err := io.ReadAll(io.LimitReader(r, matMaxBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > matMaxBytes:
		return nil, fmt.Errorf("is larger than %d MB; not the devkit's file", matMaxBytes>>20)
	case len(data) < matHeader:
		return nil, errors.New("isn't a MAT file of level 5: too short for the header")
	}
	p := matParser{}
	switch string(data[126:128]) {
	case "IM":
		p.order = binary.LittleEndian
	case "MI":
		p.order = binary.BigEndian
	default:
		return nil, errors.New("isn't a MAT file of level 5: no byte order mark in the header")
	}
	if v := p.order.Uint16(data[124:]); v != 0x0100 {
		return nil, fmt.Errorf("is a MAT file of version %#04x; only level 5 (0x0100) is read", v)
	}
	var vars []*matArray
	for data = data[matHeader:]; len(data) > 0; {
		var e matElement
		if e, data, err = p.element(data); err != nil {
			return nil, err
		}
		if e.kind == miCOMPRESSED {
			if e, err = p.inflate(e.data); err != nil {
				return nil, err
			}
		}
		if e.kind != miMATRIX {
			continue
		}
		v, err := p.array(e.data, 0)
		if err != nil {
			return nil, err
		}
		vars = append(vars, v)
	}
	return vars, nil
}

type matParser struct{ order binary.ByteOrder }

// matElement is one data element; data is a slice of the file.
type matElement struct {
	kind uint32
	data []byte
}

// element splits the first element off b.
func (p matParser) element(b []byte) (e matElement, rest []byte, err error) {
	if len(b) < 8 {
		return e, nil, errMatShort
	}
	tag := p.order.Uint32(b)
	if n := tag >> 16; n != 0 { // packed: length and type share the first four bytes
		if n > 4 {
			return e, nil, fmt.Errorf("packs %d bytes into a tag for 4", n)
		}
		return matElement{tag & 0xffff, b[4 : 4+n]}, b[8:], nil
	}
	n := uint64(p.order.Uint32(b[4:]))
	if b = b[8:]; n > uint64(len(b)) {
		return e, nil, errMatShort
	}
	e = matElement{tag, b[:n]}
	if tag != miCOMPRESSED { // compressed elements alone aren't padded
		n = min((n+7)&^7, uint64(len(b)))
	}
	return e, b[n:], nil
}

// inflate returns the element inside a compressed one.
func (p matParser) inflate(b []byte) (matElement, error) {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return matElement{}, fmt.Errorf("unpack: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(z, matMaxBytes+1))
	if err != nil {
		return matElement{}, fmt.Errorf("unpack: %w", err)
	}
	if len(plain) > matMaxBytes {
		return matElement{}, fmt.Errorf("unpacks to more than %d MB; not the devkit's file", matMaxBytes>>20)
	}
	e, _, err := p.element(plain)
	return e, err
}

// array parses the inside of a matrix element.
func (p matParser) array(b []byte, depth int) (*matArray, error) {
	a := &matArray{}
	if len(b) == 0 { // an empty array may have no contents
		return a, nil
	}
	if depth > matMaxDepth {
		return nil, errors.New("nests structs too deeply")
	}
	var head [3]matElement // flags, dimensions, name
	var err error
	for i := range head {
		if head[i], b, err = p.element(b); err != nil {
			return nil, err
		}
	}
	if len(head[0].data) < 8 {
		return nil, errors.New("has an array without flags")
	}
	a.name = string(head[2].data)
	dims, err := p.numbers(head[1])
	if err != nil {
		return nil, err
	}
	count := 1.0
	for _, d := range dims {
		count *= d
	}
	switch class := p.order.Uint32(head[0].data) & 0xff; {
	case class == mxSTRUCT:
		a.structs, err = p.structs(b, count, depth)
	case class == mxCHAR:
		var e matElement
		if e, _, err = p.element(b); err == nil {
			a.text, err = p.text(e)
		}
	case class >= mxDOUBLE && class <= mxUINT64:
		var e matElement
		if e, _, err = p.element(b); err == nil {
			a.numbers, err = p.numbers(e)
		}
	}
	return a, err
}

// structs parses the values of a struct array: the length of a field name, the names,
// then for each element a matrix for each field.
func (p matParser) structs(b []byte, count float64, depth int) ([]map[string]*matArray, error) {
	width, b, err := p.element(b)
	if err != nil {
		return nil, err
	}
	names, b, err := p.element(b)
	if err != nil {
		return nil, err
	}
	w, err := p.numbers(width)
	if err != nil {
		return nil, err
	}
	if len(w) != 1 || w[0] < 1 || len(names.data)%int(w[0]) != 0 {
		return nil, fmt.Errorf("struct array: field names of %v bytes in %d bytes", w, len(names.data))
	}
	var fields []string
	for field := range slices.Chunk(names.data, int(w[0])) {
		text, _, _ := bytes.Cut(field, []byte{0})
		fields = append(fields, string(text))
	}
	if len(fields) == 0 {
		return nil, errors.New("struct array without fields")
	}
	if !(count >= 0 && count*float64(8*len(fields)) <= float64(len(b))) { // a field takes a tag at least
		return nil, fmt.Errorf("struct array: %v elements of %d fields in %d bytes", count, len(fields), len(b))
	}
	structs := make([]map[string]*matArray, int(count))
	for i := range structs {
		structs[i] = make(map[string]*matArray, len(fields))
		for _, f := range fields {
			var e matElement
			if e, b, err = p.element(b); err != nil {
				return nil, err
			}
			if e.kind != miMATRIX {
				return nil, fmt.Errorf("struct array: field %s has an element of type %d; expected a matrix", f, e.kind)
			}
			if structs[i][f], err = p.array(e.data, depth+1); err != nil {
				return nil, err
			}
		}
	}
	return structs, nil
}

// numbers converts the values of a numeric element; MATLAB stores doubles in the
// smallest integer type that holds them.
func (p matParser) numbers(e matElement) ([]float64, error) {
	widths := map[uint32]int{miINT8: 1, miUINT8: 1, miINT16: 2, miUINT16: 2, miINT32: 4, miUINT32: 4,
		miSINGLE: 4, miDOUBLE: 8, miINT64: 8, miUINT64: 8}
	w, ok := widths[e.kind]
	if !ok || len(e.data)%w != 0 {
		return nil, fmt.Errorf("has %d bytes of numbers of type %d", len(e.data), e.kind)
	}
	values := make([]float64, 0, len(e.data)/w)
	for b := range slices.Chunk(e.data, w) {
		var v float64
		switch e.kind {
		case miINT8:
			v = float64(int8(b[0]))
		case miUINT8:
			v = float64(b[0])
		case miINT16:
			v = float64(int16(p.order.Uint16(b)))
		case miUINT16:
			v = float64(p.order.Uint16(b))
		case miINT32:
			v = float64(int32(p.order.Uint32(b)))
		case miUINT32:
			v = float64(p.order.Uint32(b))
		case miSINGLE:
			v = float64(math.Float32frombits(p.order.Uint32(b)))
		case miDOUBLE:
			v = math.Float64frombits(p.order.Uint64(b))
		case miINT64:
			v = float64(int64(p.order.Uint64(b)))
		case miUINT64:
			v = float64(p.order.Uint64(b))
		}
		values = append(values, v)
	}
	return values, nil
}

// text converts the characters of a char array.
func (p matParser) text(e matElement) (string, error) {
	switch e.kind {
	case miINT8, miUINT8, miUTF8:
		return string(e.data), nil
	case miUINT16, miUTF16:
		units := make([]uint16, len(e.data)/2)
		for i := range units {
			units[i] = p.order.Uint16(e.data[2*i:])
		}
		return string(utf16.Decode(units)), nil
	case miUTF32:
		runes := make([]rune, len(e.data)/4)
		for i := range runes {
			runes[i] = rune(p.order.Uint32(e.data[4*i:]))
		}
		return string(runes), nil
	}
	return "", fmt.Errorf("has text of type %d", e.kind)
}
