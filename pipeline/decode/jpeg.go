package decode

import (
	"context"
	"errors"
	"fmt"
	"image"

	"alexnet/pipeline/jpeg"
	"alexnet/pipeline/resample"
)

// openJPEG decodes the part of a JPEG file that resizing reads.
func (r *Decoder) openJPEG(ctx context.Context, file []byte, orientation int) (picture, error) {
	var header jpeg.Header
	var part image.Rectangle
	var window resample.Box
	p, err := r.jpeg.Decode(ctx, file, func(h jpeg.Header) (image.Rectangle, error) {
		if err := r.limits.jpeg(h, orientation); err != nil {
			return part, err
		}
		header = h
		part, window = r.part(image.Rect(0, 0, h.Width, h.Height), orientation)
		return part, nil
	})
	if err != nil {
		return picture{}, explainJPEG(header, len(file), err)
	}
	return picture{part.Dx(), part.Dy(), window, func(from, to int) resample.Image {
		rows := image.Rect(part.Min.X, part.Min.Y+from, part.Max.X, part.Min.Y+to)
		r.rgb = grow(r.rgb, 3*rows.Dx()*rows.Dy()+resample.Slack)
		p.RGB(r.rgb, rows)
		return resample.Image{Pix: r.rgb, Stride: 3 * rows.Dx(), Width: rows.Dx(), Height: rows.Dy()}
	}}, nil
}

// mostScans is the largest number of scans of a JPEG file with the largest number of
// pixels; a smaller picture may have more. Encoders write about ten.
const mostScans = 20

// jpeg refuses a picture that would take too long or too much memory: each scan takes as
// long as a picture.
func (l limits) jpeg(h jpeg.Header, orientation int) error {
	if err := l.pixels("JPEG", h.Width, h.Height); err != nil {
		return err
	}
	if err := l.memory("JPEG", h.Width, h.Height, h.Memory()+turnMemory(h.Width, h.Height, orientation)); err != nil {
		return err
	}
	if most := mostScans * int64(l.maxPixels); h.ScanPixels > most {
		return fmt.Errorf("a JPEG%s in %d scans takes as long to decode as %d megapixels, over the limit of %d for all scans: "+
			"save it anew with fewer scans, or raise the limit of megapixels", dimensions(h.Width, h.Height), h.Scans, h.ScanPixels/1e6, most/1e6)
	}
	return nil
}

// explainJPEG adds to an error of package jpeg what the user can do with a file of n
// bytes.
func explainJPEG(h jpeg.Header, n int, err error) error {
	e, ok := errors.AsType[*jpeg.Error](err)
	if !ok {
		return err
	}
	size := ""
	if h.Width > 0 {
		size = dimensions(h.Width, h.Height)
	}
	switch e.Kind {
	case jpeg.Cut:
		return fmt.Errorf("a JPEG%s is cut short: its %d bytes don't hold all of it: fetch or copy it again", size, n)
	case jpeg.Unsupported:
		return fmt.Errorf("a JPEG%s of a kind that isn't read: %s: convert it", size, e.Reason)
	}
	return fmt.Errorf("a damaged JPEG%s: %s: fetch or copy it again", size, e.Reason)
}
