package codec

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"strings"

	"alexnet/pipeline/jpeg/turbojpeg"
)

// JPEG stores pictures as baseline JPEG files, colour at half resolution
// (4:2:0). It loses a little: a decoded picture differs from the encoded one.
//
// Pictures are encoded by libjpeg-turbo where package turbojpeg finds it, and
// else by image/jpeg, at a sixth of the speed and with other bytes. They are
// decoded by package baseline, to libjpeg's pixels. What that leaves to others,
// such as progressive pictures in shards made elsewhere, is decoded by the same
// two; the pixels differ by a few levels where colours change, since
// libjpeg-turbo interpolates them, and image/jpeg takes memory anew for each
// picture.
type JPEG struct {
	Quality int  // 1 to 100
	Go      bool // encode by image/jpeg even where libjpeg-turbo is
}

// Name is "jpeg".
func (JPEG) Name() string { return "jpeg" }

// Encoding is "jpeg": the bytes of a JPEG file.
func (JPEG) Encoding(int) string { return "jpeg" }

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
		options: jpeg.Options{Quality: c.Quality},
		picture: image.NewRGBA(image.Rect(0, 0, size, size)),
	}
}

func (c JPEG) NewDecoder(size int) Decoder {
	return &baselineDecoder{size: size, other: newOtherJPEG(size)}
}

// newOtherJPEG decodes any JPEG file.
func newOtherJPEG(size int) Decoder {
	if turbo, err := turbojpeg.NewDecoder(); err == nil {
		return &turboDecoder{size: size, turbo: turbo}
	}
	return &jpegDecoder{size: size}
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
	options jpeg.Options
	picture *image.RGBA // the type that image/jpeg reads fastest
	out     bytes.Buffer
}

func (e *jpegEncoder) Encode(dst, rgb []byte) ([]byte, error) {
	checkPixels(rgb, e.picture.Rect.Dx())
	rgba := e.picture.Pix
	for len(rgb) > 0 {
		rgba[0], rgba[1], rgba[2] = rgb[0], rgb[1], rgb[2] // alpha isn't looked at
		rgb, rgba = rgb[3:], rgba[4:]
	}
	e.out.Reset()
	if err := jpeg.Encode(&e.out, e.picture, &e.options); err != nil {
		return dst, fmt.Errorf("encode JPEG: %w", err)
	}
	return append(dst, e.out.Bytes()...), nil
}

// turboDecoder decodes by libjpeg-turbo.
type turboDecoder struct {
	size  int
	turbo *turbojpeg.Decoder
	in    []byte
}

func (d *turboDecoder) Decode(rgb, src []byte) error {
	checkPixels(rgb, d.size)
	// The library gets a copy: src may be a view of a file, and a fault in C
	// ends the program (see mds.Shard.Guard).
	d.in = append(d.in[:0], src...)
	header, err := d.turbo.Header(d.in)
	if err != nil {
		return fmt.Errorf("decode JPEG: %w", err)
	}
	if header.Width != d.size || header.Height != d.size {
		return sizeError(header.Width, header.Height, d.size)
	}
	if header.Colour == turbojpeg.CMYK || header.Colour == turbojpeg.YCCK {
		return coloursError("CMYK")
	}
	if err := d.turbo.Decode(rgb, d.in, header); err != nil {
		return fmt.Errorf("decode JPEG: %w", err)
	}
	return nil
}

func sizeError(width, height, want int) error {
	return fmt.Errorf("decode JPEG: the picture is %d×%d, want %d×%d", width, height, want, want)
}

func coloursError(got string) error {
	return fmt.Errorf("decode JPEG: its pixels are %s, want YCbCr, RGB or grey", got)
}

// jpegDecoder decodes by image/jpeg.
type jpegDecoder struct {
	size int
	in   bytes.Reader
}

func (d *jpegDecoder) Decode(rgb, src []byte) error {
	checkPixels(rgb, d.size)
	d.in.Reset(src)
	config, err := jpeg.DecodeConfig(&d.in)
	if err != nil {
		return fmt.Errorf("decode JPEG: %w", err)
	}
	if config.Width != d.size || config.Height != d.size { // before memory is taken for it
		return sizeError(config.Width, config.Height, d.size)
	}
	d.in.Reset(src)
	picture, err := jpeg.Decode(&d.in)
	if err != nil {
		return fmt.Errorf("decode JPEG: %w", err)
	}
	switch m := picture.(type) {
	case *image.YCbCr:
		fromYCbCr(rgb, m)
	case *image.Gray:
		fromGray(rgb, m)
	case *image.RGBA: // components that are RGB themselves
		fromRGBA(rgb, m)
	default:
		return coloursError(strings.TrimPrefix(fmt.Sprintf("%T", picture), "*image."))
	}
	return nil
}

// fromYCbCr writes m's pixels as RGB, giving exactly the bytes that
// color.YCbCrToRGB gives. Constants are the JFIF matrix in 16.16 fixed point.
func fromYCbCr(rgb []byte, m *image.YCbCr) {
	width, shift := m.Rect.Dx(), uint(1)
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio440:
		shift = 0
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		shift = 2
	}
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		out := rgb[:3*width]
		rgb = rgb[3*width:]
		luma := m.Y[m.YOffset(m.Rect.Min.X, y):][:width]
		chroma := m.COffset(m.Rect.Min.X, y)
		columns := (width-1)>>shift + 1
		cbs, crs := m.Cb[chroma:][:columns], m.Cr[chroma:][:columns]
		for x, l := range luma {
			c := x >> shift
			cb, cr := int32(cbs[c])-128, int32(crs[c])-128
			grey := int32(l) * 0x10101
			out[3*x+2] = clamp(grey + 116130*cb)
			out[3*x+1] = clamp(grey - 22554*cb - 46802*cr)
			out[3*x] = clamp(grey + 91881*cr)
		}
	}
}

// clamp is the whole part of a 16.16 fixed-point number, held to 0–255.
func clamp(v int32) uint8 {
	if uint32(v) < 1<<24 {
		return uint8(v >> 16)
	}
	return uint8(^(v >> 31)) // 0 below, 255 above
}

func fromGray(rgb []byte, m *image.Gray) {
	for y := range m.Rect.Dy() {
		for _, v := range m.Pix[y*m.Stride:][:m.Rect.Dx()] {
			rgb[0], rgb[1], rgb[2] = v, v, v
			rgb = rgb[3:]
		}
	}
}

func fromRGBA(rgb []byte, m *image.RGBA) {
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:][:4*m.Rect.Dx()]
		for ; len(row) > 0; row = row[4:] {
			rgb[0], rgb[1], rgb[2] = row[0], row[1], row[2]
			rgb = rgb[3:]
		}
	}
}
