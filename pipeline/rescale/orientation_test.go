package rescale

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
)

// exif is a TIFF structure with one directory of the given entries of two words:
// tag and value.
func exif(order binary.AppendByteOrder, entries ...[2]uint16) []byte {
	head := map[binary.AppendByteOrder]string{binary.LittleEndian: "II*\x00", binary.BigEndian: "MM\x00*"}[order]
	b := order.AppendUint32([]byte(head), 8)
	b = order.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = order.AppendUint16(b, e[0])
		b = order.AppendUint16(b, 3) // SHORT
		b = order.AppendUint32(b, 1)
		b = order.AppendUint16(b, e[1])
		b = order.AppendUint16(b, 0)
	}
	return b
}

func TestTIFFOrientation(t *testing.T) {
	little, big := binary.AppendByteOrder(binary.LittleEndian), binary.AppendByteOrder(binary.BigEndian)
	far := exif(little, [2]uint16{orientationTag, 6})
	binary.LittleEndian.PutUint32(far[4:], 1<<32-1)
	for _, c := range []struct {
		name string
		tiff []byte
		want int
	}{
		{"little-endian", exif(little, [2]uint16{orientationTag, 6}), 6},
		{"big-endian", exif(big, [2]uint16{orientationTag, 8}), 8},
		{"second entry", exif(big, [2]uint16{0x0100, 7}, [2]uint16{orientationTag, 3}), 3},
		{"no such tag", exif(big, [2]uint16{0x0100, 7}), 1},
		{"value 0", exif(little, [2]uint16{orientationTag, 0}), 1},
		{"value 9", exif(little, [2]uint16{orientationTag, 9}), 1},
		{"empty", nil, 1},
		{"cut in the entry", exif(little, [2]uint16{orientationTag, 6})[:20], 1},
		{"directory beyond the end", far, 1},
		{"neither order", []byte("IM*\x00\x08\x00\x00\x00\x00\x00"), 1},
	} {
		if got := tiffOrientation(c.tiff); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// FuzzEXIF: whatever the bytes, in whichever format's wrapping, an orientation;
// and the same from each wrapping of the same TIFF structure.
func FuzzEXIF(f *testing.F) {
	for _, name := range []string{"orientation-6.jpg", "rgb-orientation-6.png", "orientation-8.tif", "lossy.webp"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(exif(binary.LittleEndian, [2]uint16{orientationTag, 6}))
	f.Add(exif(binary.BigEndian, [2]uint16{0x0100, 7}, [2]uint16{orientationTag, 3}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []string{"JPEG", "PNG", "WebP", "TIFF", "GIF"} {
			if o := orientation(format, data); o < 1 || o > 8 {
				t.Errorf("%s: %d", format, o)
			}
		}
		want := tiffOrientation(data)
		png := []byte("\x89PNG\r\n\x1a\n")
		png = binary.BigEndian.AppendUint32(png, uint32(len(data)))
		png = append(append(append(png, "eXIf"...), data...), "CRC!"...)
		if got := orientation("PNG", png); got != want {
			t.Errorf("in PNG %d, want %d", got, want)
		}
		if body := append(bytes.Clone(exifHeader), data...); len(body) < 1<<16-2 {
			jpeg := binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xe1"), uint16(len(body)+2))
			if got := orientation("JPEG", append(jpeg, body...)); got != want {
				t.Errorf("in JPEG %d, want %d", got, want)
			}
		}
	})
}
