package resample

import (
	"bytes"
	"context"
	"github.com/disintegration/imaging"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"alexnet/pipeline/jpeg"
)

// photographs returns the full-size originals, every step-th of them, as RGB.
func photographs(t testing.TB, step int) []Image {
	t.Helper()
	var images []Image
	d := jpeg.NewDecoder(false)
	for _, file := range files(t, step) {
		var b image.Rectangle
		p, err := d.Decode(context.Background(), file, func(h jpeg.Header) (image.Rectangle, error) {
			b = image.Rect(0, 0, h.Width, h.Height)
			return b, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		pix := make([]byte, 3*b.Dx()*b.Dy())
		p.RGB(pix, b)
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

// Literal pixels: 2×1 doubled and 4×2 halved with the triangle.
func TestPixels(t *testing.T) {
	for _, tc := range []struct {
		name          string
		src           Image
		window        Box
		width, height int
		want          []byte
	}{
		{"2×1 to 4×1", Image{[]byte{0, 10, 20, 100, 50, 20}, 6, 2, 1}, All(2, 1), 4, 1,
			[]byte{0, 10, 20, 25, 20, 20, 75, 40, 20, 100, 50, 20}},
		{"its right pixel", Image{[]byte{0, 10, 20, 100, 50, 20}, 6, 2, 1}, Box{1, 0, 1, 1}, 1, 1,
			[]byte{100, 50, 20}},
		{"a window between pixels", Image{[]byte{0, 10, 20, 100, 50, 20}, 6, 2, 1}, Box{0.5, 0, 1, 1}, 1, 1,
			[]byte{50, 30, 20}},
		{"4×1 to 2×1 (weights 3 3 1 of 7)", Image{[]byte{7, 0, 0, 14, 0, 0, 21, 0, 0, 42, 0, 0}, 12, 4, 1}, All(4, 1), 2, 1,
			[]byte{12, 0, 0, 29, 0, 0}},
		{"1×2 with a gap between rows to 1×1", Image{[]byte{10, 20, 30, 99, 30, 20, 10}, 4, 1, 2}, All(1, 2), 1, 1,
			[]byte{20, 20, 20}},
	} {
		got := make([]byte, len(tc.want))
		New(Linear).Resize(got, tc.width, tc.height, tc.src, tc.window)
		if !bytes.Equal(got, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// A window is what resizing all and cropping gives, where the grids meet.
func TestBoxIsACrop(t *testing.T) {
	src := noise(120, 90, 5)
	for _, f := range Filters {
		r := New(f)
		all, part := make([]byte, 3*80*60), make([]byte, 3*20*30)
		r.Resize(all, 80, 60, src, All(120, 90))
		r.Resize(part, 20, 30, src, Box{60, 30, 30, 45})
		for y := range 30 {
			want := all[3*((20+y)*80+40):][:3*20]
			if !bytes.Equal(part[3*20*y:][:3*20], want) {
				t.Fatalf("%s: row %d is %v, want %v", f.Name, y, part[3*20*y:][:3*20], want)
			}
		}
	}
}

func TestCentre(t *testing.T) {
	for _, tc := range []struct {
		width, height int
		want          Box
	}{
		{256, 256, Box{0, 0, 256, 256}},
		{512, 256, Box{128, 0, 256, 256}},
		{256, 301, Box{0, 22, 256, 256}}, // (301−256)/2 = 22.5, to even
		{512, 1024, Box{0, 256, 512, 512}},
		{500, 375, Box{42 * 500. / 341, 0, 256 * 500. / 341, 375}}, // 256·500/375 = 341.3, (341−256)/2 = 42.5
		{1, 5000, Box{0, 2499.5, 1, 1}},
	} {
		got := Centre(tc.width, tc.height, 256)
		for _, d := range []float64{got.X - tc.want.X, got.Y - tc.want.Y, got.Width - tc.want.Width, got.Height - tc.want.Height} {
			if math.Abs(d) > 1e-9 {
				t.Errorf("%d×%d: %+v, want %+v", tc.width, tc.height, got, tc.want)
				break
			}
		}
	}
}

// Flat pictures stay flat and pictures of the right size stay as they are,
// whatever the shape.
func TestShapes(t *testing.T) {
	for _, f := range Filters {
		r := New(f)
		dst := make([]byte, 3*256*256)
		for _, size := range [][2]int{{1, 1}, {1, 5000}, {5000, 1}, {2, 3}, {255, 257}, {3000, 2}, {17, 256}} {
			m := Image{bytes.Repeat([]byte{9, 90, 250}, size[0]*size[1]), 3 * size[0], size[0], size[1]}
			for _, window := range []Box{All(m.Width, m.Height), Centre(m.Width, m.Height, 256)} {
				r.Resize(dst, 256, 256, m, window)
				if !bytes.Equal(dst, bytes.Repeat([]byte{9, 90, 250}, 256*256)) {
					t.Errorf("%s: flat %v, window %+v isn't flat", f.Name, size, window)
				}
			}
		}
		m := noise(256, 256, 2)
		r.Resize(dst, 256, 256, m, Centre(256, 256, 256))
		if !bytes.Equal(dst, m.compact()) {
			t.Errorf("%s: a picture of the right size is changed", f.Name)
		}
	}
}

func TestPanics(t *testing.T) {
	m := noise(4, 4, 1)
	for name, f := range map[string]func(){
		"no filter":      func() { New(Filter{}) },
		"short dst":      func() { New(Linear).Resize(make([]byte, 11), 2, 2, m, All(4, 4)) },
		"no pixels":      func() { New(Linear).Resize(nil, 0, 2, m, All(4, 4)) },
		"short source":   func() { New(Linear).Resize(make([]byte, 12), 2, 2, Image{m.Pix[1:], m.Stride, 4, 4}, All(4, 4)) },
		"window outside": func() { New(Linear).Resize(make([]byte, 12), 2, 2, m, Box{1, 1, 4, 2}) },
		"empty window":   func() { New(Linear).Resize(make([]byte, 12), 2, 2, m, Box{1, 1, 0, 2}) },
		"not a number":   func() { New(Linear).Resize(make([]byte, 12), 2, 2, m, Box{math.NaN(), 1, 1, 2}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestNoAllocations(t *testing.T) {
	a, b := noise(300, 200, 1), noise(200, 310, 2)
	r, dst := New(CatmullRom), make([]byte, 3*128*128)
	if n := testing.AllocsPerRun(10, func() {
		r.Resize(dst, 128, 128, a, Centre(300, 200, 128))
		r.Resize(dst, 128, 128, b, Centre(200, 310, 128))
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// TestResizeStrips: a picture that comes a few rows at a time becomes what it
// becomes at once, also where memory ends with the last pixel.
func TestResizeStrips(t *testing.T) {
	const size = 24
	r := New(CatmullRom)
	for _, s := range [][2]int{{1, 1}, {5, 90}, {90, 5}, {24, 24}, {67, 49}, {49, 167}} {
		m := noise(s[0], s[1], 3)
		for _, window := range []Box{All(m.Width, m.Height), Centre(m.Width, m.Height, size)} {
			want, got := make([]byte, 3*size*size), make([]byte, 3*size*size)
			r.Resize(want, size, size, m, window)
			for _, slack := range []int{0, Slack} {
				next := 0
				r.ResizeStrips(got, size, size, m.Width, m.Height, func(from, to int) Image {
					if from < next || to <= from || to > m.Height {
						t.Fatalf("%v: asked for rows %d to %d of %d after %d", s, from, to, m.Height, next)
					}
					next = to
					rows := make([]byte, 0, (to-from)*3*m.Width+slack)
					for y := from; y < to; y++ {
						rows = append(rows, m.Pix[y*m.Stride:][:3*m.Width]...)
					}
					return Image{Pix: rows[:cap(rows)], Stride: 3 * m.Width, Width: m.Width, Height: to - from}
				}, window)
				if !bytes.Equal(got, want) {
					t.Errorf("%v, window %+v, slack %d: other pixels", s, window, slack)
				}
			}
		}
	}
}

// Odd windows: never a panic or a byte outside of dst, always what a plain
// computation in floats gives to 2 levels.
func FuzzResize(f *testing.F) {
	f.Add(uint16(31), uint16(20), uint8(7), uint8(9), 0.0, 0.0, 1.0, 1.0, uint8(1))
	f.Add(uint16(1), uint16(500), uint8(40), uint8(40), 0.1, 0.5, 0.9, 0.01, uint8(2))
	f.Add(uint16(500), uint16(1), uint8(3), uint8(33), 0.999, 0.0, 0.001, 1.0, uint8(0))
	f.Fuzz(func(t *testing.T, sw, sh uint16, dw, dh uint8, x, y, w, h float64, filter uint8) {
		m := noise(int(sw%600)+1, int(sh%600)+1, uint64(sw)<<16+uint64(sh))
		width, height := int(dw%64)+1, int(dh%64)+1
		part := func(at, size float64, limit int) (float64, float64) {
			at, size = math.Abs(math.Mod(at, 1)), math.Abs(math.Mod(size, 1))
			if !(at >= 0) || !(size > 1e-6) {
				at, size = 0, 1
			}
			return at * float64(limit), size * (1 - at) * float64(limit)
		}
		var window Box
		window.X, window.Width = part(x, w, m.Width)
		window.Y, window.Height = part(y, h, m.Height)
		kernel := Filters[int(filter)%len(Filters)]
		n := 3 * width * height
		dst := bytes.Repeat([]byte{0x5a}, n+32)
		New(kernel).Resize(dst[:n], width, height, m, window)
		if !bytes.Equal(dst[n:], bytes.Repeat([]byte{0x5a}, 32)) {
			t.Fatal("wrote beyond dst")
		}
		for i, want := range plain(width, height, m, window, kernel) {
			if d := int(dst[i]) - int(want); d < -2 || d > 2 {
				t.Fatalf("%s, %d×%d of %+v to %d×%d: byte %d is %d, in floats %d",
					kernel.Name, m.Width, m.Height, window, width, height, i, dst[i], want)
			}
		}
	})
}

// plain resizes in floats, rounding to bytes after each pass.
func plain(width, height int, m Image, w Box, f Filter) []byte {
	pass := func(at func(i int) float64, from, size float64, outputs, i, limit int) byte {
		scale := size / float64(outputs)
		centre, stretch := from+(float64(i)+0.5)*scale-0.5, max(1, scale)
		sum, total := 0.0, 0.0
		for j := max(0, int(centre-f.Support*stretch)-1); j < min(limit, int(centre+f.Support*stretch)+2); j++ {
			k := f.Kernel((float64(j) - centre) / stretch)
			sum, total = sum+k*at(j), total+k
		}
		return byte(max(0, min(255, math.Round(sum/total))))
	}
	rows := make([]byte, 3*width*m.Height)
	for i := range rows {
		x, y, c := i/3%width, i/3/width, i%3
		rows[i] = pass(func(j int) float64 { return float64(m.Pix[y*m.Stride+3*j+c]) }, w.X, w.Width, width, x, m.Width)
	}
	out := make([]byte, 3*width*height)
	for i := range out {
		x, y, c := i/3%width, i/3/width, i%3
		out[i] = pass(func(j int) float64 { return float64(rows[3*(j*width+x)+c]) }, w.Y, w.Height, height, y, m.Height)
	}
	return out
}

// compact returns the pixels without gaps.
func (m Image) compact() []byte {
	var rgb []byte
	for y := range m.Height {
		rgb = append(rgb, m.Pix[y*m.Stride:][:3*m.Width]...)
	}
	return rgb
}
