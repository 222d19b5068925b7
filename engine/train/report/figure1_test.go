package report

import (
	"bytes"
	"image/png"
	"math"
	"strings"
	"testing"

	"alexnet/engine"
)

// TestTrainingErrors: a pass's error is that of its pictures, whatever lines sum up.
func TestTrainingErrors(t *testing.T) {
	line := func(split string, epoch int, images uint64, failure float64) engine.Metrics {
		return engine.Metrics{Split: split, Epoch: epoch, Images: images, Top1Error: failure}
	}
	got := TrainingErrors([]engine.Metrics{
		line("train", 1, 40, .9), line("train", 1, 50, .4), line("val", 1, 50, .1),
		line("train", 2, 90, .5), line("train", 2, 100, 0), line("val", 2, 100, .1),
		line("train", 3, 120, .2),
	})
	want := []float64{.8, .4, .2}
	if len(got) != len(want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-12 {
			t.Errorf("pass %d: %g, want %g", i+1, got[i], want[i])
		}
	}
	for _, epoch := range []int{-1, 0, math.MaxInt32} {
		if got := TrainingErrors([]engine.Metrics{line("train", epoch, 40, .9)}); got != nil {
			t.Errorf("epoch %d: %d passes", epoch, len(got))
		}
	}
	if TrainingErrors(nil) != nil {
		t.Error("errors of nothing")
	}
}

func TestFigure1(t *testing.T) {
	f := &Figure1{Target: .25, Sweep: []TrainingCurve{
		{Name: "relu", Rate: .001, Errors: []float64{.9, .5, .3, .2}},
		{Name: "relu", Rate: .01, Errors: []float64{.6, .35, .15, .05}}, // between 1.5 and 2.5: 2
		{Name: "relu", Rate: .1},
		{Name: "tanh", Rate: .001, Errors: []float64{.9, .9, .9, .8}},
		{Name: "tanh", Rate: .01, Errors: []float64{.9, .8, .7, .6}},
	}}
	text := func() string {
		t.Helper()
		if err := f.Choose("relu", "tanh"); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := f.Text(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, want := range []string{"relu at rate 0.01: training error 25 % after 2.0 passes", "tanh at rate 0.01: training error not at 25 % after 4 passes, but at 60.0 %"} {
		if got := text(); !strings.Contains(got, want) || f.Ratio != 0 {
			t.Errorf("no %q in\n%s; ratio %g", want, got, f.Ratio)
		}
	}
	f.Sweep[3].Errors = append(f.Sweep[3].Errors, .5, .5, .5, .25) // exactly there at 7.5
	if got := text(); !strings.Contains(got, "tanh at rate 0.001: training error 25 % after 7.5 passes\ntanh takes 3.8 times as many passes as relu") || math.Abs(f.Ratio-3.75) > 1e-12 {
		t.Errorf("ratio %g\n%s", f.Ratio, got)
	}
	var b bytes.Buffer
	if err := f.Picture(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(&b); err != nil {
		t.Error(err)
	}
	f.Sweep = f.Sweep[:3]
	if err := f.Choose("relu", "tanh"); err == nil || !strings.Contains(err.Error(), "no run with tanh") {
		t.Errorf("without a run: %v", err)
	}
}
