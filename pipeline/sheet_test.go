package pipeline

import (
	"image"
	"image/color"
	"strings"
	"testing"
)

// TestLongNames: names in an index may be as long as it. Measuring the whole name once
// a letter took hours.
func TestLongNames(t *testing.T) {
	face, err := sheetFace()
	if err != nil {
		t.Fatal(err)
	}
	long, short := image.NewGray(image.Rect(0, 0, 100, 20)), image.NewGray(image.Rect(0, 0, 100, 20))
	drawText(long, face, 0, 15, 100, strings.Repeat("W", 1<<20), color.White)
	drawText(short, face, 0, 15, 100, strings.Repeat("W", 30), color.White)
	if string(long.Pix) != string(short.Pix) {
		t.Error("a name of a million letters isn't drawn as one of thirty")
	}
}
