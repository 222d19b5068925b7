package engine

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"sort"
)

// The safetensors format (github.com/huggingface/safetensors, "Format"):
//
//	8 bytes   N, little-endian u64
//	N bytes   JSON: {"name": {"dtype","shape","data_offsets":[begin,end]}, …,
//	          "__metadata__": {string: string}}, padded with spaces
//	the rest  the tensors' bytes, C order, little-endian, without gaps;
//	          offsets count from the first byte after the header
const (
	safetensorsMaxHeader = 16 << 20 // parsing takes about ten times as much; a net of this project has 10 KB, and 100 a class
	safetensorsAlign     = 8        // of the first data byte
	safetensorsMetadata  = "__metadata__"
)

// StoredTensor is one tensor's entry in a safetensors file.
type StoredTensor struct {
	Name  string
	DType string // "F32" for everything that this package writes
	Shape []int
	begin int64 // from the start of the data
	end   int64

	strides []int // of elements, in files without C order; nil for C order
}

// Len is the number of elements.
func (t StoredTensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// safetensorsEntry is a StoredTensor in the header's JSON.
type safetensorsEntry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// safetensorsSizes holds the bytes per element of the known dtypes.
var safetensorsSizes = map[string]int64{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1,
	"I16": 2, "U16": 2, "F16": 2, "BF16": 2,
	"I32": 4, "U32": 4, "F32": 4,
	"F64": 8, "I64": 8, "U64": 8,
}

// Safetensors is an open safetensors file. It holds the header only; tensors are read
// from the file on request.
type Safetensors struct {
	Metadata map[string]string
	Tensors  []StoredTensor // in the order of their bytes
	data     *io.SectionReader
}

// OpenSafetensors reads and checks the header of a file of size bytes. Every byte
// after the header must belong to exactly one tensor. The reader must stay usable as
// long as tensors are read.
func OpenSafetensors(r io.ReaderAt, size int64) (*Safetensors, error) {
	if size < 8 {
		return nil, fmt.Errorf("%d bytes is too short for a safetensors file", size)
	}
	var prefix [8]byte
	if _, err := r.ReadAt(prefix[:], 0); err != nil {
		return nil, fmt.Errorf("read header length: %w", err)
	}
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > safetensorsMaxHeader {
		return nil, errors.New("not a safetensors file: it doesn't begin with the length of a header")
	}
	if int64(n) > size-8 {
		return nil, fmt.Errorf("header of %d bytes in a file of %d: truncated, or not a safetensors file", n, size)
	}
	header := make([]byte, n)
	if _, err := r.ReadAt(header, 8); err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	start := 8 + int64(n)
	s := &Safetensors{data: io.NewSectionReader(r, start, size-start)}
	if err := s.parse(header); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Safetensors) parse(header []byte) error {
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(header, &entries); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	for name, raw := range entries {
		if name == safetensorsMetadata {
			if err := json.Unmarshal(raw, &s.Metadata); err != nil {
				return fmt.Errorf("header: %s: %w", name, err)
			}
			continue
		}
		var e safetensorsEntry
		if err := json.Unmarshal(raw, &e); err != nil {
			return fmt.Errorf("header: tensor %q: %w", name, err)
		}
		bytes, err := e.size()
		if err != nil {
			return fmt.Errorf("header: tensor %q: %w", name, err)
		}
		if e.Offsets[0] < 0 || e.Offsets[1]-e.Offsets[0] != bytes {
			return fmt.Errorf("header: tensor %q of %d bytes has offsets %d to %d", name, bytes, e.Offsets[0], e.Offsets[1])
		}
		s.Tensors = append(s.Tensors, StoredTensor{Name: name, DType: e.DType, Shape: e.Shape, begin: e.Offsets[0], end: e.Offsets[1]})
	}
	sort.Slice(s.Tensors, func(i, j int) bool {
		a, b := s.Tensors[i], s.Tensors[j]
		if a.begin != b.begin {
			return a.begin < b.begin
		}
		if a.end != b.end {
			return a.end < b.end
		}
		return a.Name < b.Name
	})
	var at int64
	for _, t := range s.Tensors {
		if t.begin != at {
			return fmt.Errorf("header: tensor %q begins at byte %d, want %d (tensors lie without gaps)", t.Name, t.begin, at)
		}
		at = t.end
	}
	if size := s.data.Size(); at != size {
		return fmt.Errorf("%d bytes of tensors, want %d: the file is truncated or has bytes too many", size, at)
	}
	return nil
}

// size is the number of bytes of the entry's shape.
func (e safetensorsEntry) size() (int64, error) {
	n, ok := safetensorsSizes[e.DType]
	if !ok {
		return 0, fmt.Errorf("unknown dtype %q", e.DType)
	}
	for _, d := range e.Shape {
		if d < 0 {
			return 0, fmt.Errorf("negative dimension in shape %v", e.Shape)
		}
		if d > 0 && n > math.MaxInt64/int64(d) {
			return 0, fmt.Errorf("shape %v is too large", e.Shape)
		}
		n *= int64(d)
	}
	return n, nil
}

// Placed describes a tensor in a file of another format than safetensors. Its numbers
// are Count numbers from byte At on; element (i, j, …) is number First + i·Strides[0]
// + j·Strides[1] + ….
type Placed struct {
	Name, DType    string
	Shape, Strides []int
	At             int64
	First, Count   int64
}

// DTypeSize returns the number of bytes of an element; 0 for an unknown dtype.
func DTypeSize(dtype string) int64 { return safetensorsSizes[dtype] }

// PlacedTensors returns the tensors of a file of size bytes as a Safetensors. Every
// element must lie inside its numbers, and these inside the file.
func PlacedTensors(r io.ReaderAt, size int64, tensors []Placed) (*Safetensors, error) {
	s := &Safetensors{data: io.NewSectionReader(r, 0, size)}
	for _, p := range tensors {
		t := StoredTensor{Name: p.Name, DType: p.DType, Shape: p.Shape}
		width := safetensorsSizes[p.DType]
		if _, err := (safetensorsEntry{DType: p.DType, Shape: p.Shape}).size(); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", p.Name, err)
		}
		last, plain := int64(0), 1
		inOrder := true
		for i := len(p.Shape) - 1; i >= 0; i-- {
			d, stride := p.Shape[i], p.Strides[i]
			if stride < 0 || d > 1 && int64(stride) > p.Count/int64(d-1) {
				return nil, fmt.Errorf("tensor %q: strides %v of shape %v lie outside its %d numbers", p.Name, p.Strides, p.Shape, p.Count)
			}
			last += int64(max(d-1, 0)) * int64(stride)
			inOrder = inOrder && (stride == plain || d == 1)
			plain *= d
		}
		if t.Len() == 0 {
			last = -1
		}
		if p.First < 0 || p.First > p.Count || last >= p.Count-p.First || p.At < 0 || p.At > size || p.Count > (size-p.At)/width {
			return nil, fmt.Errorf("tensor %q: %d numbers lie outside the file, or its elements outside them", p.Name, p.Count)
		}
		if !inOrder {
			t.strides = p.Strides
			// A stride of 0 repeats elements. More elements than stored numbers would waste
			// memory.
			if int64(t.Len()) > p.Count {
				return nil, fmt.Errorf("tensor %q repeats its numbers: save it with contiguous()", p.Name)
			}
		}
		t.begin = p.At + p.First*width
		t.end = t.begin + (last+1)*width
		s.Tensors = append(s.Tensors, t)
	}
	return s, nil
}

