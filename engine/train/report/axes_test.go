package report

import (
	"math"
	"strings"
	"testing"
)

func TestRoundTicks(t *testing.T) {
	for _, c := range []struct {
		low, high float64
		want      string
	}{
		{0, 2.65, "0.0 0.5 1.0 1.5 2.0 2.5"},
		{0, 100, "0 20 40 60 80 100"},
		{0, 2500, "0 500 1000 1500 2000 2500"},
		{37.9, 44.1, "38 39 40 41 42 43 44"},
		{0, 0.07, "0.00 0.01 0.02 0.03 0.04 0.05 0.06 0.07"},
		{-1, 1, "-1.0 -0.5 0.0 0.5 1.0"},
		{3, 3, "3"},
		{0, math.Inf(1), "0"},
	} {
		var labels []string
		for _, tick := range roundTicks(c.low, c.high, mostMarks) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != c.want {
			t.Errorf("%g to %g: %s, want %s", c.low, c.high, got, c.want)
		}
	}
}
