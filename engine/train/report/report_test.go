package report

import (
	"bytes"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine"
)

func TestKernelsPixels(t *testing.T) {
	// Two towers of one 1×1 kernel each, drawn 44 pixels a side.
	img, err := Kernels([]float32{1, 0, -1 /**/, 0.25, -0.5, 0}, []int{2, 3, 1, 1}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() != 4+44+4 || b.Dy() != 4+44+4+16+44+4 {
		t.Errorf("picture of %v", b)
	}
	for _, c := range []struct {
		x, y int
		want color.RGBA
	}{
		{0, 0, color.RGBA{255, 255, 255, 255}},
		{4, 4, color.RGBA{255, 128, 0, 255}},
		{47, 47, color.RGBA{255, 128, 0, 255}},
		{48, 47, color.RGBA{255, 255, 255, 255}},
		{4, 4 + 48 + 16, color.RGBA{191, 0, 128, 255}}, // scaled by its own largest, 0.5
	} {
		if got := img.At(c.x, c.y); got != c.want {
			t.Errorf("(%d,%d) is %v, want %v", c.x, c.y, got, c.want)
		}
	}
}

func TestKernelsRefuses(t *testing.T) {
	for _, dims := range [][]int{{4, 3, 5}, {4, 1, 5, 5}, {4, 3, 5, 4}, {3, 3, 5, 5}} {
		if _, err := Kernels(nil, dims, 2); err == nil {
			t.Errorf("%v: no error", dims)
		}
	}
}

func TestCurveIsAPicture(t *testing.T) {
	for _, metrics := range [][]engine.Metrics{
		nil,
		{{Split: "train", Step: 20, Loss: 2.3, Top1Error: 0.9}},
		{{Split: "train", Step: 20, Loss: 2.3, Top1Error: 0.9}, {Split: "val", Step: 20, Loss: 2, Top1Error: 0.8, Top5Error: 0.3}},
	} {
		var b bytes.Buffer
		if err := Curve(&b, metrics); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		red := false // a validation point
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				r, g, b, _ := img.At(x, y).RGBA()
				red = red || r>>8 == 0xc0 && g>>8 == 0x39 && b>>8 == 0x2b
			}
		}
		if red != (len(metrics) == 2) {
			t.Errorf("%d metrics: validation drawn is %v", len(metrics), red)
		}
	}
}

func TestPageIsSelfContainedAndEscapes(t *testing.T) {
	p := page{Title: "a <run>", Figures: []Figure{{"lowest", "1 %"}}}
	for _, err := range []error{
		p.add(curveSection, &chart{Wide: []byte("png")}),
		p.add(guessesSection, guesses{"Validation", []picture{{PNG: []byte("x"), Truth: "tench", Guesses: []guess{{"tench\x1b]0;x\a\u202e", 0.875, true}, {"church & co", 0.1, false}}}}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := p.write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a &lt;run&gt;", "church &amp; co", `tench\u001b]0;x\u0007\u202e`, `src="data:image/png;base64,cG5n"`, "width:87.5%", "guess right"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	for _, no := range []string{"\x1b", "\a", "\u202e", "ZgotmplZ", "http", "Kernels of the first layer", "Settings"} {
		if strings.Contains(b.String(), no) {
			t.Errorf("%q in the page", no)
		}
	}
}

// TestWidePicturesScroll: on a telephone a wide picture scrolls by itself, not the page.
func TestWidePicturesScroll(t *testing.T) {
	wide := 0
	for i, s := range sections {
		n := strings.Count(s.HTML, `<img class="wide`)
		if in := strings.Count(s.HTML, `<div class="scroll"><img class="wide`); in != n {
			t.Errorf("section %d: %d of %d wide pictures scroll", i, in, n)
		}
		wide += n
	}
	if wide == 0 {
		t.Error("no section has a wide picture")
	}
}

// show writes a page of one section.
func show(w io.Writer, s Section, shown any) error {
	p := page{Title: "x"}
	if err := p.add(s, shown); err != nil {
		return err
	}
	return p.write(w)
}

func TestReadMetricsLeavesOutACutLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	if m, err := ReadMetrics(path); err != nil || m != nil {
		t.Errorf("missing file: %v, %v", m, err)
	}
	for _, c := range []struct {
		text string
		n    int
		bad  bool
	}{
		{"", 0, false},
		{"{\"step\":4}\n{\"step\":8}\n", 2, false},
		{"{\"step\":4}\n{\"st", 1, false},
		{"{\"st\n{\"step\":8}\n", 0, true},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		m, err := ReadMetrics(path)
		if len(m) != c.n || (err != nil) != c.bad {
			t.Errorf("%q: %d metrics, %v", c.text, len(m), err)
		}
	}
}
