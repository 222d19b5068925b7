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

// openJPEG decodes a chunk that is a JPEG file. Its tables may be in a TIFF field.
func (u *unpacker) openJPEG(stored []byte) (io.Reader, error) {
	if len(stored) < 4 || stored[0] != 0xff || stored[1] != 0xd8 {
		return nil, damaged("no JPEG data where there should be some")
	}
	// An Adobe marker gives the decoder the meaning of TIFF's photometric field: whether the
	// first three components are YCbCr.
	file := slices.Clone(plainComponents)
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
	// The components are unchanged, or three that become RGB, or four unchanged.
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

// jpegPixels returns the most pixels of a chunk. JPEG files of chunks may be a little
// larger than the chunk.
func (u *unpacker) jpegPixels() int { return (u.chunkWidth + 64) * (min(u.chunkRows, u.height) + 64) }

// openJPEG4 decodes a JPEG file of four components without converting them. image/jpeg
// would take them for inverted inks.
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

// openOldJPEG decodes JPEG in the style of TIFF 6.0, section 22: the picture is one JPEG
// file somewhere in the file, or scans whose tables are in fields.
func (u *unpacker) openOldJPEG(stored []byte) (io.Reader, error) {
	if u.planes > 1 {
		return nil, unsupported("JPEG in the old style in planes")
	}
	if file := u.oldFile(); file != nil {
		return u.decodeJPEG(file)
	}
	if bytes.HasPrefix(stored, []byte("\xff\xd8")) {
		return u.decodeJPEG(slices.Concat(plainComponents, stored[2:]))
	}
	if across, down := u.grid(); across*down > 1 {
		return nil, unsupported("JPEG in the old style in several tiles")
	}
	file, err := u.oldHeader()
	if err != nil {
		return nil, err
	}
	for i := range u.offsets {
		strip, err := u.chunk(i)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			file = append(file, 0xff, byte(0xd0+(i-1)%8)) // restart
		}
		if file = append(file, strip...); len(file) > 2*len(u.data)+1<<16 {
			return nil, damaged("strips that overlap")
		}
	}
	return u.decodeJPEG(append(file, 0xff, 0xd9))
}

// plainComponents is the start of a JPEG file whose components aren't converted: TIFF's
// fields say what they are.
var plainComponents = []byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")

// oldFile returns the JPEG file that holds the whole picture, or nil.
func (l *layout) oldFile() []byte {
	at, n := l.Int(tagOldJPEG, 0), l.Int(tagOldJPEGBytes, 0)
	if at <= 0 || at >= len(l.data) || !bytes.HasPrefix(l.data[at:], []byte("\xff\xd8")) {
		return nil
	}
	if n > 0 && len(l.offsets) > 0 && l.offsets[0] >= int64(at+n) {
		return nil // it has only the tables
	}
	return l.data[at:]
}

// oldHeader makes the start of a JPEG file from the fields of a picture.
func (u *unpacker) oldHeader() ([]byte, error) {
	out := slices.Clone(plainComponents)
	segment := func(marker byte, body []byte) {
		out = append(out, 0xff, marker)
		out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
		out = append(out, body...)
	}
	// tables writes the tables of a field, equal ones once, and returns the number of each
	// component's table.
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
	across, down := 2, 2
	if s := u.Ints(tagYCbCrSubsampled); len(s) >= 2 {
		across, down = max(1, int(s[0])&7), max(1, int(s[1])&7)
	}
	if u.samples == 1 {
		across, down = 1, 1
	}
	n := u.Int(tagOldRestart, 0)
	if len(u.offsets) > 1 && n == 0 { // a strip
		n = (u.width + 8*across - 1) / (8 * across) * (u.stripRows / (8 * down))
	}
	if n > 0 {
		segment(0xdd, []byte{byte(n >> 8), byte(n)})
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
	if first, err := u.chunk(0); err != nil || !bytes.HasPrefix(first, []byte("\xff\xda")) {
		segment(0xda, append(scan, 0, 63, 0))
	}
	return out, nil
}
