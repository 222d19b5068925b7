// Package heif decodes HEIC and AVIF pictures by libheif, where the machine has it.
// What the file says about turning, mirroring and cropping is applied by libheif,
// and its EXIF orientation counts for nothing. Libheif before 1.16 repeats subsampled
// chroma where later ones and libavif interpolate, which shows at edges of colours.
package heif

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"math"
	"runtime"
	"sync"
	"unsafe"

	"alexnet/internal/dynlib"
	"alexnet/pipeline/formats/internal/clib"
)

// Indexes of the functions of heif.h in spec.Functions.
const (
	contextAlloc = iota
	contextFree
	contextRead
	contextLimit
	primaryHandle
	handleRelease
	handleWidth
	handleHeight
	optionsAlloc
	optionsFree
	decodeImage
	imageRelease
	imageWidth
	imageHeight
	imagePlane
)

var spec = clib.Spec{
	Name:     "libheif",
	Sonames:  []string{"libheif.so.1", "libheif.so"},
	Variable: "ALEXNET_LIBHEIF",
	Install: "install it (Debian, Ubuntu: apt-get install libheif1, and since Debian 13 and Ubuntu 24.04 libheif-plugin-libde265 for HEIC and " +
		"libheif-plugin-dav1d for AVIF; Fedora: dnf install libheif libheif-freeworld; Alpine: apk add libheif)",
	Functions: []string{
		"heif_context_alloc", "heif_context_free", "heif_context_read_from_memory_without_copy", "heif_context_set_maximum_image_size_limit",
		"heif_context_get_primary_image_handle", "heif_image_handle_release", "heif_image_handle_get_width", "heif_image_handle_get_height",
		"heif_decoding_options_alloc", "heif_decoding_options_free", "heif_decode_image", "heif_image_release",
		"heif_image_get_primary_width", "heif_image_get_primary_height", "heif_image_get_plane_readonly",
	},
}

// loaded loads the library once for the whole program.
var loaded = sync.OnceValues(spec.Open)

// Available returns nil where libheif can be used, and otherwise an error that says
// what to install.
func Available() error {
	_, err := loaded()
	return err
}

// Constants of heif.h.
const (
	colourRGB      = 1
	interleavedRGB = 10
	eightBits      = 40 // offset of convert_hdr_to_8bit in heif_decoding_options
	errUnsupported = 4  // heif_error_Unsupported_feature …
	errCodec       = 3  // heif_error_Unsupported_filetype
)

// UnsupportedError reports a feature of a whole file that this libheif doesn't decode.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return "libheif: " + e.What }

// Unsupported returns e.What.
func (e *UnsupportedError) Unsupported() string { return "libheif: " + e.What }

// failure converts a heif_error, returned in two registers, to an error.
func failure(r1, r2 uintptr) error {
	code := int32(r1)
	if code == 0 {
		return nil
	}
	text := dynlib.String(r2)
	if code == errUnsupported || code == errCodec {
		return &UnsupportedError{text}
	}
	return errors.New("libheif: " + text)
}

// picture is an open file.
type picture struct {
	clib.Library
	context, handle uintptr
	pin             runtime.Pinner
}

// open reads the boxes of a file. The file stays pinned in memory until close.
func open(file []byte, limit int) (*picture, error) {
	lib, err := loaded()
	if err != nil {
		return nil, err
	}
	if len(file) == 0 {
		return nil, errors.New("libheif: an empty file")
	}
	p := &picture{Library: lib}
	p.context, _ = p.Call(contextAlloc)
	if p.context == 0 {
		return nil, errors.New("libheif: no memory")
	}
	if limit > 0 {
		p.Call(contextLimit, p.context, uintptr(limit))
	}
	p.pin.Pin(&file[0])
	if err := failure(p.Call(contextRead, p.context, uintptr(unsafe.Pointer(&file[0])), uintptr(len(file)), 0)); err != nil {
		p.close()
		return nil, err
	}
	p.pin.Pin(&p.handle)
	if err := failure(p.Call(primaryHandle, p.context, uintptr(unsafe.Pointer(&p.handle)))); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *picture) close() {
	if p.handle != 0 {
		p.Call(handleRelease, p.handle)
	}
	p.Call(contextFree, p.context)
	p.pin.Unpin()
}

// size returns the size of the upright picture.
func (p *picture) size() (width, height int) {
	w, _ := p.Call(handleWidth, p.handle)
	h, _ := p.Call(handleHeight, p.handle)
	return int(int32(w)), int(int32(h))
}

// DecodeConfig returns the size of the upright picture. It takes no memory for
// pixels.
func DecodeConfig(file []byte) (image.Config, error) {
	p, err := open(file, 0)
	if err != nil {
		return image.Config{}, err
	}
	defer p.close()
	width, height := p.size()
	if width < 1 || height < 1 {
		return image.Config{}, fmt.Errorf("libheif: %d×%d pixels", width, height)
	}
	return image.Config{ColorModel: color.NRGBAModel, Width: width, Height: height}, nil
}

// Memory is about how many bytes Decode takes at most for a picture of a
// DecodeConfig.
func Memory(_ []byte, c image.Config) int64 { return 16 * int64(c.Width) * int64(c.Height) }

// Decode decodes the primary picture, upright, to an opaque *image.NRGBA. libheif can't be
// interrupted; ctx is asked before it begins.
func Decode(ctx context.Context, file []byte) (image.Image, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	config, err := DecodeConfig(file)
	if err != nil {
		return nil, err
	}
	// The coded picture may be larger than the size in the header, because of a grid's cells
	// or cropping.
	most := math.Sqrt(float64(config.Width)*float64(config.Height)*2) + 4096
	p, err := open(file, int(most))
	if err != nil {
		return nil, err
	}
	defer p.close()
	options, _ := p.Call(optionsAlloc)
	if options == 0 {
		return nil, errors.New("libheif: no memory")
	}
	defer p.Call(optionsFree, options)
	dynlib.Bytes(options, eightBits+1)[eightBits] = 1

	var img uintptr
	var stride int32
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&img)
	pin.Pin(&stride)
	if err := failure(p.Call(decodeImage, p.handle, uintptr(unsafe.Pointer(&img)), colourRGB, interleavedRGB, options)); err != nil {
		return nil, err
	}
	defer p.Call(imageRelease, img)
	w, _ := p.Call(imageWidth, img)
	h, _ := p.Call(imageHeight, img)
	if int(int32(w)) != config.Width || int(int32(h)) != config.Height {
		return nil, fmt.Errorf("libheif: %d×%d pixels where the file says %d×%d", int32(w), int32(h), config.Width, config.Height)
	}
	plane, _ := p.Call(imagePlane, img, interleavedRGB, uintptr(unsafe.Pointer(&stride)))
	if plane == 0 || int(stride) < 3*config.Width {
		return nil, errors.New("libheif: no pixels")
	}
	m := image.NewNRGBA(image.Rect(0, 0, config.Width, config.Height))
	rows := dynlib.Bytes(plane, int(stride)*(config.Height-1)+3*config.Width)
	for y := range config.Height {
		row, out := rows[y*int(stride):][:3*config.Width], m.Pix[y*m.Stride:]
		for x := range config.Width {
			copy(out[4*x:4*x+3], row[3*x:])
			out[4*x+3] = 255
		}
	}
	return m, nil
}
