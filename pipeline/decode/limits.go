package decode

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"io"

	"alexnet/pipeline/jpeg"
)

// limits bound a picture before it is decoded.
type limits struct {
	maxPixels int
	maxBytes  int64
}

// MaxFile is the most bytes of a picture file that are read. More are padding, or
// a picture that should be stored compressed.
const MaxFile = 256 << 20

// check reads a file's header, and refuses a picture with too many pixels or too much
// memory. It returns the size, and roughly the most bytes that decoding takes.
func (l limits) check(f format, file []byte) (c image.Config, memory int64, err error) {
	if c, memory, err = measure(f, file); err != nil {
		return c, memory, err
	}
	if err := l.pixels(f.name, c.Width, c.Height); err != nil {
		return c, memory, err
	}
	return c, memory, l.memory(f.name, c.Width, c.Height, memory)
}

// memory refuses a picture that takes too many bytes.
func (l limits) memory(name string, width, height int, bytes int64) error {
	if bytes > l.maxBytes {
		return fmt.Errorf("a %s%s takes up to %d MB of memory to be decoded, over the limit of %d MB: shrink it, or raise the limit",
			name, dimensions(width, height), bytes/1e6, l.maxBytes/1e6)
	}
	return nil
}

// pixels refuses a picture without pixels, and one of too many.
func (l limits) pixels(name string, width, height int) error {
	if width < 1 || height < 1 {
		return fmt.Errorf("damaged: a %s%s", name, dimensions(width, height))
	}
	if width > l.maxPixels/height {
		return fmt.Errorf("a %s%s is over the limit of %d megapixels: shrink it, or raise the limit",
			name, dimensions(width, height), l.maxPixels/1e6)
	}
	return nil
}

// measure returns the header of a file, and roughly the most bytes that decoding takes.
func measure(f format, file []byte) (c image.Config, memory int64, err error) {
	defer recovered(f.name, &err)
	if f.name == "JPEG" {
		h, err := jpeg.ReadHeader(file)
		if err != nil {
			return c, 0, explainJPEG(h, len(file), err)
		}
		models := map[int]color.Model{1: color.GrayModel, 4: color.CMYKModel}
		c = image.Config{ColorModel: models[h.Components], Width: h.Width, Height: h.Height}
		return c, h.Memory() + turnMemory(c.Width, c.Height, orientation(f.name, file)), nil
	}
	if c, err = f.config(file); err != nil {
		return c, 0, explain(f.name, "", len(file), err)
	}
	memory = pixelMemory(c)
	if f.memory != nil {
		memory = f.memory(file, c)
	}
	return c, memory + turnMemory(c.Width, c.Height, orientation(f.name, file)), nil
}

// turnMemory returns the bytes that turning a picture upright takes.
func turnMemory(width, height, orientation int) int64 {
	if orientation == 1 {
		return 0
	}
	return 3 * int64(width) * int64(height)
}

// pixelMemory returns the bytes of Go's image of a config.
func pixelMemory(c image.Config) int64 {
	each := int64(4)
	switch c.ColorModel {
	case color.GrayModel, color.AlphaModel:
		each = 1
	case color.Gray16Model, color.Alpha16Model:
		each = 2
	case color.RGBA64Model, color.NRGBA64Model:
		each = 8
	}
	if _, ok := c.ColorModel.(color.Palette); ok {
		each = 1
	}
	return each * int64(c.Width) * int64(c.Height)
}

// contextReader reads a file's bytes until ctx ends. It returns few bytes at a time,
// because a few hundred may hold megabytes of pixels.
type contextReader struct {
	ctx  context.Context
	file *bytes.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.file.Read(p[:min(len(p), 512)])
}

var _ io.Reader = (*contextReader)(nil)
