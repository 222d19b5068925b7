// Package pnm decodes the portable bitmaps, graymaps, pixmaps and arbitrary maps of
// Netpbm (PBM, PGM, PPM, PAM; P1 to P7), of a file of several the first picture.
//
// As in Pillow, samples are scaled from 0…maxval to 0…255 and rounded; alpha isn't
// decoded.
package pnm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"strconv"
	"strings"
)

// UnsupportedError reports a feature of a whole file that isn't read.
type UnsupportedError struct{ What string }

func (e *UnsupportedError) Error() string { return "pnm: unsupported: " + e.What }

// Unsupported returns e.What.
func (e *UnsupportedError) Unsupported() string { return e.What }

// header is everything before the pixels.
type header struct {
	kind          byte // '1' to '7'
	width, height int
	depth         int // samples of a pixel
	most          int // the largest value of a sample
	pixels        []byte
}

// token returns the next word and the bytes after the white space that follows it.
// Comments reach from # to the end of a line.
func token(b []byte) (word string, rest []byte) {
	for len(b) > 0 {
		switch {
		case b[0] == '#':
			end := bytes.IndexAny(b, "\r\n")
			if end < 0 {
				return "", nil
			}
			b = b[end:]
		case isSpace(b[0]):
			b = b[1:]
		default:
			n := 0
			for n < len(b) && !isSpace(b[n]) && b[n] != '#' {
				n++
			}
			return string(b[:n]), b[n:]
		}
	}
	return "", nil
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// number reads a decimal number of at most 9 digits.
func number(b []byte) (int, []byte, error) {
	word, rest := token(b)
	if word == "" {
		return 0, nil, io.ErrUnexpectedEOF
	}
	if len(word) > 9 {
		return 0, nil, fmt.Errorf("pnm: %q where a number belongs", word[:9])
	}
	v, err := strconv.ParseUint(word, 10, 31)
	if err != nil {
		return 0, nil, fmt.Errorf("pnm: %q where a number belongs", word)
	}
	return int(v), rest, nil
}

func readHeader(file []byte) (h header, err error) {
	if len(file) < 3 {
		return h, io.ErrUnexpectedEOF
	}
	h = header{kind: file[1], depth: 1, most: 1}
	rest := file[2:]
	if h.kind == '7' {
		if rest, err = h.arbitrary(rest); err != nil {
			return h, err
		}
	} else {
		fields := []*int{&h.width, &h.height, &h.most}
		if h.kind == '1' || h.kind == '4' {
			fields = fields[:2]
		}
		for _, f := range fields {
			if *f, rest, err = number(rest); err != nil {
				return h, err
			}
		}
		if h.kind == '3' || h.kind == '6' {
			h.depth = 3
		}
		if len(rest) > 0 {
			rest = rest[1:] // one white space
		}
	}
	h.pixels = rest
	if h.width < 1 || h.height < 1 || h.most < 1 || h.most > 65535 {
		return h, fmt.Errorf("pnm: %d×%d pixels of samples up to %d", h.width, h.height, h.most)
	}
	return h, nil
}

// arbitrary reads the header of a PAM file ("portable arbitrary map").
func (h *header) arbitrary(b []byte) (rest []byte, err error) {
	kind := ""
	for {
		line, next, found := bytes.Cut(b, []byte("\n"))
		if !found {
			return nil, io.ErrUnexpectedEOF
		}
		b = next
		words := strings.Fields(string(line[:min(len(line), 200)]))
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if words[0] == "ENDHDR" {
			break
		}
		value := 0
		if words[0] == "TUPLTYPE" {
			kind = strings.Join(words[1:], " ")
			continue
		}
		if len(words) == 2 {
			value, _, err = number([]byte(words[1]))
		}
		if len(words) != 2 || err != nil {
			return nil, fmt.Errorf("pnm: %q in the header", line[:min(len(line), 40)])
		}
		switch words[0] {
		case "WIDTH":
			h.width = value
		case "HEIGHT":
			h.height = value
		case "DEPTH":
			h.depth = value
		case "MAXVAL":
			h.most = value
		}
	}
	if h.depth < 1 || h.depth > 4 || kind == "CMYK" {
		return nil, &UnsupportedError{fmt.Sprintf("PAM of type %q with %d samples a pixel", kind, h.depth)}
	}
	return b, nil
}

// DecodeConfig returns the size of a picture. It takes no memory for pixels.
func DecodeConfig(file []byte) (image.Config, error) {
	h, err := readHeader(file)
	if err != nil {
		return image.Config{}, err
	}
	c := image.Config{ColorModel: color.NRGBAModel, Width: h.width, Height: h.height}
	if h.depth < 3 {
		c.ColorModel = color.GrayModel
	}
	return c, nil
}

// Decode decodes a picture to an *image.Gray or an opaque *image.NRGBA. Files that
// are cut short end in io.ErrUnexpectedEOF.
func Decode(ctx context.Context, file []byte) (image.Image, error) {
	h, err := readHeader(file)
	if err != nil {
		return nil, err
	}
	row, err := h.rows()
	if err != nil {
		return nil, err
	}
	bounds := image.Rect(0, 0, h.width, h.height)
	grey, colour := &image.Gray{}, &image.NRGBA{}
	if h.depth < 3 {
		grey = image.NewGray(bounds)
	} else {
		colour = image.NewNRGBA(bounds)
	}
	samples := make([]int, h.width*h.depth)
	for y := range h.height {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := row(samples); err != nil {
			return nil, err
		}
		for x := range h.width {
			s := samples[x*h.depth:][:h.depth]
			if h.depth < 3 {
				grey.Pix[y*grey.Stride+x] = h.scale(s[0])
				continue
			}
			pixel := colour.Pix[y*colour.Stride+4*x:][:4]
			pixel[0], pixel[1], pixel[2], pixel[3] = h.scale(s[0]), h.scale(s[1]), h.scale(s[2]), 255
		}
	}
	if h.depth < 3 {
		return grey, nil
	}
	return colour, nil
}

// scale converts a sample to 0…255. It rounds halves to even, as Python does.
func (h *header) scale(v int) byte {
	v = min(v, h.most)
	q, r := v*255/h.most, v*255%h.most
	if 2*r > h.most || 2*r == h.most && q%2 == 1 {
		q++
	}
	return byte(q)
}

var errSample = errors.New("pnm: a sample that is no number up to maxval")

// rows returns a function that reads the samples of the next row. In a bitmap 1 is black,
// and becomes 0.
func (h *header) rows() (func(out []int) error, error) {
	rest := h.pixels
	need := 0 // bytes of a row
	switch h.kind {
	case '1':
		return func(out []int) error {
			for i := range out {
				for len(rest) > 0 && (isSpace(rest[0]) || rest[0] == '#') {
					if rest[0] == '#' {
						rest = rest[max(0, bytes.IndexByte(rest, '\n')):]
					}
					rest = rest[1:]
				}
				if len(rest) == 0 {
					return io.ErrUnexpectedEOF
				}
				if rest[0] != '0' && rest[0] != '1' {
					return errSample
				}
				out[i] = int('1' - rest[0])
				rest = rest[1:]
			}
			return nil
		}, nil
	case '2', '3':
		return func(out []int) (err error) {
			for i := range out {
				if out[i], rest, err = number(rest); err != nil {
					return err
				}
				if out[i] > h.most {
					return errSample
				}
			}
			return nil
		}, nil
	case '4':
		need = (h.width + 7) / 8
	default:
		need = h.width * h.depth
		if h.most > 255 {
			need *= 2
		}
	}
	if h.height > len(rest)/need {
		return nil, io.ErrUnexpectedEOF
	}
	return func(out []int) error {
		row := rest[:need]
		rest = rest[need:]
		for i := range out {
			switch {
			case h.kind == '4':
				out[i] = 1 - int(row[i/8]>>(7-i%8)&1)
			case h.most > 255:
				out[i] = int(row[2*i])<<8 | int(row[2*i+1])
			default:
				out[i] = int(row[i])
			}
		}
		return nil
	}, nil
}
