// Package webp decodes WebP files, of animations the first frame in its place on
// the canvas. VP8 and VP8L data are left to golang.org/x/image; alpha isn't
// decoded, since colours don't depend on it.
package webp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
)

// header holds everything known before decoding.
type header struct {
	width, height int // of the canvas
	kind          string
	data          []byte          // of the VP8 or VP8L chunk
	frame         image.Rectangle // its position on the canvas
}

// chunk returns the first chunk of RIFF data and the bytes after it. A chunk that is cut
// short is returned as far as it goes.
func chunk(b []byte) (kind string, body, rest []byte, ok bool) {
	if len(b) < 8 {
		return "", nil, nil, false
	}
	n := int64(binary.LittleEndian.Uint32(b[4:]))
	kind, b = string(b[:4]), b[8:]
	if n > int64(len(b)) {
		return kind, b, nil, true
	}
	return kind, b[:n], b[min(n+n&1, int64(len(b))):], true
}

func number24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func readHeader(file []byte) (h header, err error) {
	if len(file) < 12 {
		return h, io.ErrUnexpectedEOF
	}
	rest := file[12:]
	for {
		kind, body, next, ok := chunk(rest)
		if !ok {
			return h, io.ErrUnexpectedEOF
		}
		rest = next
		switch kind {
		case "VP8X":
			if len(body) < 10 {
				return h, io.ErrUnexpectedEOF
			}
			h.width, h.height = number24(body[4:])+1, number24(body[7:])+1
		case "ANMF": // the first frame
			if len(body) < 16 {
				return h, io.ErrUnexpectedEOF
			}
			x, y := 2*number24(body), 2*number24(body[3:])
			h.frame = image.Rect(x, y, x+number24(body[6:])+1, y+number24(body[9:])+1)
			rest = body[16:]
		case "VP8 ", "VP8L":
			h.kind, h.data = kind, body
			return h, h.check()
		}
	}
}

// check compares the sizes in a file.
func (h *header) check() error {
	c, err := h.config()
	if err != nil {
		return fmt.Errorf("webp: %w", err)
	}
	if c.Width < 1 || c.Height < 1 {
		return fmt.Errorf("webp: %d×%d pixels", c.Width, c.Height)
	}
	size := image.Rect(0, 0, c.Width, c.Height)
	if h.width == 0 {
		h.width, h.height = c.Width, c.Height
	}
	if h.frame.Empty() {
		h.frame = image.Rect(0, 0, h.width, h.height)
	}
	if h.frame.Size() != size.Size() || !h.frame.In(image.Rect(0, 0, h.width, h.height)) {
		return fmt.Errorf("webp: %v pixels for a frame at %v of a canvas of %d×%d", size.Size(), h.frame, h.width, h.height)
	}
	return nil
}

func (h *header) config() (image.Config, error) {
	if h.kind == "VP8L" {
		return vp8l.DecodeConfig(bytes.NewReader(h.data))
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(h.data), len(h.data))
	f, err := d.DecodeFrameHeader()
	if err == nil && !f.KeyFrame {
		err = errors.New("a frame that needs another")
	}
	return image.Config{ColorModel: color.YCbCrModel, Width: f.Width, Height: f.Height}, err
}

// DecodeConfig returns the size of the canvas. It takes no memory for pixels.
func DecodeConfig(file []byte) (image.Config, error) {
	h, err := readHeader(file)
	if err != nil {
		return image.Config{}, err
	}
	return image.Config{ColorModel: color.NRGBAModel, Width: h.width, Height: h.height}, nil
}

// Memory is about how many bytes Decode takes at most for a picture of a
// DecodeConfig: VP8L needs several copies of the pixels.
func Memory(_ []byte, c image.Config) int64 { return 10 * int64(c.Width) * int64(c.Height) }

// contextReader reads bytes until ctx ends.
type contextReader struct {
	ctx context.Context
	r   *bytes.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p[:min(len(p), 512)])
}

// Decode decodes the first frame: a lossy one to an *image.YCbCr, to be made RGB by
// [RGB]; a lossless one to an *image.NRGBA whose alpha means nothing; and one that
// doesn't cover its canvas to the canvas, black where the frame isn't. Files that
// are cut short end in io.ErrUnexpectedEOF.
func Decode(ctx context.Context, file []byte) (image.Image, error) {
	h, err := readHeader(file)
	if err != nil {
		return nil, err
	}
	img, err := h.decode(ctx)
	if err != nil {
		return nil, fmt.Errorf("webp: %w", err)
	}
	canvas := image.Rect(0, 0, h.width, h.height)
	if h.frame == canvas {
		return img, nil
	}
	whole := image.NewNRGBA(canvas)
	switch m := img.(type) {
	case *image.YCbCr:
		var u Upsampler
		row := make([]byte, 3*h.frame.Dx())
		for y := range h.frame.Dy() {
			u.RGB(row, m, image.Rect(0, y, h.frame.Dx(), y+1))
			out := whole.Pix[whole.PixOffset(h.frame.Min.X, h.frame.Min.Y+y):]
			for x := range h.frame.Dx() {
				copy(out[4*x:4*x+3], row[3*x:])
			}
		}
	case *image.NRGBA:
		draw.Draw(whole, h.frame, m, image.Point{}, draw.Src)
	}
	return whole, nil
}

func (h *header) decode(ctx context.Context) (image.Image, error) {
	r := &contextReader{ctx, bytes.NewReader(h.data)}
	if h.kind == "VP8L" {
		return vp8l.Decode(r)
	}
	d := vp8.NewDecoder()
	d.Init(r, len(h.data))
	if _, err := d.DecodeFrameHeader(); err != nil {
		return nil, err
	}
	return d.DecodeFrame()
}
