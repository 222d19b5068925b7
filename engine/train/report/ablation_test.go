package report

import (
	"bytes"
	"image/png"
	"math"
	"strings"
	"testing"
)

func TestAblation(t *testing.T) {
	a := &Ablation{Seeds: 3, Rows: []AblationRow{
		{Top1: []float64{.10, .11, .12}, Top5: []float64{.01, .01, .01}, Training: []float64{.2, .2, .2}},
		{Part: "lrn", Top1: []float64{.11, .12, .15}, Top5: []float64{.01, .02, .03}, Training: []float64{.2, .2, .2}, Paper: "+1.4 / +1.2"},
		{Part: "relu", Top1: []float64{.20, .21, .22}, Top5: []float64{.01, .01, .01}, Training: []float64{.1, .2, .3}, ByTraining: true},
		{Part: "dropout", Top1: []float64{.05, .05, .05}, Top5: []float64{.01, .01, .01}, Training: []float64{.1, .1, .1}},
		{Part: "decay", Top1: []float64{.10, .11, .12}, Top5: []float64{.01, .01, .01}, Training: []float64{.21, .22, .23}, ByTraining: true},
	}}
	a.Compare()
	// d = .01, .01, .03: scipy.stats.t.ppf(.975, 2) · std(d, ddof=1)/sqrt(3) = 4.302653 · .0115470/1.7320508
	got := a.Rows[1].Change1
	for what, v := range map[string][2]float64{"mean": {got.Mean, 1. / 60}, "deviation": {got.Deviation, .0115470}, "spread": {got.Spread, .0286844}} {
		if math.Abs(v[0]-v[1]) > 1e-6 {
			t.Errorf("%s %g, want %g", what, v[0], v[1])
		}
	}
	var b bytes.Buffer
	if err := a.Table(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| whole | 11.00 ± 1.00 | 1.00 ± 0.00 | 20.00 ± 0.00 | – | – | – |  |  |",
		"| without lrn | 12.67 ± 2.08 | 2.00 ± 1.00 | 20.00 ± 0.00 | +1.67 ± 2.87 | +1.00 ± 2.48 | +0.00 ± 0.00 | +1.4 / +1.2 | within the spread of the seeds |",
		"| without relu | 21.00 ± 1.00 | 1.00 ± 0.00 | 20.00 ± 10.00 | +10.00 ± 0.00 | +0.00 ± 0.00 | +0.00 ± 24.84 |  | within the spread of the seeds † |",
		"| without dropout | 5.00 ± 0.00 | 1.00 ± 0.00 | 10.00 ± 0.00 | -6.00 ± 2.48 | +0.00 ± 0.00 | -10.00 ± 0.00 |  | better without |",
		"| without decay | 11.00 ± 1.00 | 1.00 ± 0.00 | 22.00 ± 1.00 | +0.00 ± 0.00 | +0.00 ± 0.00 | +2.00 ± 2.48 |  | within the spread of the seeds † |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	for i := range a.Rows { // of five classes
		a.Rows[i].Top5 = []float64{0, 0, 0}
	}
	a.Compare()
	b.Reset()
	if err := a.Table(&b); err != nil {
		t.Fatal(err)
	}
	if want := "| without lrn | 12.67 ± 2.08 | – | 20.00 ± 0.00 | +1.67 ± 2.87 | – | +0.00 ± 0.00 |"; !strings.Contains(b.String(), want) {
		t.Errorf("no %q in\n%s", want, b.String())
	}
	b.Reset()
	if err := a.Picture(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(&b); err != nil {
		t.Error(err)
	}
}
