// Package bmp decodes BMP files of every header since OS/2's, uncompressed and
// run-length coded, and the bitmaps in Windows' icons and cursors.
//
// Alpha and the masks of icons aren't decoded, since colours don't depend on them.
// As in Pillow, pixels that run-length coding leaves out have index 0, colours
// that a palette lacks are black, and samples of fewer than 8 bits are spread over 0…255.
package bmp

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"io"
	"math/bits"
)

// UnsupportedError reports a feature of a whole file that isn't read.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return "bmp: unsupported: " + e.What }

// Unsupported returns e.What.
func (e *UnsupportedError) Unsupported() string { return e.What }

// Compressions of a bitmap.
const (
	plain     = 0
	rle8      = 1
	rle4      = 2
	bitFields = 3
	jpegFile  = 4
	pngFile   = 5
	fields6   = 6 // with a mask of alpha
)

// bitmap is a picture's header.
type bitmap struct {
	width, height int
	topDown       bool
	bits          int
	compression   uint32
	palette       []byte // entries of entrySize bytes, blue first
	entrySize     int
	masks         [3]uint32
	pixels        []byte
}

var short = io.ErrUnexpectedEOF

// readFile reads the headers of a BMP file.
func readFile(file []byte) (*bitmap, error) {
	if len(file) < 18 {
		return nil, short
	}
	offset := binary.LittleEndian.Uint32(file[10:])
	return read(file[14:], int64(offset)-14)
}

// readIcon reads the headers of an icon's bitmap. Its mask follows its pixels, and its
// height counts both.
func readIcon(dib []byte) (*bitmap, error) {
	b, err := read(dib, 0)
	if err == nil {
		b.height /= 2
		err = b.check()
	}
	return b, err
}

// read reads a bitmap's header, its palette or masks, and the position of its pixels:
// offset, or the end of the header and palette if offset is before that.
func read(dib []byte, offset int64) (*bitmap, error) {
	if len(dib) < 4 {
		return nil, short
	}
	n := int64(binary.LittleEndian.Uint32(dib))
	b := &bitmap{entrySize: 4}
	colours := int64(0)
	switch {
	case n == 12:
		if len(dib) < 12 {
			return nil, short
		}
		b.width, b.height = int(binary.LittleEndian.Uint16(dib[4:])), int(binary.LittleEndian.Uint16(dib[6:]))
		b.bits = int(binary.LittleEndian.Uint16(dib[10:]))
		b.entrySize = 3
	case n == 16 || n >= 40 && n <= 124:
		if int64(len(dib)) < n {
			return nil, short
		}
		b.width, b.height = int(int32(binary.LittleEndian.Uint32(dib[4:]))), int(int32(binary.LittleEndian.Uint32(dib[8:])))
		b.bits = int(binary.LittleEndian.Uint16(dib[14:]))
		if n >= 40 {
			b.compression = binary.LittleEndian.Uint32(dib[16:])
			colours = int64(binary.LittleEndian.Uint32(dib[32:]))
		}
		if n == 64 && b.compression > rle4 {
			return nil, &UnsupportedError{"OS/2's compressions"}
		}
	default:
		return nil, fmt.Errorf("bmp: a header of %d bytes", n)
	}
	if b.height < 0 {
		b.topDown, b.height = true, -b.height
	}
	rest := dib[n:]
	if b.compression == bitFields || b.compression == fields6 {
		masks := rest
		if n >= 52 {
			masks = dib[40:]
		} else {
			rest = rest[min(int64(len(rest)), 12+4*int64(b.compression/fields6)):]
		}
		if len(masks) < 12 {
			return nil, short
		}
		for i := range b.masks {
			b.masks[i] = binary.LittleEndian.Uint32(masks[4*i:])
		}
	} else if b.bits == 16 {
		b.masks = [3]uint32{0x7c00, 0x3e0, 0x1f}
	} else if b.bits == 32 {
		b.masks = [3]uint32{0xff0000, 0xff00, 0xff}
	}
	if b.bits <= 8 {
		if colours == 0 || colours > 256 {
			colours = 1 << max(b.bits, 0)
		}
		b.palette = rest[:min(int64(len(rest)), colours*int64(b.entrySize))]
		if offset > n { // some palettes are too short
			b.palette = rest[:max(0, min(int64(len(b.palette)), offset-n))]
		}
		rest = rest[len(b.palette):]
	}
	if offset > n { // offset n means no pixels, although some files have it
		rest = dib[min(offset, int64(len(dib))):]
	}
	b.pixels = rest
	return b, b.check()
}

func (b *bitmap) check() error {
	switch b.compression {
	case jpegFile:
		return &UnsupportedError{"a JPEG file in BMP"}
	case pngFile:
		return &UnsupportedError{"a PNG file in BMP"}
	}
	ok := false
	switch b.bits {
	case 1, 2, 24:
		ok = b.compression == plain
	case 4:
		ok = b.compression == plain || b.compression == rle4
	case 8:
		ok = b.compression == plain || b.compression == rle8
	case 16, 32:
		ok = b.compression == plain || b.compression == bitFields || b.compression == fields6
	}
	if !ok {
		return fmt.Errorf("bmp: compression %d of %d bits", b.compression, b.bits)
	}
	if b.width < 1 || b.height < 1 || b.width > 1<<30 || b.height > 1<<30 {
		return fmt.Errorf("bmp: %d×%d pixels", b.width, b.height)
	}
	return nil
}

func (b *bitmap) config() image.Config {
	c := image.Config{ColorModel: color.NRGBAModel, Width: b.width, Height: b.height}
	if b.bits <= 8 {
		c.ColorModel = b.colours()
	}
	return c
}

