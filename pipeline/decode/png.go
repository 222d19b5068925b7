package decode

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"io"
)

// PNG files are read as libpng reads them: only chunks that decide the colours matter.
// These do no harm: a wrong checksum of another chunk, bytes after the image data, a
// wrong checksum of image data either in a chunk or of the whole, and a missing end.
// Missing image data, and image data without any correct checksum, are refused. image/png
// is stricter, so it gets only the chunks that matter.

func pngConfig(file []byte) (image.Config, error) {
	p, err := readPNG(file)
	if err != nil {
		return image.Config{}, err
	}
	return png.DecodeConfig(p.reader(context.Background()))
}

func decodePNG(ctx context.Context, file []byte) (image.Image, error) {
	p, err := readPNG(file)
	if err != nil {
		return nil, err
	}
	if p.ended && len(p.data) == 0 {
		return nil, errors.New("it ends without image data")
	}
	img, err := png.Decode(p.reader(ctx))
	if err == nil || ctx.Err() != nil {
		return img, err
	}
	if rest, ok := p.pixelsOnly(ctx); ok { // all pixels are there
		return png.Decode(rest.reader(ctx))
	}
	return nil, err
}

// pngMemory returns the bytes that image/png takes. It adds the largest pass of an
// interlaced picture, half of the picture.
func pngMemory(file []byte, c image.Config) int64 {
	n := pixelMemory(c)
	if len(file) > 28 && file[28] != 0 {
		n += n / 2
	}
	return n
}

// pngFile holds the parts of a PNG file that matter, each as in the file: length, type,
// body and checksum.
type pngFile struct {
	header  []byte   // with the signature
	palette []byte   // or nil
	data    [][]byte // IDAT; the last may be cut short
	ended   bool     // by IEND
}

// wholePNG is an error for a complete file of an unsupported kind.
type wholePNG string

func (e wholePNG) Error() string       { return "png: " + string(e) }
func (e wholePNG) Unsupported() string { return string(e) }

// readPNG finds the chunks that matter.
func readPNG(file []byte) (p pngFile, err error) {
	const headerEnd = 8 + 12 + 13
	if len(file) >= 16 && string(file[12:16]) == "CgBI" {
		return p, wholePNG("it is packed for iPhones by Xcode's pngcrush (CgBI), which no other reader takes")
	}
	if len(file) < headerEnd {
		return p, io.ErrUnexpectedEOF
	}
	p.header = file[:headerEnd]
	for at := headerEnd; at+8 <= len(file); {
		n := 12 + int(binary.BigEndian.Uint32(file[at:]))
		kind, chunk := string(file[at+4:at+8]), file[at:min(len(file), at+n)]
		switch {
		case kind == "IEND":
			p.ended = true
			return p, nil
		case kind == "IDAT":
			p.data = append(p.data, chunk)
		case kind == "PLTE" && p.palette == nil && len(p.data) == 0 && file[25] == 3:
			p.palette = shorterPalette(chunk, 1<<file[24])
		}
		at += n
	}
	return p, nil
}

// shorterPalette removes palette colours that no pixel can have.
func shorterPalette(chunk []byte, colours int) []byte {
	if len(chunk) <= 12+3*colours || crc32.ChecksumIEEE(chunk[4:len(chunk)-4]) != binary.BigEndian.Uint32(chunk[len(chunk)-4:]) {
		return chunk
	}
	return pngChunk("PLTE", chunk[8:8+3*colours])
}

func pngChunk(kind string, body []byte) []byte {
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	chunk = append(append(chunk, kind...), body...)
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
}

// reader reads a file made of the parts that matter.
func (p *pngFile) reader(ctx context.Context) io.Reader {
	parts := append([][]byte{p.header, p.palette}, p.data...)
	if n := len(p.data); p.ended || n > 0 && pngWhole(p.data[n-1]) {
		parts = append(parts, pngChunk("IEND", nil))
	}
	var readers []io.Reader
	for _, part := range parts {
		readers = append(readers, &contextReader{ctx, bytes.NewReader(part)})
	}
	return io.MultiReader(readers...)
}

// pngWhole reports whether a chunk is complete.
func pngWhole(chunk []byte) bool {
	return len(chunk) >= 12 && len(chunk) == 12+int(binary.BigEndian.Uint32(chunk))
}

// pixelsOnly returns the file with the bytes of its pixels and nothing after them. It
// needs all pixels, and correct checksums either of their chunks or of the whole.
func (p *pngFile) pixelsOnly(ctx context.Context) (rest pngFile, ok bool) {
	var packed []io.Reader
	whole := false // the checksum of the whole is correct
	for _, chunk := range p.data {
		body := chunk[min(8, len(chunk)):]
		if pngWhole(chunk) {
			body = chunk[8 : len(chunk)-4]
			whole = whole || crc32.ChecksumIEEE(chunk[4:len(chunk)-4]) != binary.BigEndian.Uint32(chunk[len(chunk)-4:])
		}
		packed = append(packed, &contextReader{ctx, bytes.NewReader(body)})
	}
	var pixels io.Reader
	r := bufio.NewReader(io.MultiReader(packed...))
	if whole {
		z, err := zlib.NewReader(r)
		if err != nil {
			return rest, false
		}
		pixels = z
	} else {
		if _, err := r.Discard(2); err != nil { // zlib's header
			return rest, false
		}
		pixels = flate.NewReader(r)
	}
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestSpeed)
	if err != nil {
		return rest, false
	}
	if _, err := io.CopyN(w, pixels, p.pixelBytes()); err != nil || w.Close() != nil {
		return rest, false
	}
	if whole {
		if n, err := pixels.Read(make([]byte, 1)); n > 0 || err != io.EOF {
			return rest, false
		}
	}
	return pngFile{p.header, p.palette, [][]byte{pngChunk("IDAT", out.Bytes())}, true}, true
}

// pixelBytes returns the bytes of the pixels before compression, with the filter byte of
// each row.
func (p *pngFile) pixelBytes() (n int64) {
	width, height := int64(binary.BigEndian.Uint32(p.header[16:])), int64(binary.BigEndian.Uint32(p.header[20:]))
	samples := map[byte]int64{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[p.header[25]]
	bits := samples * int64(p.header[24])
	pass := func(x, y, dx, dy int64) {
		if w, h := (width-x+dx-1)/dx, (height-y+dy-1)/dy; w > 0 && h > 0 {
			n += h * (1 + (w*bits+7)/8)
		}
	}
	if p.header[28] == 0 {
		pass(0, 0, 1, 1)
		return n
	}
	for _, a := range [7][4]int64{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} { // Adam7
		pass(a[0], a[1], a[2], a[3])
	}
	return n
}
