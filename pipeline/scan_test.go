package pipeline

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
)

func TestScan(t *testing.T) {
	const images, size = 200, 5
	d := testSet{codec: "raw", images: images, size: size, limit: 5000}.open(t)
	for _, workers := range []int{0, 1, 3} {
		var seen [images]atomic.Int32
		var last [64]int
		err := d.Scan(context.Background(), workers, func(worker, sample, label int, rgb []byte) error {
			seen[sample].Add(1)
			if !bytes.Equal(rgb, testPicture(sample, size)) || label != sample%testClasses {
				t.Errorf("sample %d: label %d, or other pixels", sample, label)
			}
			if sample < last[worker] {
				t.Errorf("worker %d: sample %d after %d", worker, sample, last[worker])
			}
			last[worker] = sample
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			if n := seen[i].Load(); n != 1 {
				t.Errorf("%d workers: sample %d was visited %d times", workers, i, n)
			}
		}
	}
}

func TestScanEnds(t *testing.T) {
	d := testSet{codec: "raw", images: 200, size: 5}.open(t)
	stop := errors.New("stop")
	err := d.Scan(context.Background(), 3, func(_, sample, _ int, _ []byte) error {
		if sample == 77 {
			return stop
		}
		return nil
	})
	if err != stop {
		t.Errorf("error %v, want that of visit", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var visits atomic.Int32
	err = d.Scan(ctx, 2, func(_, _, _ int, _ []byte) error {
		if visits.Add(1) == 10 {
			cancel()
		}
		return nil
	})
	if n := visits.Load(); !errors.Is(err, context.Canceled) || n == 200 {
		t.Errorf("error %v after %d visits, want that of the context before the end", err, n)
	}
}
