package pipeline

import (
	"fmt"
	"reflect"
	"testing"
)

// TestLoaderRanks is the elasticity of a run as a table: for every number of
// ranks, workers and point at which a run is resumed with another number of
// ranks, the ranks' rows side by side are those of one rank alone, and every
// sample comes once an epoch.
func TestLoaderRanks(t *testing.T) {
	const global, epochs = 24, 2
	set := testSet{codec: "lossless", images: 59, size: 12, limit: 3000}
	d := set.open(t)
	set.first = d.first
	for _, ragged := range []Ragged{RaggedDrop, RaggedPad, RaggedPartial} {
		for _, shuffle := range []Shuffle{ShuffleGlobal, ShuffleShards, ShuffleNone} {
			one := LoaderConfig{Batch: global, Crop: 8, Train: true, PCA: &testPCA, Seed: 9, Epochs: epochs, Window: 10, Ragged: ragged, Shuffle: shuffle}
			want := expect(set, one)
			seen := map[[2]int]int{} // epoch, sample
			for _, r := range want {
				if r.sample >= 0 {
					seen[[2]int{r.epoch, r.sample}]++
				}
			}
			if all := epochs * set.images; ragged == RaggedDrop && len(seen) != epochs*(set.images/global*global) || ragged != RaggedDrop && len(seen) != all {
				t.Fatalf("%v %v: %d different samples in %d epochs", ragged, shuffle, len(seen), epochs)
			}
			for place, times := range seen {
				if times != 1 {
					t.Fatalf("sample %d comes %d times in epoch %d", place[1], times, place[0])
				}
			}
			steps := epochs * (set.images / global)
			if ragged != RaggedDrop {
				steps += epochs
			}
			for _, ranks := range []int{1, 2, 3, 4, 6, 8} {
				for _, workers := range []int{1 + ranks%4} {
					for resume := range steps + 1 {
						name := fmt.Sprintf("ragged %v, %v, %d ranks, %d workers, resumed at %d", ragged, shuffle, ranks, workers, resume)
						c := one
						c.Workers = workers
						got := together(t, d, c, ranks, 0, resume)
						after := []int{8, 6, 4, 3, 2, 1}[resume%6]
						got = append(got, together(t, d, c, after, resume, steps)...)
						if len(got) != len(want) {
							t.Fatalf("%s: %d rows, want %d", name, len(got), len(want))
						}
						for i, r := range got {
							w := want[i]
							r.images, w.images = 0, 0 // of a rank's own batch
							if !reflect.DeepEqual(r, w) {
								t.Fatalf("%s: row %d is\n%+v, want\n%+v", name, i, r, w)
							}
						}
					}
				}
			}
		}
	}
}

// together reads the steps from one up to another, counted over epochs, by so
// many ranks, and puts their rows in the global order.
func together(t *testing.T, d *Dataset, c LoaderConfig, ranks, from, to int) (rows []row) {
	c.Ranks, c.Batch = ranks, c.Batch/ranks
	bySteps := map[int][]row{}
	for c.Rank = range ranks {
		probe, err := newLoader(d, c)
		if err != nil {
			t.Fatal(err)
		}
		perEpoch := probe.BatchesPerEpoch()
		own := c
		own.StartEpoch, own.StartStep = from/perEpoch, from%perEpoch
		images := 0
		for _, r := range load(t, d, own, to-from) {
			step := r.epoch*perEpoch + r.step
			bySteps[step] = append(bySteps[step], r)
			if r.sample >= 0 {
				images++
			}
			if r.images < 0 || r.images > c.Batch {
				t.Fatalf("%d images in a batch of %d", r.images, c.Batch)
			}
		}
	}
	for step := from; step < to; step++ {
		rows = append(rows, bySteps[step]...)
	}
	return rows
}
