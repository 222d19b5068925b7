package decode

import (
	"context"
	"fmt"
	"image"
	"slices"
	"strings"

	"alexnet/pipeline/formats/bmp"
	"alexnet/pipeline/formats/gif"
	"alexnet/pipeline/formats/heif"
	"alexnet/pipeline/formats/jxl"
	"alexnet/pipeline/formats/pnm"
	"alexnet/pipeline/formats/tiff"
	"alexnet/pipeline/formats/webp"
	"alexnet/pipeline/jpeg"
)

// format is a picture format, told by the first bytes of a file. A '?' in magic
// stands for any byte, and a '~' for white space.
type format struct {
	name, magic string
	config      func(file []byte) (image.Config, error)
	decode      func(ctx context.Context, file []byte) (image.Image, error)
	// memory returns the most bytes that decode takes for a file of this config, roughly.
	// nil means the bytes of pixels of the config's colour model.
	memory func(file []byte, c image.Config) int64
}

// formats is the table of all formats that can be read.
var formats = []format{
	{"JPEG", "\xff\xd8\xff", nil, nil, nil}, // jpeg.go
	{"PNG", "\x89PNG\r\n\x1a\n", pngConfig, decodePNG, pngMemory},
	{"GIF", "GIF8?a", gif.DecodeConfig, gif.Decode, nil},
	{"BMP", "BM?????????????\x00\x00\x00", bmp.DecodeConfig, bmp.Decode, nil},   // a header of less than 256 bytes
	{"DIB", "(\x00\x00\x00????????\x01\x00", bmp.DIBConfig, bmp.DecodeDIB, nil}, // BMP without its first 14 bytes
	{"TIFF", "II*\x00", tiff.DecodeConfig, decodeTIFF, tiffMemory},
	{"TIFF", "MM\x00*", tiff.DecodeConfig, decodeTIFF, tiffMemory},
	{"TIFF", "II\x00*", tiff.DecodeConfig, decodeTIFF, tiffMemory},
	{"TIFF", "MM*\x00", tiff.DecodeConfig, decodeTIFF, tiffMemory},
	{"TIFF", "II+\x00\x08\x00\x00\x00", tiff.DecodeConfig, decodeTIFF, tiffMemory},
	{"TIFF", "MM\x00+\x00\x08\x00\x00", tiff.DecodeConfig, decodeTIFF, tiffMemory},
	{"WebP", "RIFF????WEBP", webp.DecodeConfig, webp.Decode, webp.Memory},
	{"ICO", "\x00\x00\x01\x00?\x00", icons.IconConfig, icons.DecodeIcon, nil},
	{"CUR", "\x00\x00\x02\x00?\x00", icons.IconConfig, icons.DecodeIcon, nil},
	{"PBM", "P1~", pnm.DecodeConfig, pnm.Decode, nil},
	{"PGM", "P2~", pnm.DecodeConfig, pnm.Decode, nil},
	{"PPM", "P3~", pnm.DecodeConfig, pnm.Decode, nil},
	{"PBM", "P4~", pnm.DecodeConfig, pnm.Decode, nil},
	{"PGM", "P5~", pnm.DecodeConfig, pnm.Decode, nil},
	{"PPM", "P6~", pnm.DecodeConfig, pnm.Decode, nil},
	{"PAM", "P7\n", pnm.DecodeConfig, pnm.Decode, nil},
	{"AVIF", "????ftypavif", heif.DecodeConfig, heif.Decode, heif.Memory},
	{"AVIF", "????ftypavis", heif.DecodeConfig, heif.Decode, heif.Memory},
	{"HEIC", "????ftyphei?", heif.DecodeConfig, heif.Decode, heif.Memory},
	{"HEIC", "????ftyphev?", heif.DecodeConfig, heif.Decode, heif.Memory},
	{"HEIF", "????ftypmif1", heif.DecodeConfig, heif.Decode, heif.Memory},
	{"HEIF", "????ftypmsf1", heif.DecodeConfig, heif.Decode, heif.Memory},
	{"JPEG XL", "\xff\x0a", jxl.DecodeConfig, jxl.Decode, jxl.Memory},
	{"JPEG XL", "\x00\x00\x00\x0cJXL \r\n\x87\n", jxl.DecodeConfig, jxl.Decode, jxl.Memory},
}

// readable returns the names of these formats, for people.
func readable() string {
	var names []string
	for _, f := range formats {
		if !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	return strings.Join(names, ", ")
}

// icons decodes PNG files inside icon files with these functions.
var icons = bmp.PNG{Config: pngConfig, Decode: decodePNG}

func decodeTIFF(ctx context.Context, file []byte) (image.Image, error) {
	return tiff.Decode(ctx, file, decodeJPEG)
}

func tiffMemory(file []byte, _ image.Config) int64 { return tiff.Memory(file) }

// decodeJPEG decodes a JPEG file inside another file to RGB. It refuses one with too many
// pixels.
func decodeJPEG(ctx context.Context, file []byte, most int) (pix []byte, width, height int, err error) {
	p, err := jpeg.NewDecoder(false).Decode(ctx, file, func(h jpeg.Header) (image.Rectangle, error) {
		if h.Width > most/max(1, h.Height) || h.ScanPixels > int64(most)*mostScans {
			return image.Rectangle{}, fmt.Errorf("%d×%d pixels in %d scans where %d pixels belong", h.Width, h.Height, h.Scans, most)
		}
		width, height = h.Width, h.Height
		return image.Rect(0, 0, width, height), nil
	})
	if err != nil {
		return nil, 0, 0, err
	}
	pix = make([]byte, 3*width*height)
	p.RGB(pix, image.Rect(0, 0, width, height))
	return pix, width, height, nil
}
