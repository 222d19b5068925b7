package turbojpeg

import (
	"fmt"
	"slices"
	"unsafe"
)

// Encoder encodes pictures, one at a time: each goroutine has its own.
type Encoder struct {
	instance
	quality     int
	subsampling Subsampling
	out         *byte // C reads the address to write to
	size        uint  // and writes the length here: unsigned long
}

// NewEncoder returns an Encoder of baseline JPEG of a quality from 1 to 100 and
// a subsampling other than Unknown and Grey, or the error of [Available].
func NewEncoder(quality int, subsampling Subsampling) (*Encoder, error) {
	if quality < 1 || quality > 100 || subsampling < Full || subsampling > FourToOne || subsampling == Grey {
		return nil, fmt.Errorf("turbojpeg: quality %d with subsampling %d: want 1 to 100, and one of colour", quality, subsampling)
	}
	lib, err := loaded()
	if err != nil {
		return nil, err
	}
	e := &Encoder{quality: quality, subsampling: subsampling}
	return e, e.open(lib, lib.initCompress)
}

// Encode appends to dst the JPEG file of height rows of width RGB pixels, and
// returns the extended slice.
func (e *Encoder) Encode(dst, rgb []byte, width, height int) ([]byte, error) {
	if width < 1 || height < 1 || len(rgb) < 3*width*height {
		panic(fmt.Sprintf("turbojpeg: %d bytes hold no picture of %d×%d pixels", len(rgb), width, height))
	}
	if e.handle == 0 {
		return dst, errClosed
	}
	args := append(e.args[:0], uintptr(width), uintptr(height), uintptr(e.subsampling)) // takes no handle
	bound := int(call(e.lib.bufSize, args...))
	if bound <= 0 {
		return dst, fmt.Errorf("turbojpeg: a picture of %d×%d pixels is too large for JPEG", width, height)
	}
	defer oneThread()()
	n := len(dst)
	dst = slices.Grow(dst, bound)
	e.out, e.size = unsafe.SliceData(dst[n:n+bound]), uint(bound)
	e.pin.Pin(&rgb[0])
	e.pin.Pin(e.out)
	defer e.pin.Unpin()
	rc := e.call(e.lib.compress,
		uintptr(unsafe.Pointer(&rgb[0])), uintptr(width), uintptr(3*width), uintptr(height), pixelRGB,
		uintptr(unsafe.Pointer(&e.out)), uintptr(unsafe.Pointer(&e.size)),
		uintptr(e.subsampling), uintptr(e.quality), flagNoRealloc|flagAccurateDCT)
	e.out = nil
	if rc != 0 {
		return dst[:n], fmt.Errorf("turbojpeg: encode %d×%d pixels: %s", width, height, e.errorText())
	}
	return dst[:n+int(e.size)], nil
}
