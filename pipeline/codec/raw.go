package codec

import (
	"fmt"

	"alexnet/augment"
)

// Raw stores the pixels as they are.
type Raw struct{}

// Name is "raw".
func (Raw) Name() string { return "raw" }

// rawEncoding is the MDS encoding of a NumPy array; MosaicML's reader returns one.
const rawEncoding = "ndarray:uint8:%d,%d,3"

// Encoding is "ndarray:uint8:SIZE,SIZE,3", a NumPy array.
func (Raw) Encoding(size int) string { return fmt.Sprintf(rawEncoding, size, size) }

// Recognise reads the size from the encoding.
func (Raw) Recognise(encoding string, _ []byte) (size int, err error) {
	var height int
	if n, _ := fmt.Sscanf(encoding, rawEncoding, &height, &size); n != 2 || size < 1 || Raw.Encoding(Raw{}, size) != encoding {
		return 0, nil
	}
	return size, nil
}

// Loses is false.
func (Raw) Loses() bool { return false }

// Options has none.
func (Raw) Options() Options { return Options{} }

func (Raw) NewEncoder(size int) Encoder { return raw(size) }
func (Raw) NewDecoder(size int) Decoder { return raw(size) }

// raw encodes and decodes pictures of raw×raw pixels.
type raw int

func (size raw) Encode(dst, rgb []byte) ([]byte, error) {
	checkPixels(rgb, int(size))
	return append(dst, rgb...), nil
}

func (size raw) Decode(rgb, src []byte) error {
	checkPixels(rgb, int(size))
	if err := size.check(src); err != nil {
		return err
	}
	copy(rgb, src)
	return nil
}

// DecodeCrop reads the crop's pixels only.
func (size raw) DecodeCrop(dst, src []byte, view augment.View, crop int) error {
	if err := size.check(src); err != nil {
		return err
	}
	augment.CopyCrop(dst, src, int(size), view.X, view.Y, crop, view.Flip)
	return nil
}

func (size raw) check(src []byte) error {
	if n := int(size * size * 3); len(src) != n {
		return fmt.Errorf("raw picture of %d bytes, want %d for %d×%d RGB", len(src), n, size, size)
	}
	return nil
}
