package report

import (
	"bytes"
	"encoding/json"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"
)

// TestCalibration compares with testdata/calibration.py: PyTorch as in the paper's
// code, and NumPy.
func TestCalibration(t *testing.T) {
	text, err := os.ReadFile("testdata/calibration.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		Labels []int32
		Probs  [][]float32
		ECE    float64
		Bins   [][3]float64 // pictures, confidence, accuracy
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	var probs []float32
	for _, row := range golden.Probs {
		probs = append(probs, row...)
	}
	c := calibrate(outcomesOf(golden.Labels, probs), len(golden.Bins))
	if len(golden.Bins) != calibrationBins || math.Abs(c.Error-golden.ECE) > 1e-9 {
		t.Errorf("expected calibration error %v, want %v", c.Error, golden.ECE)
	}
	for i, b := range c.Bins {
		want := golden.Bins[i]
		if b.Pictures != int(want[0]) || math.Abs(b.Confidence-want[1]) > 1e-9 || math.Abs(b.Accuracy-want[2]) > 1e-9 {
			t.Errorf("bin %d: %+v, want %v", i, b, want)
		}
	}
	var page, picture bytes.Buffer
	if err := c.draw(&picture); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(picture.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	colours := map[[3]uint32]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			colours[[3]uint32{r >> 8, g >> 8, b >> 8}]++
		}
	}
	right, marks := colours[[3]uint32{0x9d, 0xb4, 0xd6}], colours[[3]uint32{0xe0, 0x80, 0x20}]
	if right < 10000 || marks < 500 {
		t.Errorf("the picture lacks bars or marks: %d and %d pixels of theirs", right, marks)
	}
	c.Curve = picture.Bytes()
	if err := show(&page, calibrationSection, c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Expected calibration error 20.3 % in 15 bins", "surer than it should be", `src="data:image/png;base64,`} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("no %q in the page", want)
		}
	}
}

// TestCalibrationByHand: bins end where they should, and a net that is as sure as it
// is right has no error.
func TestCalibrationByHand(t *testing.T) {
	right := func(confidence float32) outcome { return outcome{0, 0, float64(confidence)} }
	wrong := func(confidence float32) outcome { return outcome{0, 1, float64(confidence)} }
	c := calibrate([]outcome{right(0.2), right(0.8), right(1), wrong(0), right(0.5), wrong(0.5)}, 5)
	for i, want := range []int{2, 0, 2, 1, 1} {
		if c.Bins[i].Pictures != want {
			t.Errorf("bin %d has %d pictures, want %d", i, c.Bins[i].Pictures, want)
		}
	}
	if c := calibrate([]outcome{right(1), right(0.5), wrong(0.5), wrong(0)}, 15); c.Error != 0 || c.Gap() != 0 {
		t.Errorf("a calibrated net has an error of %v and a gap of %v", c.Error, c.Gap())
	}
}
