package main

import (
	"fmt"
	"math"

	"alexnet/augment"
	"alexnet/pipeline/codec"
)

// difference is the difference between the decoded pixels and the stored statistics.
type difference struct {
	Exact     bool    `json:"exact"`     // every sum is the same
	Mean      float64 `json:"mean"`      // largest difference of a channel's mean, 0–255 units
	Deviation float64 `json:"deviation"` // largest relative difference of a channel's standard deviation
}

// How much a codec that loses information may change the statistics. JPEG changes those
// of photographs by 0.2 and 0.2 % at quality 90, and by 0.4 and 0.5 % at quality 10;
// those of the synthetic set, with its fine coloured textures, by 0.2 and 2.9 % at
// quality 10.
const (
	lossyMean      = 1.0  // 0–255 units
	lossyDeviation = 0.10 // of the deviation
)

func (d *difference) String() string {
	if d.Exact {
		return "exactly the same"
	}
	return fmt.Sprintf("the codec shifts the means by %.2f and the deviations by %.2f %% at most", d.Mean, 100*d.Deviation)
}

// compare compares the statistics in the index, which are of the pixels before the codec,
// with those of the decoded pixels. It returns an error if a lossless codec changed
// anything, or another codec too much.
func compare(stored, counted augment.Sums, c codec.Codec) (difference, error) {
	d := difference{Exact: stored == counted}
	if d.Exact {
		return d, nil
	}
	a, b := stored.Mean(), counted.Mean()
	p, q := stored.Covariance(), counted.Covariance()
	for i := range 3 {
		d.Mean = max(d.Mean, math.Abs(a[i]-b[i]))
		if change := math.Abs(math.Sqrt(p[i][i]) - math.Sqrt(q[i][i])); change > 0 {
			d.Deviation = max(d.Deviation, change/math.Sqrt(max(p[i][i], q[i][i])))
		}
	}
	if c.Loses() && d.Mean <= lossyMean && d.Deviation <= lossyDeviation { // false for NaN
		return d, nil
	}
	return d, fmt.Errorf("the index's statistics are not those of the pixels (the means differ by %.4g, the deviations by %.4g %%): the index or the shards are damaged; prep-imagenet verify says which, or make the shards again",
		d.Mean, 100*d.Deviation)
}
