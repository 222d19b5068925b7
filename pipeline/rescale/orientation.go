package rescale

import (
	"bytes"
	"encoding/binary"
)

// orientationTag is the EXIF and TIFF tag of a picture's orientation: 1 is
// upright, 2 to 8 are its mirrored and turned forms (EXIF 2.32, 4.6.4.A).
const orientationTag = 0x0112

// orientation returns the EXIF orientation of a file, 1…8, and 1 where it states
// none or an unreadable one.
func orientation(format string, data []byte) int {
	switch format {
	case "JPEG":
		return jpegOrientation(data)
	case "PNG":
		return tiffOrientation(pngChunk(data, "eXIf"))
	case "WebP":
		return tiffOrientation(bytes.TrimPrefix(riffChunk(data, "EXIF"), exifHeader))
	case "TIFF":
		return tiffOrientation(data)
	}
	return 1
}

var exifHeader = []byte("Exif\x00\x00")

// jpegOrientation looks through the segments before the first scan.
func jpegOrientation(data []byte) int {
	for marker, body := range jpegSegments(data) {
		if marker == 0xe1 && bytes.HasPrefix(body, exifHeader) {
			return tiffOrientation(body[len(exifHeader):])
		}
	}
	return 1
}

// jpegSegments yields marker and body of each segment before the image data.
func jpegSegments(data []byte) func(yield func(byte, []byte) bool) {
	return func(yield func(byte, []byte) bool) {
		for at := 2; at+4 <= len(data) && data[at] == 0xff; {
			marker := data[at+1]
			if marker == 0xff { // fill byte
				at++
				continue
			}
			n := int(binary.BigEndian.Uint16(data[at+2:]))
			if marker == 0xda || n < 2 || at+2+n > len(data) {
				return
			}
			if !yield(marker, data[at+4:at+2+n]) {
				return
			}
			at += 2 + n
		}
	}
}

// pngChunk returns the body of the first chunk of the given type, or nil.
func pngChunk(data []byte, kind string) []byte {
	for at := 8; at+12 <= len(data); {
		n := int(binary.BigEndian.Uint32(data[at:]))
		if n > len(data)-at-12 {
			return nil
		}
		if string(data[at+4:at+8]) == kind {
			return data[at+8 : at+8+n]
		}
		at += 12 + n
	}
	return nil
}

// riffChunk returns the body of the first chunk of the given type, or nil.
func riffChunk(data []byte, kind string) []byte {
	for at := 12; at+8 <= len(data); {
		n := int(binary.LittleEndian.Uint32(data[at+4:]))
		if n > len(data)-at-8 {
			return nil
		}
		if string(data[at:at+4]) == kind {
			return data[at+8 : at+8+n]
		}
		at += 8 + n + n&1
	}
	return nil
}

// tiffOrientation reads the tag from the first directory of a TIFF structure,
// which EXIF is too. It returns 1 for anything that it can't make sense of.
func tiffOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == orientationTag {
			if o := int(order.Uint16(entries[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// upright returns where the pixel that belongs at (x, y) of the upright n×n
// picture lies in the stored one, as the index at0 + y·dy + x·dx. Turning a
// centred square and cropping it commute, so this is all that orientation
// takes.
func upright(orientation, n int) (at0, dy, dx int) {
	last := n - 1
	switch orientation {
	case 2: // mirrored left to right
		return last, n, -1
	case 3: // half a turn
		return last*n + last, -n, -1
	case 4: // mirrored top to bottom
		return last * n, -n, 1
	case 5: // transposed
		return 0, 1, n
	case 6: // to be turned clockwise
		return last * n, 1, -n
	case 7: // transversed
		return last*n + last, -1, -n
	case 8: // to be turned counter-clockwise
		return last, -1, n
	}
	return 0, n, 1
}
