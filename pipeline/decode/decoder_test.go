package decode

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/disintegration/imaging"

	"alexnet/pipeline/jpeg/turbojpeg"
)

// decoders are the decoders of this machine.
func decoders() []string {
	if turbojpeg.Available() != nil {
		return []string{Go}
	}
	return []string{Go, Turbo}
}

// TestPillow compares with what testdata/pictures.py got from Pillow, by each
// decoder. JPEG decoders differ in the last bit before their colour conversion.
func TestPillow(t *testing.T) {
	var want map[string]string
	text, err := os.ReadFile("testdata/pictures.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	tolerance := map[string]int{
		"ycck.jpg": 3, // one more rounding: YCC to CMY, then with K to RGB
	}
	for _, decoder := range decoders() {
		r := New(Config{Size: 16, Decoder: decoder})
		got := make([]byte, 16*16*3)
		for name, hexed := range want {
			golden, err := hex.DecodeString(hexed)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Decode(context.Background(), got, read(t, name)); err != nil {
				t.Errorf("%s by %s: %v", name, decoder, err)
				continue
			}
			worst, mean := difference(got, golden)
			if worst > max(2, tolerance[name]) || mean > 1 {
				t.Errorf("%s by %s: worst difference %d, mean %.2f", name, decoder, worst, mean)
			}
		}
	}
	if len(want) != 32 {
		t.Errorf("%d goldens, want 32", len(want))
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func difference(a, b []byte) (worst int, mean float64) {
	for i := range a {
		d := max(int(a[i])-int(b[i]), int(b[i])-int(a[i]))
		worst = max(worst, d)
		mean += float64(d)
	}
	return worst, mean / float64(len(a))
}

// TestImaging compares with the reference resampler on random pictures, larger
// and smaller than the result, whose crop lies at whole result pixels. It keeps
// 8 bits between its passes, so it may differ by 1.
func TestImaging(t *testing.T) {
	const n = 32
	for _, size := range [][2]int{{32, 32}, {200, 100}, {64, 300}, {20, 30}, {8, 12}, {34, 2}} {
		w, h := size[0], size[1]
		m := image.NewNRGBA(image.Rect(0, 0, w, h))
		rng := rand.New(rand.NewPCG(uint64(w), uint64(h)))
		for y := range h {
			for x := range w {
				// Noise on a ramp: extremes would clip between imaging's passes.
				v := byte(60 + 100*x/w + rng.IntN(30))
				m.SetNRGBA(x, y, color.NRGBA{v, 255 - v, byte(90 + rng.IntN(60)), 255})
			}
		}
		var file bytes.Buffer
		if err := png.Encode(&file, m); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, n*n*3)
		if err := New(Config{Size: n}).Decode(context.Background(), got, file.Bytes()); err != nil {
			t.Fatal(err)
		}
		// Fill would cut kernels at the crop, so resize the whole and crop then.
		side := min(w, h)
		x, y := (w-side)/2, (h-side)/2
		whole := imaging.Resize(m, (w*n+side/2)/side, (h*n+side/2)/side, imaging.CatmullRom)
		crop := imaging.Crop(whole, image.Rect(0, 0, n, n).Add(image.Pt(x*n/side, y*n/side)))
		want := make([]byte, 0, len(got))
		for i := 0; i < len(crop.Pix); i += 4 {
			want = append(want, crop.Pix[i:i+3]...)
		}
		worst, mean := difference(got, want)
		if worst > 1 {
			t.Errorf("%d×%d: worst difference %d, mean %.2f", w, h, worst, mean)
		}
	}
}

func encodePNG(t *testing.T, m image.Image) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// TestSameSizeIsCopied: a picture that needs no scaling keeps its bytes, even
// where the crop would fall between two pixels.
func TestSameSizeIsCopied(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(20 * i)
	}
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	got := make([]byte, 12)
	if err := New(Config{Size: 2}).Decode(context.Background(), got, encodePNG(t, m)); err != nil {
		t.Fatal(err)
	}
	want := []byte{0, 20, 40, 80, 100, 120, 240, 4, 24, 64, 84, 104}
	if !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestOddSizes: whatever the shape, a flat picture stays flat.
func TestOddSizes(t *testing.T) {
	r := New(Config{})
	got := make([]byte, DefaultSize*DefaultSize*3)
	for _, size := range [][2]int{{1, 1}, {1, 5000}, {5000, 1}, {2, 3}, {255, 257}, {1000, 700}} {
		m := image.NewRGBA(image.Rect(0, 0, size[0], size[1]))
		for i := 0; i < len(m.Pix); i += 4 {
			copy(m.Pix[i:], []byte{200, 3, 77, 255})
		}
		if err := r.Decode(context.Background(), got, encodePNG(t, m)); err != nil {
			t.Fatal(size, err)
		}
		for i := 0; i < len(got); i += 3 {
			if [3]byte(got[i:]) != [3]byte{200, 3, 77} {
				t.Fatalf("%v: pixel %d is %v", size, i/3, got[i:i+3])
			}
		}
	}
}

func TestBadFiles(t *testing.T) {
	whole := read(t, "rgb-444.jpg")
	lzma := bytes.Clone(read(t, "rgb.tif"))
	if at := bytes.Index(lzma, []byte("\x03\x01\x03\x00\x01\x00\x00\x00\x05\x00")); at < 0 { // tag 259, SHORT, 1, LZW
		t.Fatal("rgb.tif isn't LZW")
	} else {
		binary.LittleEndian.PutUint16(lzma[at+8:], 34925)
	}
	inBMP := bytes.Clone(read(t, "rgb.bmp"))
	inBMP[30] = 5
	bomb := encodePNG(t, image.NewGray(image.Rect(0, 0, 2000, 1000)))
	cases := []struct {
		name string
		file []byte
		want string
	}{
		{"zero bytes", nil, "the file is empty (0 bytes)"},
		{"text", []byte("Not Found: naïve café ☕☕"), `holds text, not a picture: it begins with "Not Found`},
		{"noise", []byte{1, 2, 3, 4}, "isn't a known picture format: it begins with the bytes 01 02 03 04"},
		{"a video", []byte("\x00\x00\x00\x18ftypisom"), "holds a video or another ISO media file, which isn't read"},
		{"cut in the scan", whole[:len(whole)*3/4], "a JPEG of 44×32 pixels is cut short: its 1107 bytes"},
		{"cut in the header", whole[:100], "a JPEG is cut short: its 100 bytes"},
		{"cut PNG", bomb[:len(bomb)/2], "a PNG of 2000×1000 pixels is cut short"},
		{"bomb", bomb, "a PNG of 2000×1000 pixels is over the limit of 1 megapixels"},
		{"TIFF of LZMA", lzma, "a TIFF of a kind that isn't read (the compression LZMA): convert it"},
		{"PNG in BMP", inBMP, "a BMP of a kind that isn't read (a PNG file in BMP): convert it"},
		{"cut TIFF", read(t, "rgb.tif")[:1000], "is cut short: its 1000 bytes"},
		{"GIF bomb", []byte("GIF89a\x05\x00\x05\x00\x00\x00\x00,\xff\xff\xff\xff\xff\xff\xff\xff\x00\x02\x01\x00\x00;"), "a GIF of 131070×131070 pixels is over the limit of 200 megapixels"},
		{"damaged", append(bytes.Clone(bomb[:60]), bytes.Repeat([]byte{9}, 60)...), "a damaged PNG"},
	}
	for _, decoder := range decoders() {
		for _, c := range cases {
			r := New(Config{Size: 16, Decoder: decoder})
			if c.name == "bomb" {
				r = New(Config{Size: 16, MaxPixels: 1e6, Decoder: decoder})
			}
			err := r.Decode(context.Background(), make([]byte, 16*16*3), c.file)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s by %s: got %v, want …%s…", c.name, decoder, err, c.want)
			} else if strings.Contains(c.want, "isn't read") && strings.Contains(err.Error(), "again") {
				t.Errorf("%s by %s: %v: to fetch a whole file again doesn't help", c.name, decoder, err)
			}
		}
	}
}

