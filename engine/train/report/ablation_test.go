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
		{Top1: []float64{.10, .11, .12}, Top5: []float64{.01, .01, .01}},
		{Part: "lrn", Top1: []float64{.11, .12, .13}, Top5: []float64{.01, .02, .03}, Paper: "+1.4 / +1.2"},
		{Part: "relu", Top1: []float64{.20, .21, .22}, Top5: []float64{.01, .01, .01}},
		{Part: "dropout", Top1: []float64{.05, .05, .05}, Top5: []float64{.01, .01, .01}},
	}}
	a.Compare()
	// scipy.stats.t.ppf(.975, 4) · sqrt(2 · .01² / 3) = 2.776445 · .00816497
	if want := 0.0226696; math.Abs(a.Rows[1].Spread-want) > 1e-6 {
		t.Errorf("spread %g, want %g", a.Rows[1].Spread, want)
	}
	var b bytes.Buffer
	if err := a.Table(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| whole | 11.00 ± 1.00 | 1.00 ± 0.00 | – | – |  |  |",
		"| without lrn | 12.00 ± 1.00 | 2.00 ± 1.00 | +1.00 / +1.00 | ±2.27 | +1.4 / +1.2 | within the spread of the seeds |",
		"| without relu | 21.00 ± 1.00 | 1.00 ± 0.00 | +10.00 / +0.00 | ±2.27 |  | worse without |",
		"| without dropout | 5.00 ± 0.00 | 1.00 ± 0.00 | -6.00 / +0.00 | ±2.48 |  | better without |",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	b.Reset()
	if err := a.Picture(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(&b); err != nil {
		t.Error(err)
	}
}
