package pipeline

import (
	"fmt"
	"image"
	"math"
)

// previewGap is the white space between presentations, in pixels.
const previewGap = 4

// Preview draws one sample as a loader with that configuration presents it in the first
// epochs. Each row shows four epochs. The colour noise is added as on the device.
func Preview(d *Dataset, config LoaderConfig, sample, epochs int) (*image.RGBA, error) {
	if sample < 0 || sample >= d.Len() {
		return nil, fmt.Errorf("preview %s: sample %d, want 0 to %d", d.Dir(), sample, d.Len()-1)
	}
	config.Batch, config.Ragged, config.Prefetch, config.Workers, config.TenCrop = 1, RaggedPad, 1, 1, false
	l, err := newLoader(d, config)
	if err != nil {
		return nil, fmt.Errorf("preview %s: %w", d.Dir(), err)
	}
	const columns = 4
	crop := l.config.Crop
	step := crop + previewGap
	rows := (epochs + columns - 1) / columns
	sheet := image.NewRGBA(image.Rect(0, 0, min(epochs, columns)*step-previewGap, rows*step-previewGap))
	for i := range sheet.Pix {
		sheet.Pix[i] = 255
	}
	w, b := newWorker(l), &l.ring[0].batch
	for epoch := range epochs {
		if err := w.present(b, 0, epoch, sample); err != nil {
			return nil, fmt.Errorf("preview %s: %w", d.Dir(), err)
		}
		at := sheet.PixOffset(epoch%columns*step, epoch/columns*step)
		for y := range crop {
			for x := range crop {
				from, to := b.Pixels[3*(y*crop+x):], sheet.Pix[at+y*sheet.Stride+4*x:]
				for c, offset := range b.Colour[:3] {
					to[c] = uint8(math.RoundToEven(min(255, max(0, float64(from[c])+float64(offset)))))
				}
			}
		}
	}
	return sheet, nil
}
