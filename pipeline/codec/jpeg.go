package codec

import (
	"bytes"
	"fmt"
	"image"
	gojpeg "image/jpeg"

	"alexnet/pipeline/jpeg"
	"alexnet/pipeline/jpeg/turbojpeg"
)

// JPEG stores pictures as baseline JPEG files, colour at half resolution
// (4:2:0). It loses a little: a decoded picture differs from the encoded one.
//
// Pictures are encoded by libjpeg-turbo where package turbojpeg finds it, and
// else by image/jpeg, at a sixth of the speed and with other bytes. They are
// decoded by package jpeg, to libjpeg's pixels whichever of its decoders takes them.
type JPEG struct {
	Quality int  // 1 to 100
	Go      bool // encode by image/jpeg even where libjpeg-turbo is
}

// Name is "jpeg".
func (JPEG) Name() string { return "jpeg" }

// newJPEG returns an error for a quality outside 1 to 100.
func newJPEG(o Options) (Codec, error) {
	if o.Quality == 0 {
		o.Quality = DefaultQuality
	}
	if o.Quality < 1 || o.Quality > 100 {
		return nil, fmt.Errorf("JPEG quality %d: want 1 to 100", o.Quality)
	}
	return JPEG{Quality: o.Quality, Go: o.Encoder == Go}, nil
}

// Encoding is "jpeg": the bytes of a JPEG file.
func (JPEG) Encoding(int) string { return "jpeg" }

// Recognise accepts all JPEG files, of any encoder.
func (JPEG) Recognise(encoding string, picture []byte) (size int, err error) {
	if encoding != "jpeg" {
		return 0, nil
	}
	c, err := gojpeg.DecodeConfig(bytes.NewReader(picture))
	return c.Width, err
}

// Loses is true.
func (JPEG) Loses() bool { return true }

// Options has both.
func (c JPEG) Options() Options {
	o := Options{Quality: c.Quality, Encoder: Turbo}
	if c.Go {
		o.Encoder = Go
	}
	return o
}

// NewEncoder panics if the quality isn't one.
func (c JPEG) NewEncoder(size int) Encoder {
	if c.Quality < 1 || c.Quality > 100 {
		panic(fmt.Sprintf("codec: JPEG quality %d: want 1 to 100", c.Quality))
	}
	if !c.Go {
		if turbo, err := turbojpeg.NewEncoder(c.Quality, turbojpeg.Quarter); err == nil {
			return &turboEncoder{size: size, turbo: turbo}
		}
	}
	return &jpegEncoder{
		options: gojpeg.Options{Quality: c.Quality},
		picture: image.NewRGBA(image.Rect(0, 0, size, size)),
	}
}

func (c JPEG) NewDecoder(size int) Decoder {
	return &jpegDecoder{size: size, decoder: jpeg.NewDecoder(true)}
}

// turboEncoder encodes by libjpeg-turbo.
type turboEncoder struct {
	size  int
	turbo *turbojpeg.Encoder
}

func (e *turboEncoder) Encode(dst, rgb []byte) ([]byte, error) {
	checkPixels(rgb, e.size)
	dst, err := e.turbo.Encode(dst, rgb, e.size, e.size)
	if err != nil {
		return dst, fmt.Errorf("encode JPEG: %w", err)
	}
	return dst, nil
}

// jpegEncoder encodes by image/jpeg.
type jpegEncoder struct {
	options gojpeg.Options
	picture *image.RGBA // the type that image/jpeg reads fastest
	out     bytes.Buffer
}

func (e *jpegEncoder) Encode(dst, rgb []byte) ([]byte, error) {
	checkPixels(rgb, e.picture.Rect.Dx())
	rgba := e.picture.Pix
	for len(rgb) > 0 {
		rgba[0], rgba[1], rgba[2] = rgb[0], rgb[1], rgb[2] // image/jpeg ignores alpha
		rgb, rgba = rgb[3:], rgba[4:]
	}
	e.out.Reset()
	if err := gojpeg.Encode(&e.out, e.picture, &e.options); err != nil {
		return dst, fmt.Errorf("encode JPEG: %w", err)
	}
	return append(dst, e.out.Bytes()...), nil
}
