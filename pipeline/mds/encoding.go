package mds

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Column is one field of every sample.
type Column struct {
	Name     string
	Encoding string // "int", "str", "bytes", "jpeg", "ndarray:uint8:256,256,3", …
}

// fixedSize is the number of bytes of every value of an encoding, or 0 if it varies
// between samples (then values are stored with their length). Unknown encodings vary.
func fixedSize(encoding string) (int64, error) {
	if size, ok := scalarSize[encoding]; ok {
		return size, nil
	}
	if kind, _, _ := strings.Cut(encoding, ":"); kind == "ndarray" {
		return ndarraySize(encoding)
	}
	return 0, nil
}

// scalarSize holds the encodings of one number, little-endian.
var scalarSize = map[string]int64{
	"int":   8,
	"uint8": 1, "uint16": 2, "uint32": 4, "uint64": 8,
	"int8": 1, "int16": 2, "int32": 4, "int64": 8,
	"float16": 2, "float32": 4, "float64": 8,
}

// ndarraySize reads "ndarray[:dtype[:shape]]". Only with both dtype and shape have all
// values the same size, and only the values are stored.
func ndarraySize(encoding string) (int64, error) {
	parts := strings.Split(encoding, ":")
	if len(parts) > 3 {
		return 0, fmt.Errorf("encoding %q: want ndarray:dtype:shape", encoding)
	}
	if len(parts) < 3 {
		return 0, nil
	}
	size, ok := scalarSize[parts[1]]
	if !ok || parts[1] == "int" {
		return 0, fmt.Errorf("encoding %q: unknown dtype %q", encoding, parts[1])
	}
	for dim := range strings.SplitSeq(parts[2], ",") {
		n, err := strconv.ParseInt(dim, 10, 64)
		if err != nil || n < 1 {
			return 0, fmt.Errorf("encoding %q: dimension %q is not a positive number", encoding, dim)
		}
		if size > math.MaxUint32/n {
			return 0, fmt.Errorf("encoding %q: larger than a shard may be", encoding)
		}
		size *= n
	}
	return size, nil
}

// AppendInt appends a value of encoding "int".
func AppendInt(dst []byte, v int64) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(v))
}

// Int reads a value of encoding "int".
func Int(value []byte) (int64, error) {
	if len(value) != 8 {
		return 0, fmt.Errorf("an int takes 8 bytes, not %d", len(value))
	}
	return int64(binary.LittleEndian.Uint64(value)), nil
}

// checkColumns checks a list of columns, and returns the fixed size of each (0:
// variable).
func checkColumns(columns []Column) (sizes []int64, err error) {
	if len(columns) == 0 {
		return nil, fmt.Errorf("no columns")
	}
	if !slices.IsSortedFunc(columns, func(a, b Column) int { return strings.Compare(a.Name, b.Name) }) {
		return nil, fmt.Errorf("columns are not sorted by name")
	}
	for i, c := range columns {
		if !plainASCII(c.Name) || !plainASCII(c.Encoding) {
			return nil, fmt.Errorf("column %q, encoding %q: want printable ASCII", c.Name, c.Encoding)
		}
		if i > 0 && c.Name == columns[i-1].Name {
			return nil, fmt.Errorf("column %q is there twice", c.Name)
		}
		size, err := fixedSize(c.Encoding)
		if err != nil {
			return nil, fmt.Errorf("column %q: %w", c.Name, err)
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

// plainASCII reports whether Python's and Go's JSON writers agree on s.
func plainASCII(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' || strings.IndexByte(`"\<>&`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
