package resample

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"

	"alexnet/pipeline/jpeg/turbojpeg"
)

// The two ways to RGB, image/jpeg and FromYCbCr here, libjpeg-turbo there: what
// is left is the rounding of two inverse DCTs, 1 level of Y, Cb and Cr, of which
// the matrix makes 4 of blue at most.
func TestFromYCbCrAgreesWithLibjpeg(t *testing.T) {
	d, err := turbojpeg.NewDecoder()
	if err != nil {
		t.Skip(err)
	}
	defer d.Close()
	count := map[turbojpeg.Subsampling]int{}
	largest, sum, total := 0, 0, 0
	var scratch []byte
	step := 3
	if testing.Short() {
		step = 30
	}
	for i, file := range files(t, step) {
		h, err := d.Header(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := jpeg.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		planes, ok := m.(*image.YCbCr)
		if !ok {
			continue
		}
		want, got := make([]byte, 3*h.Width*h.Height), make([]byte, 3*h.Width*h.Height)
		if err := d.Decode(want, file, h); err != nil {
			t.Fatal(err)
		}
		scratch = FromYCbCr(got, planes, planes.Rect, scratch)
		count[h.Subsampling]++
		for j, v := range got {
			d := int(v) - int(want[j])
			d = max(d, -d)
			if d > 4 {
				t.Fatalf("photograph %d, %+v: pixel %d,%d differs by %d levels, want at most 4", i, h, j/3%h.Width, j/3/h.Width, d)
			}
			largest, sum = max(largest, d), sum+d
		}
		total += len(got)
	}
	mean := float64(sum) / float64(total)
	t.Logf("photographs by subsampling %v: mean difference %.4f levels, largest %d", count, mean, largest)
	if mean > 0.05 {
		t.Errorf("mean difference %.4f levels, want at most 0.05", mean)
	}
}

// Pictures that libjpeg-turbo itself encodes, of every subsampling and of odd
// sizes, show that the edges are right.
func TestFromYCbCrSubsampling(t *testing.T) {
	d, err := turbojpeg.NewDecoder()
	if err != nil {
		t.Skip(err)
	}
	defer d.Close()
	var scratch []byte
	for _, s := range []turbojpeg.Subsampling{turbojpeg.Full, turbojpeg.Half, turbojpeg.Quarter, turbojpeg.HalfDown, turbojpeg.FourToOne} {
		e, err := turbojpeg.NewEncoder(95, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range [][2]int{{1, 1}, {2, 2}, {3, 5}, {5, 3}, {16, 16}, {33, 31}, {64, 1}, {1, 64}} {
			w, h := size[0], size[1]
			rgb := noise(w, h, 7).compact()
			file, err := e.Encode(nil, rgb, w, h)
			if err != nil {
				t.Fatal(err)
			}
			want, got := make([]byte, len(rgb)), make([]byte, len(rgb))
			if err := d.Decode(want, file, turbojpeg.Header{Width: w, Height: h}); err != nil {
				t.Fatal(err)
			}
			m, err := jpeg.Decode(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			scratch = FromYCbCr(got, m.(*image.YCbCr), m.Bounds(), scratch)
			for i, v := range got {
				if diff := int(v) - int(want[i]); diff < -4 || diff > 4 {
					t.Fatalf("subsampling %d, %d×%d: pixel %d,%d is %d, libjpeg says %d", s, w, h, i/3%w, i/3/w, v, want[i])
				}
			}
		}
		e.Close()
	}
}

// compact returns the pixels without gaps.
func (m Image) compact() []byte {
	var rgb []byte
	for y := range m.Height {
		rgb = append(rgb, m.Pix[y*m.Stride:][:3*m.Width]...)
	}
	return rgb
}

// A part is the same as that part of the whole, and without subsampling the
// matrix is that of image/color to a level.
func TestFromYCbCrPart(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		m := image.NewYCbCr(image.Rect(0, 0, 37, 23), ratio)
		for i, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
			copy(plane, noise(37, 23, uint64(i)).Pix)
		}
		whole := make([]byte, 3*37*23)
		FromYCbCr(whole, m, m.Rect, nil)
		for _, part := range []image.Rectangle{image.Rect(5, 3, 30, 20), image.Rect(36, 22, 37, 23), image.Rect(0, 7, 37, 8)} {
			got := make([]byte, 3*part.Dx()*part.Dy())
			FromYCbCr(got, m, part, make([]byte, 1))
			for y := range part.Dy() {
				want := whole[3*((part.Min.Y+y)*37+part.Min.X):][:3*part.Dx()]
				if row := got[3*y*part.Dx():][:len(want)]; !bytes.Equal(row, want) {
					t.Fatalf("%v, part %v, row %d is %v, want %v", ratio, part, y, row, want)
				}
			}
		}
		if ratio == image.YCbCrSubsampleRatio444 {
			for i := range whole {
				r, g, b := color.YCbCrToRGB(m.Y[i/3], m.Cb[i/3], m.Cr[i/3])
				if diff := int(whole[i]) - int([]byte{r, g, b}[i%3]); diff < -1 || diff > 1 {
					t.Fatalf("pixel %d is %v, image/color says %d %d %d", i/3, whole[i/3*3:][:3], r, g, b)
				}
			}
		}
	}
}
