package decode

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"io"
	"regexp"

	"alexnet/pipeline/formats/tiff"
)

// containers has for each format a function that finds EXIF data (TIFF structures) and
// XMP packets in a file.
var containers = map[string]func(data []byte) (exif, xmp [][]byte){
	"JPEG": jpegMetadata,
	"PNG":  pngMetadata,
	"WebP": webpMetadata,
	"TIFF": tiffMetadata,
}

var (
	exifHeader = []byte("Exif\x00\x00")
	xmpHeader  = []byte("http://ns.adobe.com/xap/1.0/\x00")
)

// jpegMetadata searches the segments before the first scan.
func jpegMetadata(data []byte) (exif, xmp [][]byte) {
	for marker, body := range jpegSegments(data) {
		if marker == 0xe1 {
			exif, xmp = app1(body, exif, xmp)
		}
	}
	return exif, xmp
}

// app1 adds the contents of an APP1 segment to exif or xmp.
func app1(body []byte, exif, xmp [][]byte) (e, x [][]byte) {
	switch {
	case bytes.HasPrefix(body, exifHeader):
		exif = append(exif, exifData(body))
	case bytes.HasPrefix(body, xmpHeader):
		xmp = append(xmp, body[len(xmpHeader):])
	}
	return exif, xmp
}

// exifData removes the header. Some writers put it twice, others where none belongs.
func exifData(body []byte) []byte {
	return bytes.TrimPrefix(bytes.TrimPrefix(body, exifHeader), exifHeader)
}

// jpegSegments yields marker and body of each segment before the image data. Like
// libjpeg, it skips stray bytes between segments.
func jpegSegments(data []byte) func(yield func(byte, []byte) bool) {
	return func(yield func(byte, []byte) bool) {
		for at := 2; ; {
			skip := bytes.IndexByte(data[min(at, len(data)):], 0xff)
			if skip < 0 || at+skip+4 > len(data) {
				return
			}
			at += skip
			marker := data[at+1]
			if marker == 0xff || marker == 0 { // fill byte, or no marker
				at++
				continue
			}
			if marker == 0x01 || marker >= 0xd0 && marker <= 0xd8 { // without a body
				at += 2
				continue
			}
			n := int(binary.BigEndian.Uint16(data[at+2:]))
			if marker == 0xda || marker == 0xd9 || n < 2 || at+2+n > len(data) {
				return
			}
			if !yield(marker, data[at+4:at+2+n]) {
				return
			}
			at += 2 + n
		}
	}
}

// pngMetadata searches all chunks, since some writers put eXIf after the image. Before
// the eXIf chunk existed, ImageMagick put profiles into text.
func pngMetadata(data []byte) (exif, xmp [][]byte) {
	var profiles [][]byte // used after eXIf, the standard's chunk
	for kind, body := range pngChunks(data) {
		switch kind {
		case "eXIf":
			exif = append(exif, exifData(body))
		case "tEXt", "zTXt", "iTXt":
			keyword, _, _ := bytes.Cut(body[:min(len(body), 80)], []byte{0})
			switch string(keyword) {
			case "Raw profile type exif", "Raw profile type APP1":
				if p := rawProfile(pngText(kind, body[len(keyword):])); bytes.HasPrefix(p, xmpHeader) {
					xmp = append(xmp, p[len(xmpHeader):])
				} else {
					profiles = append(profiles, exifData(p))
				}
			case "Raw profile type xmp":
				xmp = append(xmp, rawProfile(pngText(kind, body[len(keyword):])))
			case "XML:com.adobe.xmp":
				xmp = append(xmp, pngText(kind, body[len(keyword):]))
			}
		}
	}
	return append(exif, profiles...), xmp
}

// pngChunks yields type and body of each chunk.
func pngChunks(data []byte) func(yield func(string, []byte) bool) {
	return func(yield func(string, []byte) bool) {
		for at := 8; at+12 <= len(data); {
			n := int(binary.BigEndian.Uint32(data[at:]))
			if n > len(data)-at-12 || !yield(string(data[at+4:at+8]), data[at+8:at+8+n]) {
				return
			}
			at += 12 + n
		}
	}
}

// maxText bounds the unpacked size of a compressed text in a PNG file.
const maxText = 4 << 20

// pngText returns the text of a chunk after its keyword, beginning with the zero byte, or
// nil.
func pngText(kind string, body []byte) []byte {
	if len(body) < 3 {
		return nil
	}
	compressed := false
	switch body = body[1:]; kind {
	case "zTXt":
		compressed, body = true, body[1:]
	case "iTXt":
		compressed = body[0] == 1
		_, body, _ = bytes.Cut(body[2:], []byte{0}) // the language
		_, body, _ = bytes.Cut(body, []byte{0})     // the translated keyword
	}
	if !compressed {
		return body
	}
	z, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(z, maxText)) // the readable part of a damaged text
	return text
}

// rawProfile decodes ImageMagick's text form of a profile: a name, a length, and
// hexadecimal digits, on lines of their own. It returns nil for another text.
func rawProfile(text []byte) []byte {
	lines := bytes.SplitN(bytes.TrimLeft(text, "\n"), []byte("\n"), 3)
	if len(lines) < 3 {
		return nil
	}
	digits := bytes.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == ' ' {
			return -1
		}
		return r
	}, lines[2])
	profile := make([]byte, hex.DecodedLen(len(digits)))
	n, _ := hex.Decode(profile, digits[:len(digits)&^1]) // up to the first that isn't a digit
	return profile[:n]
}

// webpMetadata searches the chunks of a RIFF file.
func webpMetadata(data []byte) (exif, xmp [][]byte) {
	for at := 12; at+8 <= len(data); {
		n := int(binary.LittleEndian.Uint32(data[at+4:]))
		if n > len(data)-at-8 {
			break
		}
		body := data[at+8 : at+8+n]
		switch string(data[at : at+4]) {
		case "EXIF":
			exif = append(exif, exifData(body))
		case "XMP ":
			xmp = append(xmp, body)
		}
		at += 8 + n + n&1
	}
	return exif, xmp
}

// tiffMetadata returns the file itself, since a TIFF file has the layout of EXIF data,
// and XMP from a field.
func tiffMetadata(data []byte) (exif, xmp [][]byte) {
	if d, err := tiff.ReadDirectory(data); err == nil {
		xmp = append(xmp, d.Bytes(xmpTag))
	}
	return [][]byte{data}, xmp
}

// xmpPattern finds tiff:Orientation as an attribute and as an element.
var xmpPattern = regexp.MustCompile(`tiff:Orientation\s*(?:=\s*["']|>\s*)([0-9]+)\s*["'<]`)

func xmpOrientation(xmp []byte) (o int, ok bool) {
	m := xmpPattern.FindSubmatch(xmp)
	if m == nil {
		return 1, false
	}
	if len(m[1]) == 1 && m[1][0] >= '1' && m[1][0] <= '8' {
		return int(m[1][0] - '0'), true
	}
	return 1, true
}
