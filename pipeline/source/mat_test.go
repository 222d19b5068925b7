package source

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestReadMATFromSciPy(t *testing.T) {
	vars, err := readMAT(strings.NewReader(kitFile(t, "meta.mat")))
	if err != nil {
		t.Fatal(err)
	}
	if len(vars) != 1 || vars[0].name != "synsets" || len(vars[0].structs) != 7 {
		t.Fatalf("got %d variables", len(vars))
	}
	for _, c := range []struct {
		row   int
		field string
		want  string
	}{
		{0, "ILSVRC2012_ID", "[1]"},
		{0, "WNID", "n03028079"},
		{0, "words", "church, church building"},
		{0, "children", "[]"},
		{4, "num_train_images", "[1300]"},
		{6, "WNID", "n00021939"},
		{6, "num_children", "[3]"},
		{6, "children", "[1 3 5]"},
	} {
		v := vars[0].structs[c.row][c.field]
		got := v.text
		if got == "" {
			got = fmt.Sprint(v.numbers)
		}
		if got != c.want {
			t.Errorf("synset %d, %s: got %s, want %s", c.row, c.field, got, c.want)
		}
	}
}

// matFile returns an uncompressed MAT file.
func matFile(order binary.AppendByteOrder, elements ...[]byte) []byte {
	b := bytes.Repeat([]byte{' '}, 124)
	b = order.AppendUint16(b, 0x0100)
	if order.String() == "LittleEndian" {
		b = append(b, "IM"...)
	} else {
		b = append(b, "MI"...)
	}
	for _, e := range elements {
		b = append(b, e...)
	}
	return b
}

// matElem returns an element, packed into its tag where it fits and small says so.
func matElem(order binary.AppendByteOrder, kind uint32, data []byte, small bool) []byte {
	if small && len(data) <= 4 {
		b := order.AppendUint32(nil, uint32(len(data))<<16|kind)
		return append(b, append(data, make([]byte, 4-len(data))...)...)
	}
	b := order.AppendUint32(order.AppendUint32(nil, kind), uint32(len(data)))
	return append(append(b, data...), make([]byte, -len(data)&7)...)
}

// matMatrix returns a variable named v of a class, with its values in one element.
func matMatrix(order binary.AppendByteOrder, class uint32, values []byte) []byte {
	flags := order.AppendUint32(order.AppendUint32(nil, class), 0)
	dims := order.AppendUint32(order.AppendUint32(nil, 1), 1)
	inside := matElem(order, miUINT32, flags, false)
	inside = append(inside, matElem(order, miINT32, dims, false)...)
	inside = append(inside, matElem(order, miINT8, []byte("v"), true)...)
	return matElem(order, miMATRIX, append(inside, values...), false)
}

// TestReadMATTypes covers what MATLAB may store a value as, in both byte orders.
func TestReadMATTypes(t *testing.T) {
	for _, o := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		cases := []struct {
			class, kind uint32
			data        []byte
			want        string
		}{
			{mxDOUBLE, miINT8, []byte{0xff}, "[-1]"},
			{mxDOUBLE, miUINT8, []byte{255, 0, 7}, "[255 0 7]"},
			{mxDOUBLE, miINT16, o.AppendUint16(nil, 0xfffe), "[-2]"},
			{mxDOUBLE, miUINT16, o.AppendUint16(nil, 1860), "[1860]"},
			{mxDOUBLE, miINT32, o.AppendUint32(nil, 0xfffffffd), "[-3]"},
			{mxDOUBLE, miUINT32, o.AppendUint32(nil, 1<<31), "[2.147483648e+09]"},
			{mxDOUBLE, miSINGLE, o.AppendUint32(nil, 0x3fc00000), "[1.5]"},
			{mxDOUBLE, miDOUBLE, o.AppendUint64(nil, 0xc004000000000000), "[-2.5]"},
			{mxUINT64, miINT64, o.AppendUint64(nil, 1<<64-4), "[-4]"},
			{mxUINT64, miUINT64, o.AppendUint64(nil, 5), "[5]"},
			{mxCHAR, miUTF8, []byte("crâne"), "crâne"},
			{mxCHAR, miINT8, []byte("abc"), "abc"},
			{mxCHAR, miUINT16, o.AppendUint16(o.AppendUint16(nil, 'n'), 'é'), "né"},
			{mxCHAR, miUTF32, o.AppendUint32(nil, '語'), "語"},
		}
		for _, c := range cases {
			data := matFile(o, matMatrix(o, c.class, matElem(o, c.kind, c.data, true)))
			vars, err := readMAT(bytes.NewReader(data))
			if err != nil || len(vars) != 1 || vars[0].name != "v" {
				t.Errorf("%v, type %d: %v", o, c.kind, err)
				continue
			}
			got := vars[0].text
			if c.class != mxCHAR {
				got = fmt.Sprint(vars[0].numbers)
			}
			if got != c.want {
				t.Errorf("%v, type %d: got %s, want %s", o, c.kind, got, c.want)
			}
		}
	}
}

