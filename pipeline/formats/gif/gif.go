// Package gif decodes the first frame of GIF files, in its place on the logical
// screen (GIF89a).
//
// As in Pillow, what the frame leaves free has the transparent colour's index, or
// index 0 where no colour is transparent; every index, the transparent one too, keeps the
// colour of its palette; a frame that reaches beyond the screen enlarges it; colours
// that a palette lacks are black; and without a palette a pixel is grey.
package gif

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
)

// header holds everything before the first frame's pixels.
type header struct {
	width, height int // of the screen, enlarged to hold the frame
	frame         image.Rectangle
	palette       []byte // RGB
	transparent   int    // index, or −1
	interlaced    bool
	codeBits      int
	data          []byte // the file from the first block of pixels on
}

// The flags of a screen or frame.
const (
	hasPalette = 0x80
	interlace  = 0x40
)

var errShort = fmt.Errorf("gif: %w", io.ErrUnexpectedEOF)

func readHeader(file []byte) (h header, err error) {
	if len(file) < 13 {
		return h, errShort
	}
	h.width, h.height = int(binary.LittleEndian.Uint16(file[6:])), int(binary.LittleEndian.Uint16(file[8:]))
	h.transparent = -1
	flags, rest := file[10], file[13:]
	takePalette := func() bool {
		n := 3 << (flags&7 + 1)
		if flags&hasPalette == 0 {
			return true
		}
		if len(rest) < n {
			return false
		}
		h.palette, rest = rest[:n], rest[n:]
		return true
	}
	if !takePalette() {
		return h, errShort
	}
	for len(rest) > 0 {
		kind := rest[0]
		rest = rest[1:]
		switch kind {
		case '!':
			if len(rest) < 2 {
				return h, errShort
			}
			label, block := rest[0], rest[1:]
			if n := int(block[0]); label == 0xf9 && n >= 4 && len(block) > 4 && block[1]&1 != 0 {
				h.transparent = int(block[4])
			}
			if rest = skipBlocks(block); rest == nil {
				return h, errShort
			}
		case ',':
			if len(rest) < 9 {
				return h, errShort
			}
			var v [4]int
			for i := range v {
				v[i] = int(binary.LittleEndian.Uint16(rest[2*i:]))
			}
			h.frame = image.Rect(v[0], v[1], v[0]+v[2], v[1]+v[3])
			h.width, h.height = max(h.width, h.frame.Max.X), max(h.height, h.frame.Max.Y)
			flags, rest = rest[8], rest[9:]
			h.interlaced = flags&interlace != 0
			if !takePalette() || len(rest) < 1 {
				return h, errShort
			}
			h.codeBits, h.data = int(rest[0]), rest[1:]
			return h, nil
		case ';':
			return h, errors.New("gif: no frame")
		}
	}
	return h, errShort
}

// skipBlocks returns the bytes after a list of blocks, or nil if the file ends within the
// list.
func skipBlocks(b []byte) []byte {
	for len(b) > 0 {
		n := int(b[0])
		if n >= len(b) {
			return nil
		}
		b = b[1+n:]
		if n == 0 {
			return b
		}
	}
	return nil
}

// blocks reads the bytes of a list of blocks, until ctx ends.
type blocks struct {
	ctx  context.Context
	rest []byte
	left []byte // of the block
}

func (b *blocks) Read(p []byte) (int, error) {
	for len(b.left) == 0 {
		if err := b.ctx.Err(); err != nil {
			return 0, err
		}
		if len(b.rest) == 0 || b.rest[0] == 0 {
			return 0, io.EOF
		}
		n := min(int(b.rest[0]), len(b.rest)-1)
		b.left, b.rest = b.rest[1:1+n], b.rest[1+n:]
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

// DecodeConfig returns the size of the screen with the first frame on it. It takes
// no memory for pixels.
func DecodeConfig(file []byte) (image.Config, error) {
	h, err := readHeader(file)
	if err != nil {
		return image.Config{}, err
	}
	return image.Config{ColorModel: h.colours(), Width: h.width, Height: h.height}, nil
}

// colours returns the palette, 256 opaque colours.
func (h *header) colours() color.Palette {
	p := make(color.Palette, 256)
	for i := range p {
		c := color.NRGBA{A: 255}
		switch {
		case 3*i+3 <= len(h.palette):
			c.R, c.G, c.B = h.palette[3*i], h.palette[3*i+1], h.palette[3*i+2]
		case h.palette == nil:
			c.R, c.G, c.B = byte(i), byte(i), byte(i)
		}
		p[i] = c
	}
	return p
}

// Decode decodes the first frame to the screen. Files that are cut short end in
// io.ErrUnexpectedEOF.
func Decode(ctx context.Context, file []byte) (image.Image, error) {
	h, err := readHeader(file)
	if err != nil {
		return nil, err
	}
	if h.codeBits < 1 || h.codeBits > 11 {
		return nil, fmt.Errorf("gif: codes of %d bits", h.codeBits)
	}
	m := image.NewPaletted(image.Rect(0, 0, h.width, h.height), h.colours())
	if h.transparent > 0 && h.frame != m.Rect {
		copy(m.Pix, bytes.Repeat([]byte{byte(h.transparent)}, len(m.Pix)))
	}
	pixels := newLZWReader(&blocks{ctx: ctx, rest: h.data}, h.codeBits)
	row := func(y int) error {
		at := m.PixOffset(h.frame.Min.X, h.frame.Min.Y+y)
		_, err := io.ReadFull(pixels, m.Pix[at:at+h.frame.Dx()])
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	passes := []struct{ first, step int }{{0, 1}}
	if h.interlaced {
		passes = []struct{ first, step int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
	}
	for _, pass := range passes {
		for y := pass.first; y < h.frame.Dy(); y += pass.step {
			if err := row(y); err != nil {
				return nil, fmt.Errorf("gif: %w", err)
			}
		}
	}
	return m, nil
}