// DecodeConfig returns the size of a file's picture. It takes no memory for pixels.
func DecodeConfig(file []byte) (image.Config, error) {
	b, err := readFile(file)
	if err != nil {
		return image.Config{}, err
	}
	return b.config(), nil
}

// Decode decodes a file to an *image.Paletted or an opaque *image.NRGBA. Whole
// files of kinds that aren't read end in an *UnsupportedError, and files that are
// cut short in io.ErrUnexpectedEOF.
func Decode(ctx context.Context, file []byte) (image.Image, error) {
	b, err := readFile(file)
	if err != nil {
		return nil, err
	}
	return b.decode(ctx)
}

// DIBConfig is [DecodeConfig] for a bitmap without the header of a file.
func DIBConfig(dib []byte) (image.Config, error) {
	b, err := read(dib, 0)
	if err != nil {
		return image.Config{}, err
	}
	return b.config(), nil
}

// DecodeDIB is [Decode] for a bitmap without the header of a file.
func DecodeDIB(ctx context.Context, dib []byte) (image.Image, error) {
	b, err := read(dib, 0)
	if err != nil {
		return nil, err
	}
	return b.decode(ctx)
}

func (b *bitmap) decode(ctx context.Context) (image.Image, error) {
	bounds := image.Rect(0, 0, b.width, b.height)
	if b.compression == rle8 || b.compression == rle4 {
		m := image.NewPaletted(bounds, b.colours())
		return m, b.runs(ctx, m)
	}
	stride := (b.width*b.bits + 31) / 32 * 4
	if (b.height-1)*stride+(b.width*b.bits+7)/8 > len(b.pixels) {
		return nil, short
	}
	row := func(y int) []byte {
		if !b.topDown {
			y = b.height - 1 - y
		}
		return b.pixels[y*stride:]
	}
	if b.bits <= 8 {
		m := image.NewPaletted(bounds, b.colours())
		for y := range b.height {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			src, dst := row(y), m.Pix[y*m.Stride:][:b.width]
			for x := range dst {
				at := x * b.bits
				dst[x] = src[at/8] >> (8 - b.bits - at%8) & (1<<b.bits - 1)
			}
		}
		return m, nil
	}
	m := image.NewNRGBA(bounds)
	var samples [3]sample
	for i := range samples {
		samples[i] = sampleOf(b.masks[i])
	}
	for y := range b.height {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		src, dst := row(y), m.Pix[y*m.Stride:][:4*b.width]
		for ; len(dst) > 0; dst = dst[4:] {
			dst[3] = 255
			switch b.bits {
			case 24:
				dst[0], dst[1], dst[2] = src[2], src[1], src[0]
				src = src[3:]
			case 16:
				v := uint32(binary.LittleEndian.Uint16(src))
				dst[0], dst[1], dst[2] = samples[0].of(v), samples[1].of(v), samples[2].of(v)
				src = src[2:]
			case 32:
				v := binary.LittleEndian.Uint32(src)
				dst[0], dst[1], dst[2] = samples[0].of(v), samples[1].of(v), samples[2].of(v)
				src = src[4:]
			}
		}
	}
	return m, nil
}

// sample is a field of a pixel.
type sample struct {
	mask, most uint32
	shift      int
}

func sampleOf(mask uint32) sample {
	shift := bits.TrailingZeros32(mask)
	return sample{mask, mask >> shift, shift}
}

func (s sample) of(pixel uint32) byte {
	if s.most == 0 {
		return 0
	}
	return byte(uint64(pixel&s.mask>>s.shift) * 255 / uint64(s.most))
}

// colours returns the palette, 256 opaque colours.
func (b *bitmap) colours() color.Palette {
	p := make(color.Palette, 256)
	for i := range p {
		c := color.NRGBA{A: 255}
		if at := i * b.entrySize; at+3 <= len(b.palette) {
			c.B, c.G, c.R = b.palette[at], b.palette[at+1], b.palette[at+2]
		}
		p[i] = c
	}
	return p
}

// runs decodes run-length coding. Pixels outside the picture are ignored.
func (b *bitmap) runs(ctx context.Context, m *image.Paletted) error {
	src := b.pixels
	x, y := 0, 0
	put := func(v byte) {
		if x < b.width && y < b.height {
			row := y
			if !b.topDown {
				row = b.height - 1 - y
			}
			m.Pix[row*m.Stride+x] = v
		}
		x++
	}
	// half is the i-th of two pixels of a byte.
	half := func(v byte, i int) byte {
		if b.compression == rle8 {
			return v
		}
		return v >> (4 - i%2*4) & 15
	}
	for y < b.height {
		if len(src) < 2 {
			if x >= b.width && y == b.height-1 { // a missing end mark
				return nil
			}
			return short
		}
		n, v := int(src[0]), src[1]
		src = src[2:]
		switch {
		case n > 0:
			for i := range n {
				put(half(v, i))
			}
		case v == 0: // end of the row
			x = 0
			if y++; y%64 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
		case v == 1: // end of the picture
			return nil
		case v == 2: // move
			if len(src) < 2 {
				return short
			}
			x, y = x+int(src[0]), y+int(src[1])
			src = src[2:]
		default: // literal pixels, in words
			size := int(v)
			if b.compression == rle4 {
				size = (size + 1) / 2
			}
			if len(src) < size {
				return short
			}
			for i := range int(v) {
				at := i
				if b.compression == rle4 {
					at /= 2
				}
				put(half(src[at], i))
			}
			src = src[min(len(src), size+size%2):]
		}
	}
	return nil
}
