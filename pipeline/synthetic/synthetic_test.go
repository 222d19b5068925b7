package synthetic

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPictureBytes pins a picture of every class: they are the same on every
// machine, for ever, so that figures made from a synthetic set stay comparable.
func TestPictureBytes(t *testing.T) {
	h := sha256.New()
	for class := range textures {
		m := Picture(1, class, 3)
		fmt.Fprintln(h, m.Rect)
		h.Write(m.Pix)
	}
	const want = "1f61787f6dc8289f4dea2c4a4a4d390a79c5f377cb6a404068ab424505eddfd3"
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		t.Errorf("the pictures have changed: %s", got)
	}
}

func TestPicturesDiffer(t *testing.T) {
	first := Picture(1, 0, 0)
	for _, m := range []*image.RGBA{Picture(2, 0, 0), Picture(1, 1, 0), Picture(1, 0, 1)} {
		if bytes.Equal(m.Pix, first.Pix) {
			t.Error("another seed, class or index gives the same picture")
		}
	}
	for i := range 20 {
		b := Picture(1, i%10, i).Bounds()
		short, long := min(b.Dx(), b.Dy()), max(b.Dx(), b.Dy())
		if short < 256 || short > 320 || long*100 > short*141 {
			t.Errorf("picture %d is %v", i, b)
		}
	}
}

func TestClassesAreSorted(t *testing.T) {
	if c := Classes(); len(c) != 10 || !slices.IsSorted(c) {
		t.Errorf("classes %v", c)
	}
}

// TestColourTellsNothing trains the best guess from mean colour, the nearest
// class mean, and finds it no better than chance on other pictures.
func TestColourTellsNothing(t *testing.T) {
	const each = 30
	mean := func(m *image.RGBA) (c [3]float64) {
		for i := 0; i < len(m.Pix); i += 4 * 97 {
			for k := range c {
				c[k] += float64(m.Pix[i+k])
			}
		}
		for k := range c {
			c[k] /= float64((len(m.Pix) + 4*97 - 1) / (4 * 97))
		}
		return c
	}
	var centres [10][3]float64
	for class := range centres {
		for i := range each {
			c := mean(Picture(1, class, i))
			for k := range c {
				centres[class][k] += c[k] / each
			}
		}
	}
	right := 0
	for class := range centres {
		for i := range each {
			c := mean(Picture(2, class, i))
			best, nearest := 0, 1e9
			for j, m := range centres {
				d := 0.0
				for k := range c {
					d += (c[k] - m[k]) * (c[k] - m[k])
				}
				if d < nearest {
					best, nearest = j, d
				}
			}
			if best == class {
				right++
			}
		}
	}
	// Chance is 30 of 300 with a standard deviation of 5.2.
	if right > 48 {
		t.Errorf("mean colour tells the class of %d of 300 pictures, chance is 30", right)
	}
}

func TestWrite(t *testing.T) {
	var sums []string
	for _, workers := range []int{1, 5} {
		dir := filepath.Join(t.TempDir(), "set")
		calls := 0
		n, err := Write(t.Context(), dir, Config{Classes: 2, PerClass: 4, Workers: workers}, func(done, total int) {
			if calls++; done != calls || total != 10 {
				t.Errorf("progress %d of %d", done, total)
			}
		})
		if n != 10 || err != nil {
			t.Fatal(n, err)
		}
		h := sha256.New()
		files, _ := filepath.Glob(filepath.Join(dir, "*", "*", "*.jpg"))
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			rel, _ := filepath.Rel(dir, f)
			fmt.Fprintln(h, filepath.ToSlash(rel))
			h.Write(data)
		}
		if len(files) != 10 || !strings.HasSuffix(filepath.ToSlash(files[9]), "val/checks/checks_00000.jpg") {
			t.Errorf("files %v", files)
		}
		sums = append(sums, fmt.Sprintf("%x", h.Sum(nil)))
	}
	if sums[0] != sums[1] {
		t.Error("1 and 5 workers write different files")
	}
}

func TestWriteRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		dir  string
		cfg  Config
		want string
	}{
		{full, Config{}, "already holds mine"},
		{"x", Config{Classes: 11}, "11 classes: choose 2 to 10"},
		{"x", Config{PerClass: -1}, "choose at least 1 of each"},
	}
	for _, c := range cases {
		if _, err := Write(t.Context(), c.dir, c.cfg, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want …%s…", err, c.want)
		}
	}
}

func TestWriteCancelledLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Write(ctx, filepath.Join(parent, "set"), Config{}, func(int, int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if left, _ := os.ReadDir(parent); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// TestSquare: a picture of a size is the mean of the pixels below each of its own, from
// the centre.
func TestSquare(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 6, 4)) // the square is columns 1 to 4
	for i := range m.Pix {
		m.Pix[i] = byte(i)
	}
	got := square(m, 2)
	for y := range 2 {
		for x := range 2 {
			for c := range 4 {
				sum := 0
				for _, at := range [][2]int{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
					sum += int(m.Pix[m.PixOffset(1+2*x+at[0], 2*y+at[1])+c])
				}
				if v := got.Pix[got.PixOffset(x, y)+c]; int(v) != (sum+2)/4 {
					t.Errorf("pixel (%d, %d), channel %d: %d, want %d", x, y, c, v, (sum+2)/4)
				}
			}
		}
	}
	dir := filepath.Join(t.TempDir(), "set")
	if _, err := Write(t.Context(), dir, Config{Classes: 2, PerClass: 1, Size: 32, Seed: 1}, nil); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*", "*.jpg"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := image.DecodeConfig(f)
		f.Close()
		if err != nil || c.Width != 32 || c.Height != 32 {
			t.Errorf("%s has %d×%d pixels, %v", name, c.Width, c.Height, err)
		}
	}
	if err := (&Config{Size: 7}).Validate(); err == nil || !strings.Contains(err.Error(), "choose 8 to 256") {
		t.Errorf("7 pixels a side: %v", err)
	}
}
