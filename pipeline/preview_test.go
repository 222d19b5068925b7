package pipeline

import (
	"testing"
)

// TestPreview compares the sheet's pixels with what a loader gives.
func TestPreview(t *testing.T) {
	const crop, epochs = 8, 6
	set := testSet{codec: "raw", images: 5, size: 12}
	d := set.open(t)
	c := LoaderConfig{Crop: crop, Train: true, PCA: &testPCA, Seed: 4}
	sheet, err := Preview(d, c, 3, epochs)
	if err != nil {
		t.Fatal(err)
	}
	if size := sheet.Rect.Size(); size.X != 4*crop+3*previewGap || size.Y != 2*crop+previewGap {
		t.Fatalf("the sheet is %v", size)
	}
	c.Batch, c.Epochs = 1, epochs
	for _, r := range expect(set, c) {
		if r.sample != 3 {
			continue
		}
		left, top := r.epoch%4*(crop+previewGap), r.epoch/4*(crop+previewGap)
		for i := range crop * crop {
			got := sheet.RGBAAt(left+i%crop, top+i/crop)
			for k, v := range []uint8{got.R, got.G, got.B} {
				want := min(255, max(0, float64(r.pixels[3*i+k])+float64(r.colour[k])))
				if d := float64(v) - want; d < -0.5 || d > 0.5 {
					t.Fatalf("epoch %d, pixel %d: colour %d is %d, want %v", r.epoch, i, k, v, want)
				}
			}
		}
	}
	for _, sample := range []int{-1, 5} {
		if _, err := Preview(d, c, sample, 1); err == nil {
			t.Errorf("no error of sample %d", sample)
		}
	}
}
