package resample

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/disintegration/imaging"
)

// photographs returns the full-size originals, every step-th of them, as RGB.
func photographs(t testing.TB, step int) []Image {
	t.Helper()
	var images []Image
	var scratch []byte
	for _, file := range files(t, step) {
		m, err := jpeg.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		b := m.Bounds()
		pix := make([]byte, 3*b.Dx()*b.Dy())
		switch m := m.(type) {
		case *image.YCbCr:
			scratch = FromYCbCr(pix, m, b, scratch)
		case *image.Gray:
			for i := range b.Dx() * b.Dy() {
				v := m.Pix[i/b.Dx()*m.Stride+i%b.Dx()]
				pix[3*i], pix[3*i+1], pix[3*i+2] = v, v, v
			}
		default:
			continue
		}
		images = append(images, Image{pix, 3 * b.Dx(), b.Dx(), b.Dy()})
	}
	return images
}

func files(t testing.TB, step int) [][]byte {
	t.Helper()
	root := os.Getenv("ALEXNET_DATA")
	if root == "" {
		root = "../../../shared/data"
	}
	names, _ := filepath.Glob(filepath.Join(root, "imagenet-sample", "*.JPEG"))
	if len(names) == 0 {
		t.Skip("no photographs: $ALEXNET_DATA/imagenet-sample is missing")
	}
	var all [][]byte
	for i := 0; i < len(names); i += step {
		data, err := os.ReadFile(names[i])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

func (m Image) nrgba() *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
	for y := range m.Height {
		for x := range m.Width {
			p := m.Pix[y*m.Stride+3*x:]
			out.SetNRGBA(x, y, color.NRGBA{p[0], p[1], p[2], 255})
		}
	}
	return out
}

// noise returns a picture of random pixels, with three bytes between rows.
func noise(width, height int, seed uint64) Image {
	m := Image{make([]byte, (3*width+3)*height-3), 3*width + 3, width, height}
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range m.Pix {
		m.Pix[i] = byte(r.Uint32())
	}
	return m
}

var imagingFilters = map[string]imaging.ResampleFilter{
	Linear.Name: imaging.Linear, CatmullRom.Name: imaging.CatmullRom, Lanczos.Name: imaging.Lanczos,
}

// The whole way of a photograph, against resizing all of it with imaging and
// cropping.
func TestAgreesWithImaging(t *testing.T) {
	const size = 256
	step := 5
	if testing.Short() {
		step = 50
	}
	images := photographs(t, step)
	for _, f := range Filters {
		r := New(f)
		largest, sum := 0, 0
		got := make([]byte, 3*size*size)
		for _, m := range images {
			r.Resize(got, size, size, m, Centre(m.Width, m.Height, size))
			w, h := ScaledSize(m.Width, m.Height, size)
			whole := imaging.Resize(m.nrgba(), w, h, imagingFilters[f.Name])
			left := int(math.RoundToEven(float64(w-size) / 2))
			top := int(math.RoundToEven(float64(h-size) / 2))
			for i, v := range got {
				x, y, c := i/3%size, i/3/size, i%3
				d := int(v) - int(whole.Pix[(top+y)*whole.Stride+4*(left+x)+c])
				d = max(d, -d)
				largest, sum = max(largest, d), sum+d
			}
		}
		mean := float64(sum) / float64(len(images)*len(got))
		t.Logf("%s, %d photographs: mean difference from imaging %.4f levels, largest %d", f.Name, len(images), mean, largest)
		if largest > 2 || mean > 0.02 {
			t.Errorf("%s: difference from imaging %d levels (at most 2), mean %.4f (at most 0.02)", f.Name, largest, mean)
		}
	}
}

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
