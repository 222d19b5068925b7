package tiff

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"slices"
)

// openJPEG decodes a chunk that is a JPEG file whose tables may stand in a field.
func (u *unpacker) openJPEG(stored []byte) (io.Reader, error) {
	if len(stored) < 4 || stored[0] != 0xff || stored[1] != 0xd8 {
		return nil, damaged("no JPEG data where there should be some")
	}
	// An Adobe marker tells a decoder what TIFF's photometric says: whether the
	// first three components are YCbCr.
	file := []byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")
	if u.photometric == ycbcr {
		file[len(file)-1] = 1
	}
	if t := u.Bytes(tagJPEGTables); len(t) > 4 && bytes.HasPrefix(t, file[:2]) {
		file = append(file, bytes.TrimSuffix(t[2:], []byte{0xff, 0xd9})...)
	}
	return u.decodeJPEG(append(file, stored[2:]...))
}

// decodeJPEG decodes a whole JPEG file to a chunk's rows.
func (u *unpacker) decodeJPEG(file []byte) (io.Reader, error) {
	// Components of their own, or three that become RGB, or four as they are.
	n := u.samples / u.planes
	if n == 4 {
		return u.openJPEG4(file)
	}
	if n != 1 && n != 3 {
		return nil, unsupported("JPEG of %d components in TIFF", n)
	}
	pix, width, height, err := u.jpeg(u.ctx, file, u.jpegPixels())
	if err != nil {
		return nil, err
	}
	rows := make([]byte, 0, n*u.chunkWidth*height)
	for y := range height {
		row := pix[3*y*width:][:3*width]
		for x := range u.chunkWidth {
			at := 3 * min(x, width-1)
			rows = append(rows, row[at:at+n]...)
		}
	}
	return bytes.NewReader(rows), nil
}

// jpegPixels is how many pixels a chunk may have, which may be a little larger than
// it is said to be.
func (u *unpacker) jpegPixels() int { return (u.chunkWidth + 64) * (min(u.chunkRows, u.height) + 64) }

// openJPEG4 decodes a JPEG file of four components to these as they are stored,
// which image/jpeg takes for inverted inks.
func (u *unpacker) openJPEG4(file []byte) (io.Reader, error) {
	if u.photometric == ycbcr {
		return nil, unsupported("JPEG of 4 components in TIFF")
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(file))
	if err == nil && config.Width > u.jpegPixels()/max(1, config.Height) {
		return nil, damaged("a strip or tile of %d×%d pixels", config.Width, config.Height)
	}
	img, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	m, ok := img.(*image.CMYK)
	if !ok {
		return nil, damaged("JPEG data of other than 4 components")
	}
	rows := make([]byte, 0, 4*u.chunkWidth*m.Rect.Dy())
	for y := range m.Rect.Dy() {
		for x := range u.chunkWidth {
			var c color.CMYK
			if x < m.Rect.Dx() {
				c = m.CMYKAt(x, y)
			}
			rows = append(rows, 255-c.C, 255-c.M, 255-c.Y, 255-c.K)
		}
	}
	return bytes.NewReader(rows), nil
}

// openOldJPEG decodes JPEG in the style of TIFF 6.0, section 22: the picture is a
// whole JPEG file somewhere, or a scan whose tables stand in fields.
func (u *unpacker) openOldJPEG(stored []byte) (io.Reader, error) {
	if u.planes > 1 {
		return nil, unsupported("JPEG in the old style in planes")
	}
	if ends := u.rationals(tagBlackWhite); len(ends) == 6 && (ends[0] != 0 || ends[1] != 255) {
		return nil, unsupported("JPEG in the old style with levels of its own")
	}
	if at := u.Int(tagOldJPEG, 0); at > 0 && at < len(u.data) {
		file := u.data[at:]
		if n := u.Int(tagOldJPEGBytes, 0); n > 0 && n < len(file) && bytes.Contains(file[:n], []byte("\xff\xda")) {
			file = file[:n]
		}
		if bytes.HasPrefix(file, []byte("\xff\xd8")) {
			return u.decodeJPEG(file)
		}
	}
	if bytes.HasPrefix(stored, []byte("\xff\xd8")) {
		return u.decodeJPEG(stored)
	}
	across, down := u.grid()
	if across*down > 1 {
		return nil, unsupported("JPEG in the old style in several strips or tiles")
	}
	head, err := u.oldHeader()
	if err != nil {
		return nil, err
	}
	return u.decodeJPEG(append(append(head, stored...), 0xff, 0xd9))
}

// oldHeader makes the start of a JPEG file from the fields of a picture.
func (u *unpacker) oldHeader() ([]byte, error) {
	out := []byte("\xff\xd8")
	segment := func(marker byte, body []byte) {
		out = append(out, 0xff, marker)
		out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
		out = append(out, body...)
	}
	// tables writes those of a field, equal ones once, and returns the number of
	// each component's table.
	tables := func(tag Tag, marker byte, class byte, size func(at int) int) (numbers []byte, err error) {
		var seen [][]byte
		for _, at := range u.Ints(tag) {
			if at < 0 || at+17 > int64(len(u.data)) || int(at)+size(int(at)) > len(u.data) {
				return nil, io.ErrUnexpectedEOF
			}
			table := u.data[at : int(at)+size(int(at))]
			n := slices.IndexFunc(seen, func(s []byte) bool { return bytes.Equal(s, table) })
			if n < 0 {
				n = len(seen)
				seen = append(seen, table)
				segment(marker, append([]byte{class<<4 | byte(n)}, table...))
			}
			numbers = append(numbers, byte(n))
		}
		if len(numbers) < u.samples {
			return nil, damaged("%d tables for JPEG of %d components", len(numbers), u.samples)
		}
		return numbers, nil
	}
	codes := func(at int) int {
		n := 16
		for _, count := range u.data[at : at+16] {
			n += int(count)
		}
		return n
	}
	quantizers, err := tables(tagOldQuantizers, 0xdb, 0, func(int) int { return 64 })
	if err != nil {
		return nil, err
	}
	dc, err := tables(tagOldDCTables, 0xc4, 0, codes)
	if err != nil {
		return nil, err
	}
	ac, err := tables(tagOldACTables, 0xc4, 1, codes)
	if err != nil {
		return nil, err
	}
	if n := u.Int(tagOldRestart, 0); n > 0 {
		segment(0xdd, []byte{byte(n >> 8), byte(n)})
	}
	across, down := 2, 2
	if s := u.Ints(tagYCbCrSubsampled); len(s) >= 2 {
		across, down = int(s[0])&15, int(s[1])&15
	}
	if u.samples == 1 {
		across, down = 1, 1
	}
	width, height := u.chunkWidth, u.chunkRows
	frame := []byte{8, byte(height >> 8), byte(height), byte(width >> 8), byte(width), byte(u.samples)}
	scan := []byte{byte(u.samples)}
	for i := range u.samples {
		sampling := byte(0x11)
		if i == 0 {
			sampling = byte(across<<4 | down)
		}
		frame = append(frame, byte(i+1), sampling, quantizers[i])
		scan = append(scan, byte(i+1), dc[i]<<4|ac[i])
	}
	segment(0xc0, frame)
	segment(0xda, append(scan, 0, 63, 0))
	return out, nil
}
