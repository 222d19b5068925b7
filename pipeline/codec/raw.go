package codec

import "fmt"

// Raw stores the pixels as they are.
type Raw struct{}

// Name is "raw".
func (Raw) Name() string { return "raw" }

// Encoding is that of a NumPy array, which MosaicML's reader hands out as one.
func (Raw) Encoding(size int) string {
	return fmt.Sprintf("ndarray:uint8:%d,%d,3", size, size)
}

func (Raw) NewEncoder(size int) Encoder { return raw(size) }
func (Raw) NewDecoder(size int) Decoder { return raw(size) }

// raw encodes and decodes pictures of so many pixels a side.
type raw int

func (size raw) Encode(dst, rgb []byte) ([]byte, error) {
	checkPixels(rgb, int(size))
	return append(dst, rgb...), nil
}

func (size raw) Decode(rgb, src []byte) error {
	checkPixels(rgb, int(size))
	if len(src) != len(rgb) {
		return fmt.Errorf("raw picture of %d bytes, want %d for %d×%d RGB", len(src), len(rgb), size, size)
	}
	copy(rgb, src)
	return nil
}
