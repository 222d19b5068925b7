package resample

import (
	"image"
	"testing"
)

func BenchmarkResize(b *testing.B) {
	m := noise(500, 375, 1)
	window := Centre(m.Width, m.Height, 256)
	dst := make([]byte, 3*256*256)
	for _, f := range Filters {
		b.Run(f.Name, func(b *testing.B) {
			r := New(f)
			for b.Loop() {
				r.x.interval, r.y.interval = interval{}, interval{} // as if the last one had another size
				r.Resize(dst, 256, 256, m, window)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

func BenchmarkFromYCbCr(b *testing.B) {
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio420} {
		b.Run(ratio.String()[len("YCbCrSubsampleRatio"):], func(b *testing.B) {
			m := image.NewYCbCr(image.Rect(0, 0, 500, 375), ratio)
			dst := make([]byte, 3*500*375)
			var scratch []byte
			for b.Loop() {
				scratch = FromYCbCr(dst, m, m.Rect, scratch)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
