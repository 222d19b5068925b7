// Package codec turns square RGB pictures into bytes and back.
package codec

import "alexnet/augment"

// Codec is a way of storing a picture. Codecs are stateless and may be shared;
// the encoders and decoders they make hold scratch memory and may not.
type Codec interface {
	// Name is the name in index.json and on the command line: "raw", "jpeg".
	Name() string
	// Encoding is the MDS column encoding of pictures of size×size pixels.
	Encoding(size int) string
	// Recognise returns the pixels a side of a picture in a column of that MDS
	// encoding, and 0 where it is another codec's. An error says what is wrong
	// with a picture that is its own.
	Recognise(encoding string, picture []byte) (size int, err error)
	// Loses reports whether decoded pixels may differ from the encoded ones.
	Loses() bool
	// Options are those that the bytes depend on, with their defaults filled in.
	Options() Options
	NewEncoder(size int) Encoder
	NewDecoder(size int) Decoder
}

// Options are the choices about a codec's bytes. A codec ignores options that it
// doesn't have.
type Options struct {
	Quality int    // of JPEG, 1 to 100; 0: DefaultQuality
	Encoder string // of JPEG: Turbo, Go; "": Turbo
}

// Encoders of JPEG.
const (
	Turbo = "turbo" // libjpeg-turbo, or image/jpeg if it isn't found
	Go    = "go"    // image/jpeg
)

// Encoder encodes pictures of one size, one at a time.
type Encoder interface {
	// Encode appends the encoded form of rgb (size×size×3 bytes, row-major RGB)
	// to dst and returns the extended slice.
	Encode(dst, rgb []byte) ([]byte, error)
}

// Decoder decodes pictures of one size, one at a time.
type Decoder interface {
	// Decode writes size×size×3 bytes to rgb from one encoded picture. It
	// returns an error, never panics, on bytes that no encoder wrote.
	Decode(rgb, src []byte) error
}

// CropDecoder is a Decoder that has less to do for a crop than for the whole
// picture.
type CropDecoder interface {
	Decoder
	// DecodeCrop writes to dst, crop×crop×3 bytes, what augment.CopyCrop gives
	// of the picture that Decode gives. Damage outside the crop may go
	// unnoticed.
	DecodeCrop(dst, src []byte, view augment.View, crop int) error
}
