package jpeg

import (
	"bytes"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"
)

// Every luma with every Cr and, against it, every Cb; and lengths that aren't
// whole blocks.
func TestConvertAgrees(t *testing.T) {
	for cr := range 256 {
		for _, cb := range []int{0, 1, 127, 128, 129, 255, 255 - cr} {
			var luma, blues, reds []byte
			for y := range 256 + cr%17 {
				luma, blues, reds = append(luma, byte(y)), append(blues, byte(cb+y*3)), append(reds, byte(cr))
			}
			n := 3 * len(luma)
			for _, mirrored := range []bool{false, true} {
				got, want := bytes.Repeat([]byte{0x5a}, n+8), make([]byte, n)
				convert(got[:n], luma, blues, reds, mirrored)
				convertGo(want, luma, blues, reds, mirrored)
				if !bytes.Equal(got[:n], want) || !bytes.Equal(got[n:], bytes.Repeat([]byte{0x5a}, 8)) {
					t.Fatalf("Cr %d, Cb %d, mirrored %t: convert and convertGo differ", cr, cb, mirrored)
				}
			}
		}
	}
}

// TestDoubleRowsAgrees: rows of any length are doubled as doubleRowsGo does, and where
// they don't begin and end, all but the first and the last sample are.
func TestDoubleRowsAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := 1; n < 150; n++ {
		this, near := make([]byte, n), make([]byte, n)
		for i := range this {
			this[i], near[i] = byte(r.Uint32()), byte(r.Uint32())
			if n%3 == 0 { // the extremes
				this[i], near[i] = byte(int8(this[i])>>7), byte(int8(near[i])>>7)
			}
		}
		want := make([]byte, 2*n)
		doubleRowsGo(want, this, near, 0, n)
		rest := bytes.Repeat([]byte{0x5a}, 8)
		got := bytes.Repeat([]byte{0x5a}, 2*n+8)
		doubleRows(got, this, near, false, false)
		if n > 2 && (!bytes.Equal(got[2:2*n-2], want[2:2*n-2]) || !bytes.Equal(got[2*n-2:], append([]byte{0x5a, 0x5a}, rest...))) {
			t.Fatalf("the inner ones of %d samples differ", n)
		}
		if doubleRows(got, this, near, true, true); !bytes.Equal(got, append(want, rest...)) {
			t.Fatalf("%d samples: doubleRows and doubleRowsGo differ", n)
		}
	}
}

// sampled is a random picture of 37×23 pixels whose chroma is subsampled.
func sampled(h, v int) *Picture {
	r := rand.New(rand.NewPCG(uint64(h), uint64(v)))
	bounds := image.Rect(0, 0, 37, 23)
	p := &Picture{Bounds: bounds, planesBounds: bounds, hMax: h, vMax: v, colours: yCbCr}
	for i := range 3 {
		c := plane{stride: 41, width: 37, height: 23, h: h, v: v}
		if i > 0 {
			c.width, c.height, c.h, c.v = (37+h-1)/h, (23+v-1)/v, 1, 1
		}
		c.pix = make([]byte, c.stride*c.height)
		for i := range c.pix {
			c.pix[i] = byte(r.Uint32())
		}
		p.planes = append(p.planes, c)
	}
	return p
}

// TestParts: a part is the same as that part of the whole, mirrored the same the other
// way, and without subsampling
// the matrix is that of image/color to a level.
func TestParts(t *testing.T) {
	for _, f := range [][2]int{{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}, {4, 2}, {3, 1}, {1, 4}} {
		p := sampled(f[0], f[1])
		whole := make([]byte, 3*37*23)
		p.RGB(whole, p.Bounds)
		for _, part := range []image.Rectangle{image.Rect(5, 3, 30, 20), image.Rect(36, 22, 37, 23), image.Rect(0, 7, 37, 8)} {
			got := make([]byte, 3*part.Dx()*part.Dy())
			mirrored, back := make([]byte, len(got)), make([]byte, len(got))
			p.RGB(got, part)
			p.Mirrored(mirrored, part)
			(&Picture{Bounds: p.Bounds, rgb: whole, stride: 3 * 37}).Mirrored(back, part)
			if !bytes.Equal(back, mirrored) {
				t.Errorf("%v, part %v: of pixels and of planes differ mirrored", f, part)
			}
			for y := range part.Dy() {
				want := whole[3*((part.Min.Y+y)*37+part.Min.X):][:3*part.Dx()]
				if row := got[3*y*part.Dx():][:len(want)]; !bytes.Equal(row, want) {
					t.Fatalf("%v, part %v, row %d is %v, want %v", f, part, y, row, want)
				}
				for x := range part.Dx() {
					at := 3 * (y*part.Dx() + part.Dx() - 1 - x)
					if pixel := mirrored[at:][:3]; !bytes.Equal(pixel, want[3*x:][:3]) {
						t.Fatalf("%v, part %v, row %d mirrored: pixel %d is %v, want %v", f, part, y, x, pixel, want[3*x:][:3])
					}
				}
			}
		}
		if f == [2]int{1, 1} {
			for i := range whole {
				at := i/3/37*41 + i/3%37
				r, g, b := color.YCbCrToRGB(p.planes[0].pix[at], p.planes[1].pix[at], p.planes[2].pix[at])
				if diff := int(whole[i]) - int([]byte{r, g, b}[i%3]); diff < -1 || diff > 1 {
					t.Fatalf("pixel %d is %v, image/color says %d %d %d", i/3, whole[i/3*3:][:3], r, g, b)
				}
			}
		}
	}
}

// TestInked: Pillow 13 converts these CMYK colours (as a file with inverted samples
// stores them) to these RGB ones: Image.new("CMYK", (1, 1), (255-c, …)).convert("RGB").
func TestInked(t *testing.T) {
	stored := []byte{255, 255, 255, 255, 255, 255, 255, 0, 10, 200, 100, 180, 128, 64, 32, 129}
	want := []byte{255, 255, 255, 0, 0, 0, 7, 141, 71, 65, 32, 16}
	got := make([]byte, len(want))
	rows := make([][]byte, 4)
	for i, v := range stored {
		rows[i%4] = append(rows[i%4], v)
	}
	cmyk.toRGB(got, rows, false)
	if !bytes.Equal(got, want) {
		t.Errorf("RGB %v, want %v", got, want)
	}
}

func BenchmarkToRGB(b *testing.B) {
	for _, f := range [][2]int{{1, 1}, {2, 2}} {
		b.Run(map[int]string{1: "444", 2: "420"}[f[0]], func(b *testing.B) {
			p := sampled(f[0], f[1])
			dst := make([]byte, 3*37*23)
			for b.Loop() {
				p.RGB(dst, p.Bounds)
			}
		})
	}
}
