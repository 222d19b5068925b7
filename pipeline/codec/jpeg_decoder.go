package codec

import (
	"context"
	"errors"
	"fmt"
	"image"

	"alexnet/augment"
	"alexnet/pipeline/jpeg"
)

// jpegDecoder decodes JPEG files of size×size pixels, grey or in colour.
type jpegDecoder struct {
	size    int
	decoder *jpeg.Decoder
}

func (d *jpegDecoder) Decode(rgb, src []byte) error {
	checkPixels(rgb, d.size)
	return d.DecodeCrop(rgb, src, augment.View{}, d.size)
}

// DecodeCrop reads all coefficients, but transforms only those around the crop.
func (d *jpegDecoder) DecodeCrop(dst, src []byte, view augment.View, crop int) error {
	checkCrop(dst, d.size, view, crop)
	part := image.Rect(view.X, view.Y, view.X+crop, view.Y+crop)
	picture, err := d.decoder.Decode(context.Background(), src, func(h jpeg.Header) (image.Rectangle, error) {
		switch {
		case h.Width != d.size || h.Height != d.size:
			return part, fmt.Errorf("the picture is %d×%d, want %d×%d", h.Width, h.Height, d.size, d.size)
		case h.CMYK():
			return part, errCMYK
		case h.Scans > mostScans:
			return part, fmt.Errorf("the picture has %d scans, want at most %d", h.Scans, mostScans)
		}
		return part, nil
	})
	if err != nil {
		return fmt.Errorf("decode JPEG: %w", err)
	}
	if view.Flip {
		picture.Mirrored(dst, part)
	} else {
		picture.RGB(dst, part)
	}
	return nil
}

// mostScans limits the decoding time of a picture in a shard. Encoders write about ten
// scans.
const mostScans = 1000

var errCMYK = errors.New("its pixels are CMYK, want YCbCr, RGB or grey")
