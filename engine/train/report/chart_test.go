package report

import (
	"bytes"
	"context"
	"image/png"
	"io"
	"strings"
	"testing"

	"alexnet/engine"
)

// TestCharts: a telephone gets charts that are drawn for its width, with letters of the
// same size and few marks; nothing has to be scrolled.
func TestCharts(t *testing.T) {
	s := &Subject{Metrics: []engine.Metrics{{Split: "train", Step: 1, Loss: 2}, {Split: "train", Step: 120_000, Loss: 1}, {Split: "val", Step: 120_000, Loss: 1}}}
	for _, section := range []Section{curveSection, recipeSection} {
		made, err := section.Make(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		var page bytes.Buffer
		if err := show(&page, section, made); err != nil {
			t.Fatal(err)
		}
		if text := page.String(); strings.Count(text, `<picture><source media="(max-width: 600px)" srcset="data:image/png;base64,`) != 1 ||
			strings.Count(text, `<img class="chart" alt="`) != 1 || strings.Contains(text, `class="scroll"`) {
			t.Errorf("page %.2000s", text)
		}
	}
	c, err := drawn(func(w io.Writer, f form) error { return curve(w, s.Metrics, f) })
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range [][]byte{c.Wide, c.Narrow} {
		img, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if want := []int{864, 2 * 403}[i]; img.Bounds().Dx() != want {
			t.Errorf("chart %d is %d pixels wide, want %d", i, img.Bounds().Dx(), want)
		}
	}
	if n := len(narrow.ticks().Ticks(0, 121_200)); n < 2 || n > 5 {
		t.Errorf("%d marks", n)
	}
}
