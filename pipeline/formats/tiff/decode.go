package tiff

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
)

// DecodeConfig returns the size of a file's first picture as stored, and its
// colour model. It takes no memory for pixels.
func DecodeConfig(data []byte) (image.Config, error) {
	l, err := layoutOf(data)
	if err != nil {
		return image.Config{}, err
	}
	return image.Config{ColorModel: l.model(), Width: l.width, Height: l.height}, nil
}

// Memory is about how many bytes Decode takes at most for a file, 0 if
// DecodeConfig refuses it.
func Memory(data []byte) int64 {
	l, err := layoutOf(data)
	if err != nil || l.readChunks() != nil {
		return 0
	}
	pixel := int64(4)
	if l.colours == 1 && l.photometric != palette {
		pixel = 1
	}
	n := pixel*int64(l.width)*int64(l.height) + int64(3*l.planes*l.rowBytes())
	if l.compression == 6 || l.compression == 7 { // their chunks are decoded whole
		n += 8 * int64(l.planes) * int64(l.chunkWidth) * int64(min(l.chunkRows, l.height))
	}
	return n + int64(len(data)) // FillOrder
}

// Decode decodes a file's first picture as stored, without its orientation and
// without alpha, to an *image.Gray or an opaque *image.NRGBA. jpeg decodes
// what is compressed as JPEG. Whole files of kinds that aren't read end in an
// *UnsupportedError, and files that are cut short in io.ErrUnexpectedEOF.
func Decode(ctx context.Context, data []byte, jpeg JPEGDecoder) (image.Image, error) {
	l, err := layoutOf(data)
	if err != nil {
		return nil, err
	}
	if err := l.readChunks(); err != nil {
		return nil, err
	}
	u := &unpacker{layout: l, ctx: ctx, jpeg: jpeg}
	white := 1.0
	if l.format == float {
		// Most floating-point pictures are 0…1, and some are 0…255.
		peak := 0.0
		err := u.rows(func(_, _, _ int, row []byte) {
			for i := range len(row) / (l.bits / 8) {
				if f := l.number(l.sample(row, i)); f > peak && !math.IsInf(f, 0) {
					peak = f
				}
			}
		})
		if err != nil {
			return nil, err
		}
		if peak > 1 {
			white = 255
		}
	}
	img, pix, stride, paint := painterOf(l)
	bytesPerPixel := stride / l.width
	samples := make([]byte, (l.chunkWidth+3)*l.samples)
	put := func(x, y int, samples []byte) {
		n := min(l.chunkWidth, l.width-x)
		paint(pix[y*stride+x*bytesPerPixel:][:n*bytesPerPixel], samples)
	}
	if l.across*l.down > 1 {
		err = u.rows(func(x, y, _ int, row []byte) { l.spread(x, y, row, samples, put) })
		return img, err
	}
	err = u.rows(func(x, y, plane int, row []byte) {
		l.toBytes(samples[plane:l.chunkWidth*l.samples], l.planes, row, white)
		if l.planes == 1 || plane == l.used-1 {
			put(x, y, samples)
		}
	})
	return img, err
}

// rows unpacks all chunks and calls do for each of their rows within the picture, plane
// after plane, with its position and its bytes without predictor. With subsampled chroma,
// the rows that share chroma count as one row.
func (u *unpacker) rows(do func(x, y, plane int, row []byte)) error {
	across, down := u.grid()
	size := u.rowBytes()
	row, scratch := make([]byte, size), []byte(nil)
	if u.predictor == 3 {
		scratch = make([]byte, size)
	}
	readers := make([]io.Reader, min(u.planes, u.used))
	for c := range across * down {
		x, y := c%across*u.chunkWidth, c/across*u.chunkRows
		for p := range readers {
			stored, err := u.chunk(p*across*down + c)
			if err == nil {
				readers[p], err = u.open(stored)
			}
			if err != nil {
				return u.explain(err)
			}
		}
		for end := min(y+u.chunkRows, u.height); y < end; y += u.down {
			if err := u.ctx.Err(); err != nil {
				return err
			}
			for p, r := range readers {
				if _, err := io.ReadFull(r, row); err != nil {
					return u.explain(err)
				}
				u.predicted(row, scratch, u.samples/u.planes)
				do(x, y, p, row)
			}
		}
	}
	return nil
}

// explain returns one error for all kinds of data that end too early.
func (u *unpacker) explain(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	var whole *UnsupportedError
	var damage damagedError
	if errors.As(err, &whole) || errors.As(err, &damage) || u.ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("tiff: %w", err)
}

// spread paints rows that share chroma: units of down×across Y, then Cb, Cr. Each
// chroma sample is repeated, as libtiff does.
func (l *layout) spread(x, y int, row, samples []byte, put func(x, y int, samples []byte)) {
	unit := l.across*l.down + 2
	for k := range min(l.down, l.height-y) {
		for i := range (l.chunkWidth + l.across - 1) / l.across {
			u := row[i*unit:][:unit]
			for j := range l.across {
				out := samples[(i*l.across+j)*3:][:3]
				out[0], out[1], out[2] = u[k*l.across+j], u[unit-2], u[unit-1]
			}
		}
		put(x, y+k, samples)
	}
}
