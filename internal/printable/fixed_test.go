package printable

import (
	"math"
	"testing"
)

func TestFixed(t *testing.T) {
	for v, want := range map[float64]string{
		2.30259: "2.303", 999_999.5: "999999.500", 1e6: "1e+06", 123_456_789: "1.235e+08", -1e308: "-1e+308", math.Inf(1): "+Inf",
	} {
		if got := Fixed(v, 3); got != want {
			t.Errorf("%g: %s, want %s", v, got, want)
		}
	}
	if got := Fixed(math.NaN(), 3); got != "NaN" {
		t.Error(got)
	}
}
