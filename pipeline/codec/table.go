package codec

import (
	"fmt"
	"strings"

	"alexnet/augment"
)

// DefaultQuality is the JPEG quality where the user names none.
const DefaultQuality = 90

// Names lists the codecs, the default first.
func Names() []string {
	return []string{"lossless", "jpeg", "raw"}
}

// ByName gives the codec of that name. Quality is that of JPEG, 1 to 100, or 0
// for DefaultQuality; the other codecs have none and ignore it.
func ByName(name string, quality int) (Codec, error) {
	switch name {
	case "jpeg":
		if quality == 0 {
			quality = DefaultQuality
		}
		if quality < 1 || quality > 100 {
			return nil, fmt.Errorf("JPEG quality %d: want 1 to 100", quality)
		}
		return JPEG{Quality: quality}, nil
	case "lossless":
		return Lossless{}, nil
	case "raw":
		return Raw{}, nil
	}
	return nil, fmt.Errorf("unknown codec %q; there are %s", name, strings.Join(Names(), ", "))
}

// checkPixels panics if rgb isn't a picture of size×size pixels: buffers are
// the program's, not the data's.
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