// Find returns the entry of a tensor.
func (s *Safetensors) Find(name string) (StoredTensor, bool) {
	for _, t := range s.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return StoredTensor{}, false
}

// floats decode the dtypes that ReadFloat32 reads, from safetensorsSizes bytes
// each. F16 and BF16 are exact in float32; F64 is rounded to the nearest.
var floats = map[string]func([]byte) float32{
	"F32":  func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) },
	"F16":  func(b []byte) float32 { return halfFloat(binary.LittleEndian.Uint16(b)) },
	"BF16": func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) },
	"F64":  func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) },
}

// halfFloat is the value of an IEEE 754 binary16: a sign, five bits of exponent,
// ten of fraction.
func halfFloat(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent, fraction := uint32(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0: // zero, and multiples of 2⁻²⁴
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*(1.0/(1<<24))))
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// ReadFloat32 reads a tensor of dtype F32, F16, BF16 or F64 in C order.
func (s *Safetensors) ReadFloat32(name string) ([]float32, error) {
	t, ok := s.Find(name)
	if !ok {
		return nil, fmt.Errorf("no tensor %q in the file", name)
	}
	decode := floats[t.DType]
	if decode == nil {
		return nil, fmt.Errorf("tensor %q is %s, want F32, F16, BF16 or F64", name, t.DType)
	}
	size := int(safetensorsSizes[t.DType])
	out := make([]float32, int(t.end-t.begin)/size)
	buf := make([]byte, min(floatChunk, size*len(out)))
	r := io.NewSectionReader(s.data, t.begin, t.end-t.begin)
	for rest := out; len(rest) > 0; {
		n := min(len(rest), len(buf)/size)
		if _, err := io.ReadFull(r, buf[:size*n]); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		for i := range rest[:n] {
			rest[i] = decode(buf[size*i:])
		}
		rest = rest[n:]
	}
	if t.strides == nil {
		return out, nil
	}
	ordered := make([]float32, t.Len())
	index := make([]int, len(t.Shape))
	for i := range ordered {
		at := 0
		for axis, j := range index {
			at += j * t.strides[axis]
		}
		ordered[i] = out[at]
		for axis := len(index) - 1; axis >= 0; axis-- {
			if index[axis]++; index[axis] < t.Shape[axis] {
				break
			}
			index[axis] = 0
		}
	}
	return ordered, nil
}

