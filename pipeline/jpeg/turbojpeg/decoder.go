package turbojpeg

import (
	"errors"
	"fmt"
	"unsafe"
)

// Subsampling is the number of pixels that share a chroma sample.
type Subsampling int

// The values of enum TJSAMP.
const (
	Unknown Subsampling = iota - 1 // an unusual one, which can be decoded nevertheless
	Full                           // 4:4:4
	Half                           // 4:2:2
	Quarter                        // 4:2:0
	Grey
	HalfDown  // 4:4:0
	FourToOne // 4:1:1
)

// Colour is the colour space that a JPEG file stores.
type Colour int

// The values of enum TJCS.
const (
	RGB Colour = iota
	YCbCr
	Gray
	CMYK
	YCCK
)

// Header describes a picture before it is decoded.
type Header struct {
	Width, Height int // in pixels
	Subsampling   Subsampling
	Colour        Colour
}

// Scaled returns the header of the same picture decoded at eighths/8 of its size
// (1 to 8), rounded up, which [Decoder.Decode] then gives. It is faster at 1, 2
// and 4 only, and not as good as resampling: blocks are reduced one by one.
func (h Header) Scaled(eighths int) Header {
	if eighths < 1 || eighths > 8 {
		panic(fmt.Sprintf("turbojpeg: a scale of %d/8", eighths))
	}
	h.Width = (h.Width*eighths + 7) / 8
	h.Height = (h.Height*eighths + 7) / 8
	return h
}

// Decoder decodes pictures, one at a time: each goroutine has its own.
type Decoder struct {
	instance
	header struct{ width, height, subsampling, colour int32 } // C writes here
	cmyk   []byte
}

// NewDecoder returns a Decoder, or the error of [Available].
func NewDecoder() (*Decoder, error) {
	lib, err := loaded()
	if err != nil {
		return nil, err
	}
	d := new(Decoder)
	return d, d.open(lib, lib.initDecompress)
}

// Header reads a file's header, with which decoding it begins. Memory for the
// picture isn't taken, so a caller can refuse a picture that is too large.
func (d *Decoder) Header(src []byte) (Header, error) {
	if d.handle == 0 {
		return Header{}, errClosed
	}
	if len(src) == 0 {
		return Header{}, errEmpty
	}
	defer oneThread()()
	// libjpeg keeps a file's tables for later files without tables. A damaged file's pixels
	// must not depend on earlier files.
	if err := d.renew(d.lib.initDecompress); err != nil {
		return Header{}, err
	}
	d.pin.Pin(&src[0])
	defer d.pin.Unpin()
	c := &d.header
	*c = struct{ width, height, subsampling, colour int32 }{}
	rc := d.call(d.lib.decompressHeader,
		uintptr(unsafe.Pointer(&src[0])), uintptr(len(src)),
		uintptr(unsafe.Pointer(&c.width)), uintptr(unsafe.Pointer(&c.height)),
		uintptr(unsafe.Pointer(&c.subsampling)), uintptr(unsafe.Pointer(&c.colour)))
	if err := d.failure(rc); err != nil {
		return Header{}, err
	}
	h := Header{int(c.width), int(c.height), Subsampling(c.subsampling), Colour(c.colour)}
	if h.Width < 1 || h.Height < 1 {
		return Header{}, &WarningError{"the file contains no image"} // only tables
	}
	return h, nil
}

// Decode overwrites dst with a picture whose header (or scaled header) is h:
// h.Height rows of h.Width RGB pixels, row-major without gaps, len(dst) at least
// h.Width·h.Height·3. Grey is replicated, and CMYK becomes RGB by PIL's formula,
// taken as inverted as Adobe's is. After a [*WarningError] dst holds what could be
// read of the picture, if anything; after another error it is undefined.
func (d *Decoder) Decode(dst, src []byte, h Header) error {
	pixels := h.Width * h.Height
	if h.Width < 1 || h.Height < 1 || len(dst) < 3*pixels {
		panic(fmt.Sprintf("turbojpeg: %d bytes for a picture of %d×%d pixels", len(dst), h.Width, h.Height))
	}
	if d.handle == 0 {
		return errClosed
	}
	if len(src) == 0 {
		return errEmpty
	}
	if h.Colour != CMYK && h.Colour != YCCK {
		return d.decompress(dst, src, h, pixelRGB, 3)
	}
	if cap(d.cmyk) < 4*pixels {
		d.cmyk = make([]byte, 4*pixels)
	}
	err := d.decompress(d.cmyk[:4*pixels], src, h, pixelCMYK, 4)
	if _, warned := errors.AsType[*WarningError](err); err == nil || warned {
		fromInvertedCMYK(dst, d.cmyk[:4*pixels])
	}
	return err
}

func (d *Decoder) decompress(dst, src []byte, h Header, format, bytes int) error {
	defer oneThread()()
	d.pin.Pin(&src[0])
	d.pin.Pin(&dst[0])
	defer d.pin.Unpin()
	rc := d.call(d.lib.decompress,
		uintptr(unsafe.Pointer(&src[0])), uintptr(len(src)),
		uintptr(unsafe.Pointer(&dst[0])), uintptr(h.Width), uintptr(h.Width*bytes), uintptr(h.Height),
		uintptr(format), flagAccurateDCT)
	return d.failure(rc)
}

// fromInvertedCMYK writes the RGB of CMYK pixels that are stored inverted (255−C and so
// on). It is PIL's convert("RGB"): R = K' − (255−C')·K'/255 with K' = 255−K, rounded.
func fromInvertedCMYK(rgb, cmyk []byte) {
	for ; len(cmyk) >= 4; rgb, cmyk = rgb[3:], cmyk[4:] {
		white := uint32(cmyk[3])
		for i := range 3 {
			t := uint32(255-cmyk[i])*white + 128
			rgb[i] = byte(white - (t>>8+t)>>8)
		}
	}
}

// WarningError is libjpeg's first warning of a file. It may mean that data are
// missing or wrong, or nothing: libjpeg warns of much that does no harm, and what
// it warns of later isn't known.
type WarningError struct {
	Text string // libjpeg's
}

func (e *WarningError) Error() string { return "turbojpeg: " + e.Text }

var errEmpty = errors.New("turbojpeg: no data (0 bytes)")

// failure returns the error of a decoder's call that returned rc.
func (d *Decoder) failure(rc int) error {
	if rc == 0 {
		return nil
	}
	text := d.errorText()
	if !d.onlyWarned() {
		return fmt.Errorf("turbojpeg: %s", text)
	}
	return &WarningError{text}
}
