package turbojpeg

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func decoder(t testing.TB) *Decoder {
	t.Helper()
	d, err := NewDecoder()
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(d.Close)
	return d
}

// photographs returns the full-size originals.
func photographs(t testing.TB) map[string][]byte {
	t.Helper()
	root := os.Getenv("ALEXNET_DATA")
	if root == "" {
		root = "../../../../shared/data"
	}
	names, _ := filepath.Glob(filepath.Join(root, "imagenet-sample", "*.JPEG"))
	if len(names) == 0 {
		t.Skip("no photographs: $ALEXNET_DATA/imagenet-sample is missing")
	}
	files := map[string][]byte{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = data
	}
	return files
}

// gradient returns width×height RGB pixels without sharp edges.
func gradient(width, height int) []byte {
	rgb := make([]byte, 0, 3*width*height)
	for y := range height {
		for x := range width {
			rgb = append(rgb, byte(40+160*x/width), byte(50+150*y/height), byte(200-90*(x+y)/(width+height)))
		}
	}
	return rgb
}

// encodeGo encodes RGB pixels with image/jpeg.
func encodeGo(t testing.TB, rgb []byte, width, height, quality int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		m.SetRGBA(i%width, i/width, color.RGBA{rgb[3*i], rgb[3*i+1], rgb[3*i+2], 255})
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(t testing.TB, d *Decoder, src []byte) ([]byte, Header) {
	t.Helper()
	h, err := d.Header(src)
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 3*h.Width*h.Height)
	if err := d.Decode(dst, src, h); err != nil {
		t.Fatal(err)
	}
	return dst, h
}

// difference returns the largest and the mean distance of two pictures in levels.
func difference(a, b []byte) (largest int, mean float64) {
	sum := 0
	for i := range a {
		d := int(a[i]) - int(b[i])
		d = max(d, -d)
		largest, sum = max(largest, d), sum+d
	}
	return largest, float64(sum) / float64(len(a))
}

// The luma of a grey rendering is untouched by chroma upsampling, in which
// image/jpeg (nearest) and libjpeg (smooth) differ, so what is left is the two
// inverse DCTs: 1 level each way.
func TestLumaAgreesWithImageJPEG(t *testing.T) {
	d := decoder(t)
	checked := 0
	for name, data := range photographs(t) {
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		grey, ok := m.(*image.Gray)
		if !ok {
			continue
		}
		rgb, h := decode(t, d, data)
		if h.Colour != Gray || h.Subsampling != Grey {
			t.Errorf("%s: header %+v, want grey", name, h)
		}
		for i := range h.Width * h.Height {
			want := int(grey.Pix[i/h.Width*grey.Stride+i%h.Width])
			if got := int(rgb[3*i]); got < want-1 || got > want+1 || rgb[3*i+1] != rgb[3*i] || rgb[3*i+2] != rgb[3*i] {
				t.Fatalf("%s: pixel %d is %v, want %d±1 three times", name, i, rgb[3*i:3*i+3], want)
			}
		}
		checked++
	}
	if checked == 0 {
		t.Error("no grey photograph among the originals")
	}
}

// Against image/jpeg over all photographs. Its chroma is replicated where
// libjpeg interpolates, so single pixels at coloured edges differ by a lot, and
// the mean is what counts. Pictures without subsampling differ by rounding only:
// a level of Cb is 1.8 of blue.
func TestAgreesWithImageJPEG(t *testing.T) {
	d := decoder(t)
	var sum float64
	worstMean, full := 0.0, 0
	files := photographs(t)
	for name, data := range files {
		m, err := jpeg.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, h := decode(t, d, data)
		if b := m.Bounds(); h.Width != b.Dx() || h.Height != b.Dy() {
			t.Fatalf("%s: %d×%d, image/jpeg says %v", name, h.Width, h.Height, b)
		}
		want := make([]byte, 0, len(got))
		for y := range h.Height {
			for x := range h.Width {
				r, g, b, _ := m.At(x, y).RGBA()
				want = append(want, byte(r>>8), byte(g>>8), byte(b>>8))
			}
		}
		largest, mean := difference(got, want)
		if h.Subsampling == Full {
			full++
			if largest > 4 {
				t.Errorf("%s: 4:4:4 differs by %d levels, want at most 4", name, largest)
			}
		}
		sum, worstMean = sum+mean, max(worstMean, mean)
	}
	mean := sum / float64(len(files))
	t.Logf("%d pictures, %d of them 4:4:4: mean difference %.3f levels, of the worst picture %.3f", len(files), full, mean, worstMean)
	if mean > 1 || worstMean > 5 {
		t.Errorf("mean difference %.3f levels (at most 1), of the worst picture %.3f (at most 5)", mean, worstMean)
	}
}

