package tiff

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"strings"
	"testing"

	"alexnet/pipeline/formats/internal/golden"
)

// goJPEG decodes by image/jpeg.
func goJPEG(_ context.Context, file []byte, _ int) (pix []byte, width, height int, err error) {
	img, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, 0, 0, err
	}
	b := img.Bounds()
	return golden.RGB(img), b.Dx(), b.Dy(), nil
}

// TestPillow compares with what testdata/tiff.py got from Pillow, or wrote: to the
// byte, but for JPEG and YCbCr.
func TestPillow(t *testing.T) {
	golden.Check(t, "testdata/tiff", 290, DecodeConfig, func(file []byte) (image.Image, error) {
		return Decode(t.Context(), file, goJPEG)
	})
}

// TestRefused: what isn't read is named, what is cut short says so, and nothing
// else ends in a panic.
func TestRefused(t *testing.T) {
	files := golden.Files(t, "testdata/tiff")
	field := func(name string, tag Tag, value uint16) []byte {
		file := bytes.Clone(files[name])
		d, err := ReadDirectory(file)
		if err != nil {
			t.Fatal(err)
		}
		f, ok := d.fields[tag]
		if !ok {
			t.Fatalf("%s has no field %d", name, tag)
		}
		d.order.PutUint16(f.value, value) // of file
		return file
	}
	whole := files["rgb-none-II-msb2lsb.tif"]
	for _, c := range []struct {
		name string
		file []byte
		want string // of the UnsupportedError; "" if it is cut short
	}{
		{"LZMA", field("rgb-none-II-msb2lsb.tif", tagCompression, 34925), "the compression LZMA"},
		{"unknown compression", field("rgb-none-MM-msb2lsb.tif", tagCompression, 12345), "compression 12345"},
		{"LogLuv", field("rgb-none-II-msb2lsb.tif", tagPhotometric, 32845), "LogLuv colours"},
		{"inks", field("cmyk-5-samples-II.tif", tagPhotometric, 4), "a transparency mask"},
		{"complex", field("rgb-float-32-II.tif", tagSampleFormat, 6), "samples of different formats"},
		{"cut in the strips", stripsLast(t, whole), ""},
		{"cut in the directory", whole[:len(whole)-100], ""},
		{"no directory", whole[:9], ""},
	} {
		_, err := Decode(t.Context(), c.file, goJPEG)
		var u *UnsupportedError
		switch {
		case c.want == "" && !errors.Is(err, io.ErrUnexpectedEOF):
			t.Errorf("%s: %v, want io.ErrUnexpectedEOF", c.name, err)
		case c.want != "" && (!errors.As(err, &u) || !strings.Contains(u.What, c.want)):
			t.Errorf("%s: %v, want …%s…", c.name, err, c.want)
		}
	}
}

// stripsLast returns file with its strips moved to the end, the last one cut.
func stripsLast(t *testing.T, file []byte) []byte {
	t.Helper()
	file = bytes.Clone(file)
	d, err := ReadDirectory(file)
	if err != nil {
		t.Fatal(err)
	}
	out := file
	for i, at := range d.Ints(tagStripOffsets) {
		d.order.PutUint32(d.fields[tagStripOffsets].value[4*i:], uint32(len(out))) // in file
		out = append(out, file[at:at+d.Ints(tagStripBytes)[i]]...)
		copy(out, file)
	}
	return out[:len(out)-1]
}

// TestContext: a context that has ended ends decoding.
func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ctx, golden.Files(t, "testdata/tiff")["rgb-lzw-II-msb2lsb.tif"], goJPEG); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

// FuzzDecode: whatever the bytes, a picture of the size that its header says, or an
// error.
func FuzzDecode(f *testing.F) {
	for name, file := range golden.Files(f, "testdata/tiff") {
		if strings.Contains(name, "II") {
			f.Add(file)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		config, err := DecodeConfig(file)
		if err != nil || config.Width > 1<<16/config.Height || Memory(file) > 1<<24 {
			return
		}
		img, err := Decode(t.Context(), file, goJPEG)
		if err == nil && img.Bounds() != image.Rect(0, 0, config.Width, config.Height) {
			t.Errorf("%v, the header says %d×%d", img.Bounds(), config.Width, config.Height)
		}
	})
}