func TestReadMATErrors(t *testing.T) {
	le := binary.LittleEndian
	real := []byte(kitFile(t, "meta.mat"))
	flipped := bytes.Clone(real)
	flipped[300] ^= 0x10
	version := bytes.Clone(real)
	version[125] = 2
	nested := matElem(le, miINT32, []byte{1, 0, 0, 0}, true)
	nested = append(nested, matElem(le, miINT8, []byte("f"), true)...)
	deep := matMatrix(le, mxDOUBLE, matElem(le, miUINT8, []byte{1}, true))
	for range matMaxDepth + 2 {
		deep = matMatrix(le, mxSTRUCT, append(bytes.Clone(nested), deep...))
	}
	huge := matMatrix(le, mxSTRUCT, nested)
	le.PutUint32(huge[8+16+8:], 1<<30) // rows

	cases := []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "isn't a MAT file of level 5: too short"},
		{"text", bytes.Repeat([]byte("text"), 100), "no byte order mark"},
		{"HDF5", version, "version 0x0200; only level 5"},
		{"cut short", real[:500], "ends in the middle"},
		{"a flipped bit", flipped, "unpack: "},
		{"numbers of no type", matFile(le, matMatrix(le, mxDOUBLE, matElem(le, 99, []byte{1}, true))), "1 bytes of numbers of type 99"},
		{"half a number", matFile(le, matMatrix(le, mxDOUBLE, matElem(le, miDOUBLE, make([]byte, 12), true))), "12 bytes of numbers of type 9"},
		{"text of no type", matFile(le, matMatrix(le, mxCHAR, matElem(le, miDOUBLE, nil, false))), "text of type 9"},
		{"a struct of many", matFile(le, huge), "struct array: 1.073741824e+09 elements of 1 fields in"},
		{"structs in structs", matFile(le, deep), "nests structs too deeply"},
		{"too large", make([]byte, matMaxBytes+1), "is larger than 16 MB"},
	}
	for _, c := range cases {
		if _, err := readMAT(bytes.NewReader(c.data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want …%s…", c.name, err, c.want)
		}
	}
}

func FuzzMAT(f *testing.F) {
	kit, err := os.ReadFile("testdata/devkit/meta.mat")
	if err != nil {
		f.Fatal(err)
	}
	le := binary.LittleEndian
	f.Add(kit)
	f.Add(kit[:400])
	f.Add(matFile(le, matMatrix(le, mxDOUBLE, matElem(le, miUINT8, []byte{1}, true))))
	f.Add(matFile(binary.BigEndian, matMatrix(binary.BigEndian, mxCHAR, matElem(binary.BigEndian, miUTF8, []byte("abcdef"), true))))
	fields := append(matElem(le, miINT32, []byte{8, 0, 0, 0}, true), matElem(le, miINT8, []byte("WNID\x00\x00\x00\x00"), false)...)
	f.Add(matFile(le, matMatrix(le, mxSTRUCT, append(fields, matMatrix(le, mxCHAR, matElem(le, miUTF8, []byte("n01440764"), false))...))))
	f.Fuzz(func(t *testing.T, data []byte) {
		vars, err := readMAT(bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, v := range vars {
			if len(v.structs)*8 > matMaxBytes || len(v.numbers) > matMaxBytes {
				t.Errorf("%d structs, %d numbers of %d bytes", len(v.structs), len(v.numbers), len(data))
			}
		}
		k := &devkit{}
		byID, err := k.parseSynsets(bytes.NewReader(data))
		if err == nil && (len(byID) != len(k.classes) || len(byID) == 0) {
			t.Errorf("%d classes, %d ids", len(k.classes), len(byID))
		}
	})
}