func TestHeader(t *testing.T) {
	d := decoder(t)
	h, err := d.Header(encodeGo(t, gradient(37, 21), 37, 21, 90))
	if want := (Header{37, 21, Quarter, YCbCr}); h != want || err != nil {
		t.Errorf("header %+v, %v; want %+v", h, err, want)
	}
	if s := h.Scaled(4); s.Width != 19 || s.Height != 11 {
		t.Errorf("half of 37×21 is %d×%d, want 19×11", s.Width, s.Height)
	}
}

// A reduced block is about the mean of its pixels.
func TestScaled(t *testing.T) {
	d := decoder(t)
	rgb := gradient(64, 48)
	src := encodeGo(t, rgb, 64, 48, 95)
	h, _ := d.Header(src)
	for eighths := 1; eighths <= 8; eighths *= 2 {
		s, side := h.Scaled(eighths), 8/eighths
		var want []byte
		for i := range s.Width * s.Height * 3 {
			x, y, c, sum := i/3%s.Width*side, i/3/s.Width*side, i%3, 0
			for k := range side * side {
				sum += int(rgb[((y+k/side)*64+x+k%side)*3+c])
			}
			want = append(want, byte(sum/(side*side)))
		}
		got := make([]byte, len(want))
		if err := d.Decode(got, src, s); err != nil {
			t.Fatalf("%d/8: %v", eighths, err)
		}
		if largest, mean := difference(got, want); largest > 8 || mean > 2 {
			t.Errorf("%d/8: differs from the mean of %d×%d pixels by %d, mean %.2f levels", eighths, side, side, largest, mean)
		}
	}
}

func TestEncodeDecode(t *testing.T) {
	d := decoder(t)
	for _, tc := range []struct {
		width, height int
		subsampling   Subsampling
	}{{256, 256, Quarter}, {1, 1, Quarter}, {1, 300, Full}, {301, 1, Half}, {33, 17, HalfDown}, {50, 9, FourToOne}} {
		e, err := NewEncoder(90, tc.subsampling)
		if err != nil {
			t.Fatal(err)
		}
		rgb := gradient(tc.width, tc.height)
		out, err := e.Encode([]byte("before"), rgb, tc.width, tc.height)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(out, []byte("before\xff\xd8")) || !bytes.HasSuffix(out, []byte("\xff\xd9")) {
			t.Fatalf("%+v: not appended, or no JPEG file", tc)
		}
		got, h := decode(t, d, out[6:])
		if h.Width != tc.width || h.Height != tc.height || h.Subsampling != tc.subsampling {
			t.Errorf("%+v: header %+v", tc, h)
		}
		if largest, mean := difference(got, rgb); largest > 16 || mean > 2 {
			t.Errorf("%+v: differs by %d, mean %.2f levels", tc, largest, mean)
		}
		if _, err := jpeg.Decode(bytes.NewReader(out[6:])); err != nil {
			t.Errorf("%+v: image/jpeg: %v", tc, err)
		}
		e.Close()
		if _, err := e.Encode(nil, rgb, tc.width, tc.height); err == nil {
			t.Error("Encode after Close: no error")
		}
	}
	if _, err := NewEncoder(0, Quarter); err == nil {
		t.Error("quality 0: no error")
	}
}

func TestDamaged(t *testing.T) {
	d := decoder(t)
	good := encodeGo(t, gradient(200, 120), 200, 120, 90)
	h := Header{200, 120, Quarter, YCbCr}
	dst := make([]byte, 3*200*120)
	for _, tc := range []struct {
		name    string
		src     []byte
		damaged bool // begins as a JPEG file does
	}{
		{"cut in half", good[:len(good)/2], true},
		{"without its end marker and last bytes", good[:len(good)-10], true},
		{"cut in the header", good[:100], true},
		{"nothing", nil, false},
		{"text", []byte("this is a text file"), false},
		{"two bytes", good[:2], true},
	} {
		err := d.Decode(dst, tc.src, h)
		if err == nil {
			t.Errorf("%s: no error", tc.name)
		}
		if _, is := errors.AsType[*WarningError](err); is != tc.damaged {
			t.Errorf("%s: error %v, a WarningError: %v, want %v", tc.name, err, is, tc.damaged)
		}
	}
	if _, err := d.Header([]byte("no JPEG")); err == nil || !strings.Contains(err.Error(), "Not a JPEG") {
		t.Errorf("header of text: %v", err)
	}
	if _, err := d.Header(nil); err == nil {
		t.Error("header of nothing: no error")
	}
	// The handle is good for the next file.
	if err := d.Decode(dst, good, h); err != nil {
		t.Errorf("a good file after bad ones: %v", err)
	}
	// Extra bytes between segments do no harm, but the decoder can't know whether libjpeg's
	// warning means only these.
	extra := append(append(append([]byte{}, good[:2]...), 0, 0, 0), good[2:]...)
	if _, is := errors.AsType[*WarningError](d.Decode(dst, extra, h)); !is {
		t.Error("three extraneous bytes: no WarningError")
	}
	d.Close()
	if err := d.Decode(dst, good, h); err == nil {
		t.Error("Decode after Close: no error")
	}
}