// ReadFinite is ReadFloat32 with a check: NaN and infinities are a *NumberError.
func (s *Safetensors) ReadFinite(name string) ([]float32, error) {
	values, err := s.ReadFloat32(name)
	if err != nil {
		return nil, err
	}
	return values, CheckFinite(name, values)
}

// NumberError says that a tensor holds NaN or an infinity. A net cannot compute with
// them.
type NumberError struct {
	Tensor    string
	Index, Of int
	Value     float32
}

func (e *NumberError) Error() string {
	return fmt.Sprintf("tensor %q holds %g (value %d of %d), with which no net computes", e.Tensor, e.Value, e.Index+1, e.Of)
}

// CheckFinite reports the first value that is not a finite number, as a *NumberError.
func CheckFinite(name string, values []float32) error {
	const exponent = 0x7f800000 // all ones in NaN and infinities
	for i, v := range values {
		if math.Float32bits(v)&exponent == exponent {
			return &NumberError{name, i, len(values), v}
		}
	}
	return nil
}

// floatChunk is the number of bytes converted between floats and a file at once.
const floatChunk = 256 << 10

// WriteSafetensors writes a file of F32 tensors to w in the given order. It reads
// only Name and Shape of the tensors. It asks for the values of one tensor at a time,
// so that no second copy of a large net is needed.
func WriteSafetensors(w io.Writer, metadata map[string]string, tensors []StoredTensor, values func(name string) ([]float32, error)) error {
	header, err := safetensorsHeader(metadata, tensors)
	if err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	return writeTensors(w, tensors, values)
}

// writeTensors writes the data after the header.
func writeTensors(w io.Writer, tensors []StoredTensor, values func(name string) ([]float32, error)) error {
	for _, t := range tensors {
		v, err := values(t.Name)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if len(v) != t.Len() {
			return fmt.Errorf("tensor %q: %d values for shape %v", t.Name, len(v), t.Shape)
		}
		if err := writeFloats(w, v); err != nil {
			return err
		}
	}
	return nil
}

// writeFloats writes values as little-endian F32.
func writeFloats(w io.Writer, v []float32) error {
	buf := make([]byte, 0, min(floatChunk, 4*len(v)))
	for len(v) > 0 {
		n := min(len(v), floatChunk/4)
		buf = buf[:0]
		for _, x := range v[:n] {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(x))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		v = v[n:]
	}
	return nil
}

// safetensorsHeader is everything before the data: length, JSON, padding.
func safetensorsHeader(metadata map[string]string, tensors []StoredTensor) ([]byte, error) {
	entries := make(map[string]any, len(tensors)+1)
	if len(metadata) > 0 {
		entries[safetensorsMetadata] = metadata
	}
	var at int64
	for _, t := range tensors {
		if _, ok := entries[t.Name]; ok || t.Name == safetensorsMetadata {
			return nil, fmt.Errorf("two tensors named %q", t.Name)
		}
		e := safetensorsEntry{DType: "F32", Shape: t.Shape}
		if e.Shape == nil {
			e.Shape = []int{} // a scalar
		}
		n, err := e.size()
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		e.Offsets = [2]int64{at, at + n}
		at += n
		entries[t.Name] = e
	}
	text, err := json.Marshal(entries)
	if err != nil {
		return nil, err
	}
	if len(text) > safetensorsMaxHeader {
		return nil, errors.New("too many tensors or too much metadata for a safetensors header")
	}
	if pad := len(text) % safetensorsAlign; pad > 0 {
		text = append(text, bytes.Repeat([]byte{' '}, safetensorsAlign-pad)...)
	}
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), nil
}