// FuzzDecode: whatever the bytes, an answer or an error, within bounds.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		if data, err := os.ReadFile(name); err == nil && filepath.Ext(name) != ".json" {
			f.Add(data)
		}
	}
	r := New(Config{Size: 16, MaxPixels: 1 << 16})
	dst := make([]byte, 16*16*3)
	f.Fuzz(func(t *testing.T, data []byte) {
		if r.Decode(context.Background(), dst, data) != nil {
			return
		}
		again := make([]byte, len(dst))
		if err := New(Config{Size: 16, MaxPixels: 1 << 16}).Decode(context.Background(), again, data); err != nil || !bytes.Equal(again, dst) {
			t.Errorf("a fresh Decoder disagrees: %v", err)
		}
	})
}

// photographs returns every step-th full-size original.
func photographs(t testing.TB, step int) [][]byte {
	t.Helper()
	data := os.Getenv("ALEXNET_DATA")
	if data == "" {
		data = "../../../shared/data"
	}
	names, _ := filepath.Glob(filepath.Join(data, "imagenet-sample", "*.JPEG"))
	if len(names) == 0 {
		t.Skip("no photographs: ALEXNET_DATA or ../shared/data needs imagenet-sample")
	}
	var files [][]byte
	for i := 0; i < len(names); i += step {
		data, err := os.ReadFile(names[i])
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, data)
	}
	return files
}

