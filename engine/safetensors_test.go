package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// stored builds a safetensors file from a header and data.
func stored(header string, data ...byte) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), data...)
}

func openBytes(b []byte) (*Safetensors, error) {
	return OpenSafetensors(bytes.NewReader(b), int64(len(b)))
}

func TestWriteSafetensorsBytes(t *testing.T) {
	var b bytes.Buffer
	tensors := []StoredTensor{{Name: "b", Shape: []int{2}}, {Name: "a", Shape: []int{1, 1}}}
	values := map[string][]float32{"b": {1, -2}, "a": {0.5}}
	err := WriteSafetensors(&b, map[string]string{"k": "v"}, tensors, func(n string) ([]float32, error) { return values[n], nil })
	if err != nil {
		t.Fatal(err)
	}
	want := stored(`{"__metadata__":{"k":"v"},`+
		`"a":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},`+
		`"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} `,
		0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f)
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("got\n%q, want\n%q", b.Bytes(), want)
	}
}

func TestSafetensorsRoundTripAcrossChunks(t *testing.T) {
	v := make([]float32, floatChunk/4*2+3)
	for i := range v {
		v[i] = float32(i) * 0.25
	}
	v[1], v[2] = float32(math.Inf(1)), -0
	var b bytes.Buffer
	if err := WriteSafetensors(&b, nil, []StoredTensor{{Name: "x", Shape: []int{len(v)}}, {Name: "scalar"}}, func(n string) ([]float32, error) {
		if n == "scalar" {
			return []float32{7}, nil
		}
		return v, nil
	}); err != nil {
		t.Fatal(err)
	}
	s, err := openBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.ReadFloat32("x")
	if err != nil || !slices.Equal(got, v) {
		t.Errorf("x differs: %v", err)
	}
	if got, err := s.ReadFloat32("scalar"); err != nil || !slices.Equal(got, []float32{7}) {
		t.Errorf("scalar: %v, %v", got, err)
	}
}

// The file comes from Python's own library: see testdata/safetensors.py.
func TestReadPythonSafetensors(t *testing.T) {
	b, err := os.ReadFile("testdata/python.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	s, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Metadata["made_by"]; got != "python" {
		t.Errorf("metadata made_by = %q", got)
	}
	got, err := s.ReadFloat32("conv1.weight")
	if err != nil || !slices.Equal(got, []float32{0, 0.5, 1, 1.5, 2, 2.5}) {
		t.Errorf("conv1.weight = %v, %v", got, err)
	}
	w, ok := s.Find("conv1.weight")
	if !ok || !slices.Equal(w.Shape, []int{3, 2}) {
		t.Errorf("conv1.weight is %+v", w)
	}
	if _, err := s.ReadFloat32("labels"); err == nil || !strings.Contains(err.Error(), "I64, want F32") {
		t.Errorf("labels: %v", err)
	}
}

func TestOpenSafetensorsRefuses(t *testing.T) {
	good := stored(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 0, 0)
	if _, err := openBytes(good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "too short", nil},
		{"truncated data", "truncated", good[:len(good)-1]},
		{"bytes too many", "too many", append(slices.Clone(good), 0)},
		{"header beyond the file", "not a safetensors file", stored(`{}`)[:9]},
		{"huge header", "not a safetensors file", []byte{255, 255, 255, 255, 255, 255, 255, 255}},
		{"not JSON", "header", stored(`hello`)},
		{"gap", "want 0", stored(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, make([]byte, 8)...)},
		{"overlap", "want 4", stored(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, make([]byte, 6)...)},
		{"wrong size", "has offsets", stored(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 0, 0, 0, 0)},
		{"negative dimension", "negative", stored(`{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}`, 0, 0, 0, 0)},
		{"overflow", "too large", stored(`{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`)},
		{"dtype", "unknown dtype", stored(`{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 0, 0)},
	} {
		_, err := openBytes(c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func FuzzOpenSafetensors(f *testing.F) {
	f.Add(stored(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 0, 0, 0, 0))
	f.Add(stored(`{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}}`))
	f.Add(stored(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := openBytes(b)
		if err != nil {
			return
		}
		for _, x := range s.Tensors {
			if v, err := s.ReadFloat32(x.Name); err == nil && (len(v) != x.Len() || 4*len(v) > len(b)) {
				t.Errorf("%s: %d values of shape %v from %d bytes", x.Name, len(v), x.Shape, len(b))
			}
		}
	})
}

// Numbers of other types come as PyTorch widens and rounds them.
func TestReadOtherFloats(t *testing.T) {
	b, err := os.ReadFile("testdata/floats.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	s, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, dtype := range []string{"F16", "BF16", "F64", "F32"} {
		if found, _ := s.Find(dtype); found.DType != dtype {
			t.Fatalf("%s is %s", dtype, found.DType)
		}
		got, err := s.ReadFinite(dtype)
		want, err2 := s.ReadFinite(dtype + ".float32")
		if err != nil || err2 != nil || len(got) != 12 {
			t.Fatal(err, err2, len(got))
		}
		for i := range got {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Errorf("%s: value %d is %g, want %g", dtype, i, got[i], want[i])
			}
		}
	}
	if math.Float32bits(halfFloat(0xfc00)) != math.Float32bits(float32(math.Inf(-1))) || !math.IsNaN(float64(halfFloat(0x7e01))) {
		t.Error("half infinities or NaN are something else")
	}
}

// Numbers that no net computes with are refused by the tensor's name.
func TestReadFinite(t *testing.T) {
	for i, v := range []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		values := make([]float32, 9)
		values[i] = v
		var b bytes.Buffer
		err := WriteSafetensors(&b, nil, []StoredTensor{{Name: "x", Shape: []int{3, 3}}}, func(string) ([]float32, error) { return values, nil })
		if err != nil {
			t.Fatal(err)
		}
		s, err := openBytes(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		var number *NumberError
		if _, err := s.ReadFinite("x"); !errors.As(err, &number) || number.Tensor != "x" || number.Index != i || number.Of != 9 {
			t.Errorf("%g: error %v", v, err)
		}
	}
	double := stored(`{"x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}`, binary.LittleEndian.AppendUint64(nil, math.Float64bits(1e300))...)
	s, err := openBytes(double)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadFinite("x"); !errors.As(err, new(*NumberError)) {
		t.Errorf("1e300 in float64: error %v", err)
	}
}
