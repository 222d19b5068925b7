package jpeg

import (
	"fmt"
	"image"
)

// Picture is a part of a decoded picture.
type Picture struct {
	Bounds image.Rectangle // the pixels that are there

	planes       []plane
	planesBounds image.Rectangle // pixels in planes: Bounds or more
	hMax, vMax   int
	colours      colours
	scratch      []byte
	rows         [4][]byte

	rgb    []byte // without planes: the pixels of Bounds
	stride int
}

// colours says what a picture's components are.
type colours int

const (
	grey colours = iota
	yCbCr
	plainRGB
	cmyk
	ycck
)

// space holds what a file says about its colours.
type space struct {
	jfif, adobe bool
	transform   byte // Adobe's
}

func (s *space) sawAPP0(body []byte) {
	s.jfif = s.jfif || len(body) >= 14 && string(body[:5]) == "JFIF\x00"
}

func (s *space) sawAPP14(body []byte) {
	if len(body) >= 12 && string(body[:5]) == "Adobe" {
		s.adobe, s.transform = true, body[11]
	}
}

// of returns the meaning of n components with the given ids, guessed as libjpeg does.
// Transforms that Adobe doesn't define count as the usual ones.
func (s *space) of(n int, ids [4]byte) colours {
	switch {
	case n == 1:
		return grey
	case n == 4 && s.adobe && s.transform != 0:
		return ycck
	case n == 4:
		return cmyk
	case s.jfif:
		return yCbCr
	case s.adobe && s.transform == 0, !s.adobe && [3]byte(ids[:]) == [3]byte{'R', 'G', 'B'}:
		return plainRGB
	}
	return yCbCr
}

// RGB overwrites dst, rect.Dy() rows of rect.Dx() RGB pixels without gaps, with
// the pixels inside rect, which lies in p.Bounds.
func (p *Picture) RGB(dst []byte, rect image.Rectangle) { p.write(dst, rect, false) }

// Mirrored is RGB with the pixels of each row in reverse order.
func (p *Picture) Mirrored(dst []byte, rect image.Rectangle) { p.write(dst, rect, true) }

func (p *Picture) write(dst []byte, rect image.Rectangle, mirrored bool) {
	if !rect.In(p.Bounds) {
		panic(fmt.Sprintf("jpeg: %v isn't in the picture's %v", rect, p.Bounds))
	}
	n := 3 * rect.Dx()
	if p.rgb != nil {
		at := rect.Sub(p.Bounds.Min)
		for y := at.Min.Y; y < at.Max.Y; y++ {
			copy(dst[:n], p.rgb[y*p.stride+3*at.Min.X:])
			if mirrored {
				mirror(dst[:n])
			}
			dst = dst[n:]
		}
		return
	}
	at := rect.Sub(p.planesBounds.Min)
	whole := p.planesBounds.Dx() + 8
	p.scratch = grow(p.scratch, len(p.planes)*whole)
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for i := range p.planes {
			p.rows[i] = p.planes[i].row(p.scratch[i*whole:][:whole], y, at.Min.X, at.Max.X, p.hMax, p.vMax)
		}
		p.colours.toRGB(dst[:n], p.rows[:len(p.planes)], mirrored)
		dst = dst[n:]
	}
}
