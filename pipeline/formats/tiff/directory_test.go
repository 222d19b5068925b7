package tiff

import (
	"encoding/binary"
	"slices"
	"testing"
)

// entry is a directory entry as stored.
func entry(order binary.AppendByteOrder, tag, kind uint16, count uint32, value ...byte) []byte {
	b := order.AppendUint16(nil, tag)
	b = order.AppendUint16(b, kind)
	b = order.AppendUint32(b, count)
	return append(b, append(value, 0, 0, 0, 0)[:4]...)
}

func structure(order binary.AppendByteOrder, head string, entries ...[]byte) []byte {
	b := order.AppendUint32([]byte(head), 8)
	b = order.AppendUint16(b, uint16(len(entries)))
	return append(b, slices.Concat(entries...)...)
}

func TestInts(t *testing.T) {
	le, be := binary.AppendByteOrder(binary.LittleEndian), binary.AppendByteOrder(binary.BigEndian)
	for _, c := range []struct {
		name string
		data []byte
		want []int64
	}{
		{"BYTE", structure(le, "II*\x00", entry(le, 7, typeByte, 3, 1, 2, 255)), []int64{1, 2, 255}},
		{"SBYTE", structure(be, "MM\x00*", entry(be, 7, typeSByte, 2, 1, 255)), []int64{1, -1}},
		{"SHORT", structure(be, "MM\x00*", entry(be, 7, typeShort, 2, 1, 2, 3, 4)), []int64{258, 772}},
		{"SSHORT", structure(le, "II*\x00", entry(le, 7, typeSShort, 1, 254, 255)), []int64{-2}},
		{"LONG", structure(be, "MM\x00*", entry(be, 7, typeLong, 1, 255, 0, 0, 6)), []int64{255<<24 + 6}},
		{"SLONG", structure(le, "II*\x00", entry(le, 7, typeSLong, 1, 255, 255, 255, 255)), []int64{-1}},
		{"LONG8 behind the directory", append(structure(le, "II*\x00", entry(le, 7, typeLong8, 1, 22)), 0, 0, 0, 0, 1, 0, 0, 0), []int64{1 << 32}},
		{"UNDEFINED", structure(le, "II*\x00", entry(le, 7, typeUndef, 1, 6)), nil},
		{"unknown type", structure(le, "II*\x00", entry(le, 7, 99, 1, 6)), nil},
		{"beyond the end", structure(le, "II*\x00", entry(le, 7, typeLong, 2, 22)), nil},
		{"first of two", structure(le, "II*\x00", entry(le, 7, typeByte, 1, 3), entry(le, 7, typeByte, 1, 4)), []int64{3}},
		{"swapped version", structure(be, "MM*\x00", entry(be, 7, typeByte, 1, 3)), []int64{3}},
		{"cut behind the first entry", structure(le, "II*\x00", entry(le, 7, typeByte, 1, 3), entry(le, 8, typeByte, 1, 4))[:25], []int64{3}},
		{"BigTIFF", slices.Concat([]byte("II+\x00\x08\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00"),
			[]byte{7, 0, typeShort, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0}), []int64{1, 2, 3, 4}},
	} {
		d, err := ReadDirectory(c.data)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := d.Ints(7); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	for _, bad := range []string{"", "II*\x00", "IM*\x00\x08\x00\x00\x00\x00\x00", "II*\x00\xff\xff\xff\xff\x00\x00", "II+\x00\x08\x00\x00\x00", "II-\x00\x08\x00\x00\x00\x00\x00"} {
		if _, err := ReadDirectory([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a TIFF structure", bad)
		}
	}
}
