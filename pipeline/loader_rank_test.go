package pipeline

import (
	"fmt"
	"reflect"
	"testing"
)

// TestLoaderRanks is the elasticity of a run as a table: for every number of
// ranks from 1 to 8, numbers of workers up to 64, and every point at which a run
// is resumed with another number of ranks, the ranks' rows side by side are those
// of one rank alone, and every sample comes once an epoch.
func TestLoaderRanks(t *testing.T) {
	const epochs = 2
	for _, c := range []struct {
		global, images int
		ranks          []int // divisors of the global batch
	}{
		{24, 59, []int{1, 2, 3, 4, 6, 8}},
		{35, 80, []int{1, 5, 7}},
	} {
		set := testSet{codec: "lossless", images: c.images, size: 12, limit: 3000}
		d := set.open(t)
		set.first = d.first
		for _, ragged := range []Ragged{RaggedDrop, RaggedPad, RaggedPartial} {
			for _, shuffle := range []Shuffle{ShuffleGlobal, ShuffleShards, ShuffleNone} {
				t.Run(fmt.Sprintf("batch %d, ragged %d, %v", c.global, ragged, shuffle), func(t *testing.T) {
					one := LoaderConfig{Batch: c.global, Crop: 8, Train: true, PCA: &testPCA, Seed: 9, Epochs: epochs, Window: 10, Ragged: ragged, Shuffle: shuffle}
					testRanks(t, d, set, one, c.ranks)
				})
			}
		}
	}
}

func testRanks(t *testing.T, d *Dataset, set testSet, one LoaderConfig, ranks []int) {
	want := expect(set, one)
	everySampleOnce(t, want, set.images, one)
	steps := one.Epochs * (set.images / one.Batch)
	if one.Ragged != RaggedDrop {
		steps += one.Epochs
	}
	workers := []int{1, 2, 7, 64}
	for _, before := range ranks {
		for _, n := range workers {
			if testing.Short() && n != workers[before%len(workers)] { // the race detector takes its time
				continue
			}
			for resume := range steps + 1 {
				c := one
				c.Workers = n
				after := ranks[resume%len(ranks)]
				got := together(t, d, c, before, 0, resume)
				got = append(got, together(t, d, c, after, resume, steps)...)
				name := fmt.Sprintf("%d ranks, from step %d on %d, %d workers", before, resume, after, n)
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

// everySampleOnce checks the table's right side: each sample comes once an epoch,
// or not at all where incomplete batches are dropped.
func everySampleOnce(t *testing.T, want []row, images int, c LoaderConfig) {
	t.Helper()
	seen := map[[2]int]int{} // epoch, sample
	for _, r := range want {
		if r.sample >= 0 {
			seen[[2]int{r.epoch, r.sample}]++
		}
	}
	all := c.Epochs * images
	if c.Ragged == RaggedDrop {
		all = c.Epochs * (images / c.Batch * c.Batch)
	}
	if len(seen) != all {
		t.Fatalf("%d different samples in %d epochs, want %d", len(seen), c.Epochs, all)
	}
	for place, times := range seen {
		if times != 1 {
			t.Fatalf("sample %d comes %d times in epoch %d", place[1], times, place[0])
		}
	}
}

// together reads the steps from one up to another, counted over epochs, on this number of
// ranks, and puts their rows in the global order.
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
