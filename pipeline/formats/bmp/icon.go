package bmp

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
)

// PNG decodes the PNG files that icons may hold.
type PNG struct {
	Config func(file []byte) (image.Config, error)
	Decode func(ctx context.Context, file []byte) (image.Image, error)
}

// largest returns the largest picture of an icon or cursor file. Of several with that
// size it returns the one with the fewest bits, as Pillow does.
func largest(file []byte) ([]byte, error) {
	if len(file) < 6 {
		return nil, short
	}
	n := int(binary.LittleEndian.Uint16(file[4:]))
	if n == 0 || len(file) < 6+16*n {
		return nil, short
	}
	var best []byte
	area, depth := 0, 0
	for i := range n {
		e := file[6+16*i:][:16]
		side := func(v byte) int { return (int(v)+255)%256 + 1 } // 0 is 256
		a, d := side(e[0])*side(e[1]), int(binary.LittleEndian.Uint16(e[6:]))
		if file[2] == 2 { // a cursor has its hot spot here
			d = 0
		}
		if d == 0 {
			d = 256
			if e[2] != 0 {
				for d = 0; 1<<d < int(e[2]); d++ {
				}
			}
		}
		if best == nil || a > area || a == area && d < depth {
			best, area, depth = e, a, d
		}
	}
	at := int64(binary.LittleEndian.Uint32(best[12:]))
	if at >= int64(len(file)) {
		return nil, short
	}
	return file[at:], nil // some files have a wrong size
}

var pngMagic = []byte("\x89PNG\r\n\x1a\n")

// IconConfig returns the size of the largest picture of an icon or cursor file.
func (p PNG) IconConfig(file []byte) (image.Config, error) {
	data, err := largest(file)
	if err != nil {
		return image.Config{}, err
	}
	if bytes.HasPrefix(data, pngMagic) {
		return p.Config(data)
	}
	b, err := readIcon(data)
	if err != nil {
		return image.Config{}, err
	}
	return b.config(), nil
}

// DecodeIcon decodes the largest picture of an icon or cursor file, as [Decode]
// does.
func (p PNG) DecodeIcon(ctx context.Context, file []byte) (image.Image, error) {
	data, err := largest(file)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(data, pngMagic) {
		return p.Decode(ctx, data)
	}
	b, err := readIcon(data)
	if err != nil {
		return nil, err
	}
	return b.decode(ctx)
}
