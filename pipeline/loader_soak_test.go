package pipeline

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"alexnet/pipeline/mds"
)

// repeatShards makes a folder of one shard look like one of many, by hard links
// to it, so that few bytes stand for a large data set.
func repeatShards(t *testing.T, dir string, times int) {
	t.Helper()
	index, err := mds.ReadIndex(dir)
	if err != nil {
		t.Fatal(err)
	}
	var meta Meta
	if err := json.Unmarshal(index.Extra[MetaKey], &meta); err != nil {
		t.Fatal(err)
	}
	first := index.Shards[0]
	for i := 1; i < times; i++ {
		s := first
		s.RawData.Basename = fmt.Sprintf("shard.%05d.mds", i)
		if err := os.Link(filepath.Join(dir, first.RawData.Basename), filepath.Join(dir, s.RawData.Basename)); err != nil {
			t.Skipf("no hard links here: %v", err)
		}
		index.Shards = append(index.Shards, s)
	}
	meta.Images *= times
	if index.Extra[MetaKey], err = json.Marshal(meta); err != nil {
		t.Fatal(err)
	}
	if err := index.Write(dir); err != nil {
		t.Fatal(err)
	}
}

// heap returns the bytes in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestLoaderSoak streams samples of a data set of ImageNet's size, and sees that
// memory stays flat: 60,000 of them, or $ALEXNET_SOAK. Pictures are small, so
// that the loader's own cost shows.
func TestLoaderSoak(t *testing.T) {
	samples := 60_000
	if testing.Short() { // the race detector takes its time
		samples = 6_000
	}
	if text := os.Getenv("ALEXNET_SOAK"); text != "" {
		var err error
		if samples, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	const batch, images = 250, 1000
	set := testSet{codec: "lossless", images: images, size: 12}
	for _, times := range []int{1, 1281} {
		dir := set.write(t)
		repeatShards(t, dir, times)
		d, err := OpenDataset(dir)
		if err != nil {
			t.Fatal(err)
		}
		l, err := NewLoader(d, LoaderConfig{Batch: batch, Crop: 8, Train: true, PCA: &testPCA})
		if err != nil {
			t.Fatal(err)
		}
		next := func() {
			b, err := l.Next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			b.Release()
		}
		for range 10 {
			next()
		}
		early, before := heap(), l.Stats()
		began := time.Now()
		for n := 0; n < samples; n += batch {
			next()
		}
		elapsed := time.Since(began)
		late, s := heap(), l.Stats().Sub(before)
		t.Logf("%d samples of %d: %v a picture, heap %d KiB, %d KiB at the start",
			s.Pictures, d.Len(), elapsed/time.Duration(max(1, s.Pictures)), late>>10, early>>10)
		// Two orders of four bytes a sample may come into being meanwhile.
		if limit := early + uint64(8*d.Len()) + 1<<20; late > limit {
			t.Errorf("%d bytes in use at the end, %d at the start: more than two orders and 1 MiB", late, early)
		}
		l.Close()
		d.Close()
	}
}
