package rescale

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// format is a picture format, told by the first bytes of a file. A '?' in magic
// stands for any byte.
type format struct {
	name, magic string
	config      func(io.Reader) (image.Config, error)
	decode      func(io.Reader) (image.Image, error)
	// memory is about how many bytes decode takes for a file of that config, at
	// most; nil: what the pixels of the config's colour model take.
	memory func(file []byte, c image.Config) int64
}

// formats is the table of everything that is read.
var formats = []format{
	{"JPEG", "\xff\xd8\xff", nil, nil, nil}, // jpeg.go,
	{"PNG", "\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode, pngMemory},
	{"GIF", "GIF8?a", gif.DecodeConfig, gif.Decode, nil},
	{"BMP", "BM????\x00\x00\x00\x00", bmp.DecodeConfig, bmp.Decode, nil},
	{"TIFF", "II*\x00", tiff.DecodeConfig, tiff.Decode, nil},
	{"TIFF", "MM\x00*", tiff.DecodeConfig, tiff.Decode, nil},
	{"WebP", "RIFF????WEBPVP8", webp.DecodeConfig, webp.Decode, nil},
}

// strangers are contents that are met in picture folders and not read.
var strangers = []struct{ name, magic string }{
	{"a HEIF or AVIF picture", "????ftyp"},
	{"a JPEG 2000 picture", "\x00\x00\x00\x0cjP"},
	{"a JPEG XL picture", "\xff\x0a"},
	{"a gzip archive", "\x1f\x8b"},
	{"a zip archive", "PK\x03\x04"},
	{"a PDF document", "%PDF"},
}

func matches(data []byte, magic string) bool {
	if len(data) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && data[i] != magic[i] {
			return false
		}
	}
	return true
}

// identify returns the format of a file, or an error that says what it is
// instead.
func identify(data []byte) (format, error) {
	if len(data) == 0 {
		return format{}, errors.New("the file is empty (0 bytes): fetch it again, or remove it")
	}
	for _, f := range formats {
		if matches(data, f.magic) {
			return f, nil
		}
	}
	const readable = "JPEG, PNG, GIF, BMP, TIFF and WebP are read: convert it, or remove it"
	for _, s := range strangers {
		if matches(data, s.magic) {
			return format{}, fmt.Errorf("holds %s, which isn't read (%s)", s.name, readable)
		}
	}
	head := data[:min(len(data), 24)]
	if isText(head) {
		return format{}, fmt.Errorf("holds text, not a picture: it begins with %q (%s)", head, readable)
	}
	return format{}, fmt.Errorf("isn't a known picture format: it begins with the bytes % x (%s)",
		head[:min(len(head), 8)], readable)
}

// isText reports whether head, which may end inside a character, looks like
// text.
func isText(head []byte) bool {
	for len(head) > 0 {
		c, n := utf8.DecodeRune(head)
		if c == utf8.RuneError && n == 1 {
			return !utf8.FullRune(head)
		}
		if !unicode.IsPrint(c) && !unicode.IsSpace(c) && c != '\ufeff' {
			return false
		}
		head = head[n:]
	}
	return true
}

// decode decodes a picture of a size within the limits. The decoders are other
// people's parsers of hostile bytes, so a panic of theirs is an error here.
func decode(ctx context.Context, f format, file []byte, config image.Config) (img image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			img, err = nil, fmt.Errorf("damaged %s: its decoder failed: %v", f.name, p)
		}
	}()
	if img, err = f.decode(&contextReader{ctx, bytes.NewReader(file)}); err != nil {
		return nil, explain(f.name, dimensions(config.Width, config.Height), len(file), err)
	}
	return img, nil
}

func dimensions(width, height int) string {
	return fmt.Sprintf(" of %d×%d pixels", width, height)
}

// explain turns a decoder's error into one that says what to do.
func explain(name, size string, n int, err error) error {
	switch text := err.Error(); {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		strings.Contains(text, "not enough pixel data"):
		return fmt.Errorf("a %s%s is cut short: its %d bytes don't hold all of it: fetch or copy it again", name, size, n)
	case strings.Contains(text, "unsupported"):
		return fmt.Errorf("a %s%s of a kind that isn't read: %w: convert it", name, size, err)
	}
	return fmt.Errorf("a damaged %s%s: %w: fetch or copy it again", name, size, err)
}
