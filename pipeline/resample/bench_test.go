package resample

import (
	"context"
	"image"
	"sync"
	"testing"

	"alexnet/pipeline/jpeg"
	"alexnet/pipeline/jpeg/turbojpeg"
)

// BenchmarkWholeWay is full-size photographs to 256² RGB: decode, resize, centre
// crop, by one and by two workers, of which each has its own decoder.
func BenchmarkWholeWay(b *testing.B) {
	photos := files(b, 1)
	bench := func(name string, workers int, worker func(b *testing.B) func(file []byte)) {
		b.Run(name, func(b *testing.B) {
			run := make([]func([]byte), workers)
			for i := range run {
				run[i] = worker(b)
			}
			for b.Loop() {
				var wait sync.WaitGroup
				for i := range run {
					wait.Go(func() {
						for j := i; j < len(photos); j += workers {
							run[i](photos[j])
						}
					})
				}
				wait.Wait()
			}
			b.ReportMetric(float64(b.N*len(photos))/b.Elapsed().Seconds(), "images/s")
		})
	}
	const size = 256
	turbo := func(b *testing.B) func([]byte) {
		d, err := turbojpeg.NewDecoder()
		if err != nil {
			b.Skip(err)
		}
		r, dst, rgb := New(CatmullRom), make([]byte, 3*size*size), []byte(nil)
		return func(file []byte) {
			h, err := d.Header(file)
			if err != nil {
				b.Error(err)
				return
			}
			rgb = grow(rgb, 3*h.Width*h.Height)
			if err := d.Decode(rgb, file, h); err != nil {
				b.Error(err)
			}
			r.Resize(dst, size, size, Image{rgb, 3 * h.Width, h.Width, h.Height}, Centre(h.Width, h.Height, size))
		}
	}
	own := func(b *testing.B) func([]byte) {
		r, dst, rgb, d := New(CatmullRom), make([]byte, 3*size*size), []byte(nil), jpeg.NewDecoder(false)
		return func(file []byte) {
			var all image.Rectangle
			p, err := d.Decode(context.Background(), file, func(h jpeg.Header) (image.Rectangle, error) {
				all = image.Rect(0, 0, h.Width, h.Height)
				return all, nil
			})
			if err != nil {
				b.Error(err)
				return
			}
			w, h := all.Dx(), all.Dy()
			rgb = grow(rgb, 3*w*h)
			p.RGB(rgb, all)
			r.Resize(dst, size, size, Image{rgb, 3 * w, w, h}, Centre(w, h, size))
		}
	}
	bench("turbo/workers=1", 1, turbo)
	bench("turbo/workers=2", 2, turbo)
	bench("go/workers=1", 1, own)
	bench("go/workers=2", 2, own)
}

func BenchmarkResize(b *testing.B) {
	m := noise(500, 375, 1)
	window := Centre(m.Width, m.Height, 256)
	dst := make([]byte, 3*256*256)
	for _, f := range Filters {
		b.Run(f.Name, func(b *testing.B) {
			r := New(f)
			for b.Loop() {
				clear(r.taps) // as if the last one had another size
				r.Resize(dst, 256, 256, m, window)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
