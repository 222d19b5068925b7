package train

import (
	"strings"
	"testing"

	"alexnet/engine"
)

func TestMetricsEnd(t *testing.T) {
	const lines = `{"split":"train","step":4}
{"split":"train","step":8}
{"split":"val","step":8}
{"split":"train","step":12}
{"split":"tra`
	ends := []int{0, 27, 54, 79, 107}
	for _, c := range []struct {
		at   engine.Position
		want int
	}{
		{engine.Position{}, 0},
		{engine.Position{Step: 5, EpochStep: 5}, 1},
		{engine.Position{Step: 8, EpochStep: 8}, 2}, // validation not done
		{engine.Position{Step: 8, Epoch: 1}, 3},
		{engine.Position{Step: 99, EpochStep: 1}, 4}, // the last line is cut off
	} {
		if got, err := metricsEnd(strings.NewReader(lines), c.at); err != nil || got != int64(ends[c.want]) {
			t.Errorf("%+v: %d, %v, want %d", c.at, got, err, ends[c.want])
		}
	}
}
