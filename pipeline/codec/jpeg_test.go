package codec

import (
	"bytes"
	"encoding/base64"
	"image"
	gojpeg "image/jpeg"
	"math"
	"strings"
	"testing"

	"alexnet/pipeline/jpeg"
)

// TestJPEGPixels encodes an even colour, which JPEG keeps to within rounding.
// It is Y 101, Cb 128, Cr 199, and those are R 200.9, G 50.3, B 101, rounded as
// libjpeg-turbo does.
func TestJPEGPixels(t *testing.T) {
	const size = 16
	c := JPEG{Quality: DefaultQuality}
	encoded, err := c.NewEncoder(size).Encode(nil, bytes.Repeat([]byte{200, 50, 100}, size*size))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.Encoding(size), "jpeg"; got != want {
		t.Errorf("encoding %q, want %q", got, want)
	}
	want := [3]byte{201, 50, 101}
	for name, decoder := range jpegDecoders(size) {
		rgb := make([]byte, size*size*3)
		if err := decoder.Decode(rgb, encoded); err != nil {
			t.Fatal(err)
		}
		for i, v := range rgb {
			if v != want[i%3] {
				t.Fatalf("%s: byte %d is %d, want %d", name, i, v, want[i%3])
			}
		}
	}
}

// jpegDecoders are those with libjpeg-turbo, where it is present, and without.
func jpegDecoders(size int) map[string]Decoder {
	return map[string]Decoder{
		"turbo": (JPEG{}).NewDecoder(size),
		"go":    &jpegDecoder{size: size, decoder: jpeg.NewDecoder(false)},
	}
}

// TestJPEGDecodersAgree with image/jpeg on the mean of a picture with edges: that
// cuts colours to whole numbers, which are rounded here.
func TestJPEGDecodersAgree(t *testing.T) {
	const size = 64
	encoded, err := JPEG{Quality: 95}.NewEncoder(size).Encode(nil, gradient(size))
	if err != nil {
		t.Fatal(err)
	}
	picture, err := gojpeg.Decode(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	peer := 0
	for y := range size {
		for x := range size {
			r, g, b, _ := picture.At(x, y).RGBA()
			peer += int(r>>8 + g>>8 + b>>8)
		}
	}
	for name, decoder := range jpegDecoders(size) {
		rgb := make([]byte, size*size*3)
		if err := decoder.Decode(rgb, encoded); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, v := range rgb {
			sum += int(v)
		}
		if sum < peer || sum-peer > size*size*3 {
			t.Errorf("%s: the sum of all values is %d, image/jpeg's %d: that must be smaller, by less than one a value", name, sum, peer)
		}
	}
}

// TestJPEGQuality checks that quality is passed on, by each encoder.
func TestJPEGQuality(t *testing.T) {
	for _, portable := range []bool{true, false} {
		sizes := map[int]int{}
		for _, quality := range []int{10, 50, 100} {
			encoded, err := JPEG{Quality: quality, Go: portable}.NewEncoder(64).Encode(nil, gradient(64))
			if err != nil {
				t.Fatal(err)
			}
			sizes[quality] = len(encoded)
		}
		if !(sizes[10] < sizes[50] && sizes[50] < sizes[100]) {
			t.Errorf("bytes by quality: %v", sizes)
		}
	}
}

// TestJPEGEncodersAgree: what the two encoders make of a picture is equally close
// to it, by the same decoder, and takes about as many bytes.
func TestJPEGEncodersAgree(t *testing.T) {
	const size = 64
	turbo, ok := JPEG{Quality: 90}.NewEncoder(size).(*turboEncoder)
	if !ok {
		t.Skip("libjpeg-turbo isn't here")
	}
	var mean, length [2]float64
	for i, encoder := range []Encoder{turbo, JPEG{Quality: 90, Go: true}.NewEncoder(size)} {
		encoded, err := encoder.Encode([]byte{7}, gradient(size))
		if err != nil {
			t.Fatal(err)
		}
		if encoded[0] != 7 {
			t.Fatal("the encoder replaced what it was to append to")
		}
		rgb := make([]byte, size*size*3)
		if err := (JPEG{}).NewDecoder(size).Decode(rgb, encoded[1:]); err != nil {
			t.Fatal(err)
		}
		for k, v := range gradient(size) {
			mean[i] += math.Abs(float64(v)-float64(rgb[k])) / float64(len(rgb))
		}
		length[i] = float64(len(encoded))
	}
	t.Logf("mean error %.3f and %.3f, %v bytes", mean[0], mean[1], length)
	if mean[0] > 1.05*mean[1] || length[0] > 1.05*length[1] {
		t.Errorf("libjpeg-turbo's and image/jpeg's: mean error %.3f and %.3f, %v bytes", mean[0], mean[1], length)
	}
}

// TestOtherJPEGs decodes files that our encoder doesn't write.
func TestOtherJPEGs(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 8, 8))
	for i := range grey.Pix {
		grey.Pix[i] = 77
	}
	var greyFile bytes.Buffer
	if err := gojpeg.Encode(&greyFile, grey, nil); err != nil {
		t.Fatal(err)
	}
	// An Adobe marker with transform 0 says that the components are RGB.
	file, err := JPEG{Quality: 90, Go: true}.NewEncoder(8).Encode(nil, bytes.Repeat([]byte{9, 9, 9}, 64))
	if err != nil {
		t.Fatal(err)
	}
	adobe := "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
	rgbFile := append([]byte("\xff\xd8"+adobe), file[2:]...)
	// PIL: Image.new("CMYK", (8, 8), (0, 128, 255, 10)) saved at quality 50, optimised.
	cmykFile, err := base64.StdEncoding.DecodeString("/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAQCwwODAoQDg0OEhEQExgoGhgW" +
		"FhgxIyUdKDozPTw5Mzg3QEhcTkBEV0U3OFBtUVdfYmdoZz5NcXlwZHhcZWdj/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABYAAQEBAAAAAAAA" +
		"AAAAAAAAAAcBBv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAOBEMATQBZAEsAAD8AQEH7dv/Z")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		file  []byte
		pixel [3]byte
		err   string
	}{
		{"grey", greyFile.Bytes(), [3]byte{77, 77, 77}, ""},
		{"RGB", rgbFile, [3]byte{9, 128, 128}, ""}, // Y, Cb, Cr of grey 9, taken as R, G, B
		{"CMYK", cmykFile, [3]byte{}, "its pixels are CMYK, want YCbCr, RGB or grey"},
		{"text", []byte("hello"), [3]byte{}, "decode JPEG: "},
		{"nothing", nil, [3]byte{}, "decode JPEG: "},
	} {
		for name, decoder := range jpegDecoders(8) {
			rgb := make([]byte, 8*8*3)
			err := decoder.Decode(rgb, test.file)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("%s, %s: error is %v, want %q", test.name, name, err, test.err)
				}
				continue
			}
			if want := bytes.Repeat(test.pixel[:], 64); err != nil || !bytes.Equal(rgb, want) {
				t.Errorf("%s, %s: %v …, %v; want %v", test.name, name, rgb[:6], err, test.pixel)
			}
		}
	}
}
