package decode

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"
)

// stated is testdata/orientation.json.
type stated struct {
	Orientation map[string]int
	Pixels      []struct{ Name, File, Square string }
}

func readStated(t *testing.T) (s stated) {
	t.Helper()
	if err := json.Unmarshal(read(t, "orientation.json"), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOrientations: in every container, type and byte order the orientation that
// Pillow reads, and that the picture is turned by it.
func TestOrientations(t *testing.T) {
	want := readStated(t).Orientation
	unzipped, err := gzip.NewReader(bytes.NewReader(read(t, "orientation.tar.gz")))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for files := tar.NewReader(unzipped); ; {
		entry, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		o, ok := want[entry.Name]
		if !ok {
			t.Fatalf("%s has no golden", entry.Name)
		}
		seen++
		d, err := Describe(data)
		if err != nil {
			t.Errorf("%s: %v", entry.Name, err)
			continue
		}
		if got := orientation(d.Format, data); got != o || d.Turned != (o != 1) {
			t.Errorf("%s: orientation %d, turned %v, want %d", entry.Name, got, d.Turned, o)
		}
	}
	if seen != len(want) || seen < 140 {
		t.Errorf("%d files, %d goldens", seen, len(want))
	}
}

// TestOddMargins: turned first, then resized and cropped, as Pillow does, which
// shows where the crop can't be in the middle.
func TestOddMargins(t *testing.T) {
	cases := readStated(t).Pixels
	for _, resampler := range []string{Fast, Imaging} {
		r := New(Config{Size: 8, Resampler: resampler})
		got := make([]byte, 8*8*3)
		for _, c := range cases {
			file, err := hex.DecodeString(c.File)
			if err != nil {
				t.Fatal(err)
			}
			want, err := hex.DecodeString(c.Square)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Decode(t.Context(), got, file); err != nil {
				t.Fatal(err)
			}
			if worst, mean := difference(got, want); worst > 2 || mean > 0.3 {
				t.Errorf("%s by %s: worst difference %d, mean %.2f", c.Name, resampler, worst, mean)
			}
		}
	}
	if len(cases) != 32 {
		t.Errorf("%d cases, want 32", len(cases))
	}
}

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

func TestEXIFOrientation(t *testing.T) {
	const tag = uint16(orientationTag)
	little, big := binary.AppendByteOrder(binary.LittleEndian), binary.AppendByteOrder(binary.BigEndian)
	far := exif(little, [2]uint16{tag, 6})
	binary.LittleEndian.PutUint32(far[4:], 1<<32-1)
	for _, c := range []struct {
		name string
		tiff []byte
		want int
		ok   bool
	}{
		{"little-endian", exif(little, [2]uint16{tag, 6}), 6, true},
		{"big-endian", exif(big, [2]uint16{tag, 8}), 8, true},
		{"second entry", exif(big, [2]uint16{0x0100, 7}, [2]uint16{tag, 3}), 3, true},
		{"no such tag", exif(big, [2]uint16{0x0100, 7}), 1, false},
		{"value 0", exif(little, [2]uint16{tag, 0}), 1, true},
		{"value 9", exif(little, [2]uint16{tag, 9}), 1, true},
		{"empty", nil, 1, false},
		{"cut in the entry", exif(little, [2]uint16{tag, 6})[:20], 1, false},
		{"directory beyond the end", far, 1, false},
		{"neither order", []byte("IM*\x00\x08\x00\x00\x00\x00\x00"), 1, false},
	} {
		if got, ok := exifOrientation(c.tiff); got != c.want || ok != c.ok {
			t.Errorf("%s: %d, %v, want %d, %v", c.name, got, ok, c.want, c.ok)
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
	f.Add(exif(binary.LittleEndian, [2]uint16{uint16(orientationTag), 6}))
	f.Add(exif(binary.BigEndian, [2]uint16{0x0100, 7}, [2]uint16{uint16(orientationTag), 3}))
	f.Add([]byte("\nexif\n 8\n4d4d002a00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []string{"JPEG", "PNG", "WebP", "TIFF", "GIF"} {
			if o := orientation(format, data); o < 1 || o > 8 {
				t.Errorf("%s: %d", format, o)
			}
		}
		want, _ := exifOrientation(exifData(data))
		png := []byte("\x89PNG\r\n\x1a\n")
		png = binary.BigEndian.AppendUint32(png, uint32(len(data)))
		png = append(append(append(png, "eXIf"...), data...), "CRC!"...)
		if got := orientation("PNG", png); got != want {
			t.Errorf("in PNG %d, want %d", got, want)
		}
		want, _ = exifOrientation(exifData(append(bytes.Clone(exifHeader), data...)))
		if body := append(bytes.Clone(exifHeader), data...); len(body) < 1<<16-2 {
			jpeg := binary.BigEndian.AppendUint16([]byte("\xff\xd8\xff\xe1"), uint16(len(body)+2))
			if got := orientation("JPEG", append(jpeg, body...)); got != want {
				t.Errorf("in JPEG %d, want %d", got, want)
			}
		}
		rawProfile(data)
		xmpOrientation(data)
	})
}
