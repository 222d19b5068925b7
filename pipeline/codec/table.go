package codec

import (
	"fmt"
	"strings"

	"alexnet/augment"
)

// DefaultQuality is the JPEG quality where the user names none.
const DefaultQuality = 90

// table lists the codecs, the default first.
var table = []struct {
	name string
	make func(Options) (Codec, error)
}{
	{"lossless", func(Options) (Codec, error) { return Lossless{}, nil }},
	{"jpeg", newJPEG},
	{"raw", func(Options) (Codec, error) { return Raw{}, nil }},
}

// Names lists the codecs, the default first.
func Names() (names []string) {
	for _, c := range table {
		names = append(names, c.name)
	}
	return names
}

// ByName gives the codec of that name.
func ByName(name string, o Options) (Codec, error) {
	for _, c := range table {
		if c.name == name {
			return c.make(o)
		}
	}
	return nil, fmt.Errorf("unknown codec %q; there are %s", name, strings.Join(Names(), ", "))
}

// Recognise finds the codec, with its default options, and the pixels a side of a
// picture in a column of that MDS encoding.
func Recognise(encoding string, picture []byte) (Codec, int, error) {
	for _, row := range table {
		c, err := row.make(Options{})
		if err != nil {
			return nil, 0, err
		}
		if size, err := c.Recognise(encoding, picture); size > 0 || err != nil {
			return c, size, err
		}
	}
	return nil, 0, fmt.Errorf("%q is the encoding of none of our codecs", encoding)
}

// checkPixels panics if rgb isn't a picture of size×size pixels: a wrong buffer is a bug
// of the program, not damaged data.
func checkPixels(rgb []byte, size int) {
	if len(rgb) != size*size*3 {
		panic(fmt.Sprintf("codec: %d bytes are no RGB picture of %d×%d", len(rgb), size, size))
	}
}

// checkCrop panics if dst isn't a crop of a picture of size×size pixels.
func checkCrop(dst []byte, size int, view augment.View, crop int) {
	checkPixels(dst, crop)
	if view.X < 0 || view.Y < 0 || crop < 1 || view.X > size-crop || view.Y > size-crop {
		panic(fmt.Sprintf("codec: no crop of %d² pixels at (%d, %d) in %d²", crop, view.X, view.Y, size))
	}
}
