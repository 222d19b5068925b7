package augment

import (
	"slices"
	"testing"
)

func TestMeanImage(t *testing.T) {
	a, b := NewMeanImage(1), NewMeanImage(1)
	if got := a.Mean(); !slices.Equal(got, []float32{0, 0, 0}) {
		t.Errorf("mean of no picture %v", got)
	}
	a.Add([]byte{0, 10, 255})
	a.Add([]byte{1, 11, 255})
	b.Add([]byte{0, 12, 254})
	b.Add([]byte{0, 12, 255})
	a.Merge(b)
	if got, want := a.Mean(), []float32{0.25, 11.25, 254.75}; !slices.Equal(got, want) || a.Images != 4 {
		t.Errorf("mean %v of %d, want %v of 4", got, a.Images, want)
	}
}