// TestChoices: what a shard holds hardly depends on the decoder, and on the
// resampler by rounding only.
func TestChoices(t *testing.T) {
	const n = DefaultSize * DefaultSize * 3
	usual := New(Config{Decoder: Go})
	for _, c := range []struct {
		cfg   Config
		worst int
		mean  float64
	}{
		{Config{Decoder: Turbo}, 4, 0.05},
		{Config{Decoder: Go, Resampler: Imaging}, 2, 0.01},
	} {
		if c.cfg.Validate() != nil {
			continue
		}
		other := New(c.cfg)
		worst, mean := 0, 0.0
		files := photographs(t, 10)
		want, got := make([]byte, n), make([]byte, n)
		for _, file := range files {
			if err := errors.Join(usual.Decode(context.Background(), want, file), other.Decode(context.Background(), got, file)); err != nil {
				t.Fatal(err)
			}
			w, m := difference(got, want)
			worst, mean = max(worst, w), mean+m/float64(len(files))
		}
		t.Logf("%+v: worst difference %d, mean %.4f", c.cfg, worst, mean)
		if worst > c.worst || mean > c.mean {
			t.Errorf("%+v: worst difference %d (at most %d), mean %.4f (at most %g)", c.cfg, worst, c.worst, mean, c.mean)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []Config{{Decoder: "fastest"}, {Resampler: "nearest"}} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, c := range []Config{{}, {Decoder: Auto, Resampler: Fast}, {Decoder: Go, Resampler: Imaging}} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// BenchmarkDecode measures full-size photographs on one core.
func BenchmarkDecode(b *testing.B) {
	files := photographs(b, 1)
	dst := make([]byte, DefaultSize*DefaultSize*3)
	for _, decoder := range decoders() {
		b.Run(decoder, func(b *testing.B) {
			r := New(Config{Decoder: decoder})
			for i := 0; b.Loop(); i++ {
				if err := r.Decode(context.Background(), dst, files[i%len(files)]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

// missing is an error of a library that isn't here.
type missing struct{ error }

func (missing) Missing() (name, install string) { return "libheif", "install it (apt-get …)" }

// TestMissingLibrary: the message says what to install, not to fetch a file again.
func TestMissingLibrary(t *testing.T) {
	got := explain("HEIC", "", 100, missing{errors.New("dlopen failed")}).Error()
	if want := "HEIC pictures are read by libheif, which isn't here: install it (apt-get …), or convert the picture"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
