package codec

import (
	"context"
	"image"

	"alexnet/augment"
	"alexnet/pipeline/jpeg"
	"alexnet/pipeline/resample"
)

// baselineDecoder decodes by package baseline, as all pictures of the encoders
// here can be, and gives others to another decoder.
type baselineDecoder struct {
	size     int
	baseline jpeg.FastDecoder
	scratch  []byte
	other    Decoder
	whole    []byte // a picture of the other's
}

func (d *baselineDecoder) Decode(rgb, src []byte) error {
	checkPixels(rgb, d.size)
	return d.DecodeCrop(rgb, src, augment.View{}, d.size)
}

// DecodeCrop reads all coefficients, but transforms only those around the crop.
func (d *baselineDecoder) DecodeCrop(dst, src []byte, view augment.View, crop int) error {
	checkCrop(dst, d.size, view, crop)
	done, err := d.decode(dst, src, image.Rect(view.X, view.Y, view.X+crop, view.Y+crop))
	switch {
	case err != nil:
		return err
	case done && view.Flip:
		d.scratch = append(d.scratch[:0], dst[:3*crop*crop]...)
		augment.CopyCrop(dst, d.scratch, crop, 0, 0, crop, true)
		return nil
	case done:
		return nil
	case crop == d.size && !view.Flip:
		return d.other.Decode(dst, src)
	}
	if d.whole == nil {
		d.whole = make([]byte, 3*d.size*d.size)
	}
	if err := d.other.Decode(d.whole, src); err != nil {
		return err
	}
	augment.CopyCrop(dst, d.whole, d.size, view.X, view.Y, crop, view.Flip)
	return nil
}

// decode writes the pixels inside rect, and says whether it could.
func (d *baselineDecoder) decode(dst, src []byte, rect image.Rectangle) (bool, error) {
	width, height, err := d.baseline.Open(src)
	if err != nil {
		return false, nil
	}
	if width != d.size || height != d.size {
		return false, sizeError(width, height, d.size)
	}
	img, err := d.baseline.Decode(context.Background(), rect)
	if err != nil {
		return false, nil
	}
	switch m := img.(type) {
	case *image.YCbCr:
		d.scratch = resample.FromYCbCr(dst, m, rect, d.scratch)
	case *image.Gray:
		fromGray(dst, m.SubImage(rect).(*image.Gray))
	}
	return true, nil
}
