package decode

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"alexnet/pipeline/jpeg"
)

// otherFormats are other kinds of files that are common in picture folders.
var otherFormats = []struct{ name, magic string }{
	{"a video or another ISO media file", "????ftyp"},
	{"a JPEG 2000 picture", "\x00\x00\x00\x0cjP"},
	{"a JPEG 2000 picture", "\xff\x4f\xff\x51"},
	{"a PFM picture of floating-point numbers", "P?\n"},
	{"a Photoshop picture", "8BPS"},
	{"a gzip archive", "\x1f\x8b"},
	{"a zip archive", "PK\x03\x04"},
	{"a PDF document", "%PDF"},
}

func matches(data []byte, magic string) bool {
	if len(data) < len(magic) {
		return false
	}
	for i := range len(magic) {
		switch c := magic[i]; {
		case c == '?', c == '~' && strings.IndexByte(" \t\r\n#", data[i]) >= 0, c != '~' && c == data[i]:
		default:
			return false
		}
	}
	return true
}

// identify returns the format of a file, or an error that names the kind of file.
func identify(data []byte) (format, error) {
	if len(data) == 0 {
		return format{}, errors.New("the file is empty (0 bytes): fetch it again, or remove it")
	}
	for _, f := range formats {
		if matches(data, f.magic) {
			return f, nil
		}
	}
	readable := readable() + " are read: convert it, or remove it"
	for _, s := range otherFormats {
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

// decode decodes a picture whose size is within the limits. Some decoders are not ours
// and parse untrusted bytes, so their panics become errors.
func decode(ctx context.Context, f format, file []byte, config image.Config) (img image.Image, err error) {
	defer recovered(f.name, &err)
	if img, err = f.decode(ctx, file); err != nil {
		return nil, explain(f.name, dimensions(config.Width, config.Height), len(file), err)
	}
	return img, nil
}

// recovered makes a decoder's panic an error.
func recovered(name string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("damaged %s: its decoder failed: %v", name, p)
	}
}

func dimensions(width, height int) string {
	return fmt.Sprintf(" of %d×%d pixels", width, height)
}

// explain adds to a decoder's error what the user can do.
func explain(name, size string, n int, err error) error {
	if e, ok := errors.AsType[*jpeg.Error](err); ok { // a JPEG file inside another file
		switch e.Kind {
		case jpeg.Cut:
			err = io.ErrUnexpectedEOF
		case jpeg.Unsupported:
			return fmt.Errorf("a %s%s of a kind that isn't read (JPEG data: %s): convert it", name, size, e.Reason)
		}
	}
	var missing interface{ Missing() (name, install string) }
	if errors.As(err, &missing) {
		library, install := missing.Missing()
		return fmt.Errorf("%s pictures are read by %s, which isn't here: %s, or convert the picture", name, library, install)
	}
	var whole interface{ Unsupported() string }
	switch text := err.Error(); {
	case errors.As(err, &whole):
		return fmt.Errorf("a %s%s of a kind that isn't read (%s): convert it", name, size, whole.Unsupported())
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF),
		strings.Contains(text, "not enough pixel data"):
		return fmt.Errorf("a %s%s is cut short: its %d bytes don't hold all of it: fetch or copy it again", name, size, n)
	case strings.Contains(text, "unsupported"):
		return fmt.Errorf("a %s%s of a kind that isn't read: %w: convert it", name, size, err)
	}
	return fmt.Errorf("a damaged %s%s: %w: fetch or copy it again", name, size, err)
}