// Pillow 13 converts these CMYK colours (as a file with inverted samples stores
// them) to these RGB ones: Image.new("CMYK", (1, 1), (255-c, …)).convert("RGB").
func TestCMYK(t *testing.T) {
	stored := []byte{255, 255, 255, 255, 255, 255, 255, 0, 10, 200, 100, 180, 128, 64, 32, 129}
	want := []byte{255, 255, 255, 0, 0, 0, 7, 141, 71, 65, 32, 16}
	got := make([]byte, len(want))
	fromInvertedCMYK(got, stored)
	if !bytes.Equal(got, want) {
		t.Errorf("RGB %v, want %v", got, want)
	}
}

func TestGoroutines(t *testing.T) {
	decoder(t)
	src := encodeGo(t, gradient(90, 70), 90, 70, 90)
	want, h := decode(t, decoder(t), src)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			d, err := NewDecoder()
			if err != nil {
				t.Error(err)
				return
			}
			got := make([]byte, len(want))
			for range 50 {
				if err := d.Decode(got, src, h); err != nil || !bytes.Equal(got, want) {
					t.Errorf("decode in a goroutine: %v, equal %v", err, bytes.Equal(got, want))
					return
				}
			}
		})
	}
	wait.Wait()
}

// Warnings keep their text while goroutines change threads, which the runtime
// makes them do when a call takes long.
func TestWarningTextsInGoroutines(t *testing.T) {
	decoder(t)
	good := encodeGo(t, gradient(1500, 1000), 1500, 1000, 90)
	cut := good[:len(good)/2]
	h := Header{1500, 1000, Quarter, YCbCr}
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			d, err := NewDecoder()
			if err != nil {
				t.Error(err)
				return
			}
			defer d.Close()
			dst := make([]byte, 3*1500*1000)
			for range 15 {
				if err := d.Decode(dst, cut, h); err == nil || !strings.Contains(err.Error(), "Premature end") {
					t.Errorf("a file cut in half: %v", err)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestNoAllocations(t *testing.T) {
	d := decoder(t)
	e, err := NewEncoder(90, Quarter)
	if err != nil {
		t.Fatal(err)
	}
	rgb := gradient(64, 64)
	src, _ := e.Encode(nil, rgb, 64, 64)
	out := make([]byte, 0, 1<<16)
	if n := testing.AllocsPerRun(20, func() {
		h, _ := d.Header(src)
		if d.Decode(rgb, src, h) != nil {
			t.Error("decode failed")
		}
		out, _ = e.Encode(out[:0], rgb, 64, 64)
	}); n != 0 {
		t.Errorf("%v allocations a picture, want 0", n)
	}
}

func FuzzDecode(f *testing.F) {
	d := decoder(f)
	f.Add(encodeGo(f, gradient(20, 10), 20, 10, 80))
	f.Add([]byte("\xff\xd8\xff\xd9"))
	noise := make([]byte, 3*16*16)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	f.Add(encodeGo(f, noise, 16, 16, 50))
	f.Fuzz(func(t *testing.T, src []byte) {
		h, err := d.Header(src)
		if err != nil || h.Width*h.Height > 1<<20 {
			return
		}
		const guard = 0xa5
		n := 3 * h.Width * h.Height
		dst := make([]byte, n+64)
		for i := range dst[n:] {
			dst[n+i] = guard
		}
		_ = d.Decode(dst[:n], src, h) // an error or a picture, and nothing outside of it
		for i, b := range dst[n:] {
			if b != guard {
				t.Fatalf("byte %d behind the picture was written", i)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	d := decoder(b)
	files := photographs(b)
	var dst []byte
	for b.Loop() {
		for _, src := range files {
			h, err := d.Header(src)
			if err != nil {
				b.Fatal(err)
			}
			if n := 3 * h.Width * h.Height; cap(dst) < n {
				dst = make([]byte, n)
			}
			if err := d.Decode(dst[:3*h.Width*h.Height], src, h); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N*len(files))/b.Elapsed().Seconds(), "images/s")
}
