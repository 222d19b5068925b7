package jpeg

import (
	"bytes"
	"context"
	"errors"
	"image"
	"os"
	"path/filepath"
	"testing"

	"alexnet/pipeline/jpeg/turbojpeg"
)

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

// rgb decodes a part of a file, and returns its pixels and the picture's size.
func rgb(t *testing.T, d *fastDecoder, file []byte, part func(width, height int) image.Rectangle) (pixels []byte, width, height int, err error) {
	t.Helper()
	if width, height, err = d.open(file); err != nil {
		return nil, 0, 0, err
	}
	rect := part(width, height)
	p, err := d.decode(context.Background(), rect)
	if err != nil {
		return nil, 0, 0, err
	}
	if !rect.In(p.Bounds) {
		t.Fatalf("asked for %v, got %v", rect, p.Bounds)
	}
	pixels = make([]byte, 3*rect.Dx()*rect.Dy())
	p.RGB(pixels, rect)
	return pixels, width, height, nil
}

func all(width, height int) image.Rectangle { return image.Rect(0, 0, width, height) }

// TestSamePixelsAsTurbo: the pixels of libjpeg-turbo, to the bit, of whole
// photographs and of parts.
func TestSamePixelsAsTurbo(t *testing.T) {
	turbo, err := turbojpeg.NewDecoder()
	if err != nil {
		t.Skip(err)
	}
	step := 1
	if testing.Short() {
		step = 20
	}
	files := photographs(t, step)
	d, others := new(fastDecoder), 0
	for n, file := range files {
		got, width, height, err := rgb(t, d, file, all)
		if errors.Is(err, errOther) {
			others++
			continue
		}
		h, err := turbo.Header(file)
		if err != nil || h.Width != width || h.Height != height {
			t.Fatalf("photograph %d: %d×%d, want %+v, %v", n, width, height, h, err)
		}
		want := make([]byte, 3*width*height)
		if err := turbo.Decode(want, file, h); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("photograph %d, %d×%d, %v: other pixels", n, width, height, h.Subsampling)
			continue
		}
		middle := func(w, h int) image.Rectangle {
			return image.Rect(w/4+n%7, h/5+n%11, w-w/6, h-h/9)
		}
		got, _, _, _ = rgb(t, d, file, middle)
		r := middle(width, height)
		for y := range r.Dy() {
			row := want[3*((y+r.Min.Y)*width+r.Min.X):][:3*r.Dx()]
			if !bytes.Equal(got[3*y*r.Dx():][:3*r.Dx()], row) {
				t.Errorf("photograph %d, row %d of %v: other pixels", n, y, r)
				break
			}
		}
	}
	if others > 0 {
		t.Errorf("%d of %d photographs are left to others", others, len(files))
	}
}

func BenchmarkDecode(b *testing.B) {
	files := photographs(b, 5)
	b.Run("baseline", func(b *testing.B) {
		d := new(fastDecoder)
		for i := range b.N {
			w, h, err := d.open(files[i%len(files)])
			if err == nil {
				_, err = d.decode(context.Background(), all(w, h))
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("turbo", func(b *testing.B) {
		d, err := turbojpeg.NewDecoder()
		if err != nil {
			b.Skip(err)
		}
		var rgb []byte
		for i := range b.N {
			h, err := d.Header(files[i%len(files)])
			if err != nil {
				b.Fatal(err)
			}
			rgb = grow(rgb, 3*h.Width*h.Height)
			if err := d.Decode(rgb, files[i%len(files)], h); err != nil {
				b.Fatal(err)
			}
		}
	})
}
