package pipeline

import (
	"slices"
	"testing"

	"alexnet/pipeline/mds"
)

// TestLoaderHints gives hints for all samples, which changes nothing but when
// they are read: in every order, across epochs, to the last batch.
func TestLoaderHints(t *testing.T) {
	set := testSet{codec: "raw", images: 300, size: 12, limit: 3000}
	dir := set.write(t)
	for _, access := range []mds.Access{{}, {NoMap: true}} {
		d, err := OpenDatasetAs(dir, DatasetConfig{Access: access})
		if err != nil {
			t.Fatal(err)
		}
		set.first = d.first
		for _, shuffle := range []Shuffle{ShuffleGlobal, ShuffleShards, ShuffleNone} {
			c := LoaderConfig{Batch: 16, Crop: 8, Train: true, Seed: 2, Epochs: 3, Window: 20, Shuffle: shuffle, Workers: 3}
			l, err := newLoader(d, c)
			if err != nil {
				t.Fatal(err)
			}
			l.hints.until.Store(1 << 40)
			l.hints.exact.Store(true)
			l.workers.Add(3)
			for range 3 {
				go newWorker(l).run()
			}
			if got := read(t, l, -1); !slices.Equal(got, expect(set, c)) {
				t.Errorf("%v %+v: other rows", shuffle, access)
			}
			l.Close()
		}
		d.Close()
	}
}
