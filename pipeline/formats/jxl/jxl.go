// Package jxl decodes JPEG XL pictures by libjxl, where the machine has it, of
// animations the first frame. What the file says about turning is applied by libjxl.
package jxl

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"runtime"
	"sync"
	"unsafe"

	"alexnet/pipeline/formats/internal/clib"
)

// Indexes of the functions of jxl/decode.h in spec.Functions.
const (
	create = iota
	destroy
	subscribe
	setInput
	process
	basicInfo
	outSize
	setOut
)

var spec = clib.Spec{
	Name:     "libjxl",
	Sonames:  []string{"libjxl.so.0.11", "libjxl.so.0.10", "libjxl.so.0.9", "libjxl.so.0.8", "libjxl.so.0.7", "libjxl.so"},
	Variable: "ALEXNET_LIBJXL",
	Install:  "install it (Debian 12: apt-get install libjxl0.7, Debian 13: libjxl0.11; Fedora: dnf install libjxl; Alpine: apk add libjxl)",
	Functions: []string{
		"JxlDecoderCreate", "JxlDecoderDestroy", "JxlDecoderSubscribeEvents", "JxlDecoderSetInput",
		"JxlDecoderProcessInput", "JxlDecoderGetBasicInfo", "JxlDecoderImageOutBufferSize", "JxlDecoderSetImageOutBuffer",
	},
}

// loaded loads the library once for the whole program.
var loaded = sync.OnceValues(spec.Open)

// Available returns nil where libjxl can be used, and otherwise an error that says
// what to install.
func Available() error {
	_, err := loaded()
	return err
}

// Values of JxlDecoderStatus.
const (
	statusSuccess   = 0
	statusMoreInput = 2
	statusNeedOut   = 5
	statusInfo      = 0x40
	statusFull      = 0x1000
)

var errDamaged = errors.New("libjxl: damaged data")

// decoder is a JxlDecoder with a file. It must be on the heap, because C writes to it.
type decoder struct {
	clib.Library
	handle uintptr
	info   [512]byte // JxlBasicInfo, of about 200 bytes
	format struct {
		channels, dataType, endianness, _ uint32
		align                             uint64
	}
	size uint64
	pin  runtime.Pinner
}

func open(file []byte) (*decoder, error) {
	lib, err := loaded()
	if err != nil {
		return nil, err
	}
	if len(file) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	d := &decoder{Library: lib}
	d.handle, _ = d.Call(create, 0)
	if d.handle == 0 {
		return nil, errors.New("libjxl: no memory")
	}
	d.pin.Pin(d)
	d.pin.Pin(&file[0])
	d.Call(subscribe, d.handle, statusInfo|statusFull)
	d.Call(setInput, d.handle, uintptr(unsafe.Pointer(&file[0])), uintptr(len(file)))
	// The input isn't closed, so that a file that is cut short gives another error than a
	// damaged one.
	return d, nil
}

func (d *decoder) close() {
	d.Call(destroy, d.handle)
	d.pin.Unpin()
}

// next decodes up to an event.
func (d *decoder) next(want int32) error {
	status, _ := d.Call(process, d.handle)
	switch int32(status) {
	case want:
		return nil
	case statusMoreInput:
		return io.ErrUnexpectedEOF
	}
	return errDamaged
}

// config reads the size of the upright picture.
func (d *decoder) config() (image.Config, error) {
	if err := d.next(statusInfo); err != nil {
		return image.Config{}, err
	}
	if status, _ := d.Call(basicInfo, d.handle, uintptr(unsafe.Pointer(&d.info))); int32(status) != statusSuccess {
		return image.Config{}, errDamaged
	}
	size := (*[3]uint32)(unsafe.Pointer(&d.info)) // have_container, xsize, ysize
	if size[1] < 1 || size[2] < 1 || size[1] > 1<<30 || size[2] > 1<<30 {
		return image.Config{}, fmt.Errorf("libjxl: %d×%d pixels", size[1], size[2])
	}
	return image.Config{ColorModel: color.NRGBAModel, Width: int(size[1]), Height: int(size[2])}, nil
}

// DecodeConfig returns the size of the upright picture. It takes no memory for
// pixels.
func DecodeConfig(file []byte) (image.Config, error) {
	d, err := open(file)
	if err != nil {
		return image.Config{}, err
	}
	defer d.close()
	return d.config()
}

// Memory is about how many bytes Decode takes at most for a picture of a
// DecodeConfig: libjxl computes in floating point.
func Memory(_ []byte, c image.Config) int64 { return 40 * int64(c.Width) * int64(c.Height) }

// Decode decodes the picture or an animation's first frame, upright, to an opaque *image.NRGBA.
// Files that are cut short end in io.ErrUnexpectedEOF. libjxl can't be interrupted;
// ctx is asked before it begins.
func Decode(ctx context.Context, file []byte) (image.Image, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d, err := open(file)
	if err != nil {
		return nil, err
	}
	defer d.close()
	c, err := d.config()
	if err != nil {
		return nil, err
	}
	if err := d.next(statusNeedOut); err != nil {
		return nil, err
	}
	d.format.channels, d.format.dataType = 3, 2 // uint8
	status, _ := d.Call(outSize, d.handle, uintptr(unsafe.Pointer(&d.format)), uintptr(unsafe.Pointer(&d.size)))
	if int32(status) != statusSuccess || d.size != uint64(3*c.Width*c.Height) {
		return nil, fmt.Errorf("libjxl: wants %d bytes for %d×%d pixels", d.size, c.Width, c.Height)
	}
	rgb := make([]byte, d.size)
	d.pin.Pin(&rgb[0])
	if status, _ := d.Call(setOut, d.handle, uintptr(unsafe.Pointer(&d.format)), uintptr(unsafe.Pointer(&rgb[0])), uintptr(len(rgb))); int32(status) != statusSuccess {
		return nil, errDamaged
	}
	if err := d.next(statusFull); err != nil {
		return nil, err
	}
	m := image.NewNRGBA(image.Rect(0, 0, c.Width, c.Height))
	for i := range len(rgb) / 3 {
		copy(m.Pix[4*i:], rgb[3*i:3*i+3])
		m.Pix[4*i+3] = 255
	}
	return m, nil
}
