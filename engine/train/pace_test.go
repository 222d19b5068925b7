package train

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"alexnet/pipeline"
	"alexnet/pipeline/shards/shardstest"
)

// TestPace leaves a loader waiting, then takes batches as fast as it can.
func TestPace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "train")
	shardstest.Stripes(t, dir, "train", 3, 20, 20)
	d, err := pipeline.OpenDataset(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l, err := pipeline.NewLoader(d, pipeline.LoaderConfig{Batch: 20, Crop: 8, Train: true, Workers: 2, Prefetch: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var p pacer
	if got := p.measure(nil, 1); got.Bottleneck != "training" {
		t.Errorf("without a loader %v", got)
	}
	for l.Stats().Pictures < 40 { // the ring is full
		time.Sleep(time.Millisecond)
	}
	p.mark(l)
	time.Sleep(20 * time.Millisecond)
	b, err := l.Next(t.Context()) // the workers' wait counts when it ends
	if err != nil {
		t.Fatal(err)
	}
	b.Release()
	for l.Stats().Pictures < 60 {
		time.Sleep(time.Millisecond)
	}
	if got := p.measure(l, 0); got.Bottleneck != "training" || got.Loader.Device < 0.5 || got.Loader.Device > 1 {
		t.Errorf("%v, want the workers to have waited", got)
	}
	p.mark(l)
	for range 300 {
		b, err := l.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.Release()
	}
	got := p.measure(l, 0.5)
	if got.Bottleneck != "decode" || got.Loader.Decode <= 0 || got.Loader.Fetch != 0 {
		t.Errorf("%+v, want decoding to set the pace", got)
	}
	if text := got.String(); !strings.HasPrefix(text, "limit: decode; decode ") || !strings.Contains(text, "wait on device") {
		t.Errorf("%q", text)
	}
}
