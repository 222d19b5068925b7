package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"alexnet/augment"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/jpeg/turbojpeg"
	"alexnet/pipeline/mds"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testPCA has axes of plain numbers.
var testPCA = augment.PCA{
	Units:        augment.Units255,
	Pixels:       1,
	Covariance:   [3][3]float64{{900, 0, 0}, {0, 400, 0}, {0, 0, 100}},
	Eigenvalues:  [3]float64{900, 400, 100},
	Eigenvectors: [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
}

// row is one row of a batch, copied.
type row struct {
	epoch, step, images int
	pixels              string
	colour              [3]float32
	label               int32
	sample              int
}

// read takes all rows of up to limit batches; limit −1: until the end.
func read(t *testing.T, l *Loader, limit int) (rows []row) {
	t.Helper()
	for ; limit != 0; limit-- {
		b, err := l.Next(context.Background())
		if err == io.EOF && limit < 0 {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		n := len(b.Pixels) / max(1, len(b.Labels))
		for i := range b.Labels {
			rows = append(rows, row{b.Epoch, b.Step, b.Images, string(b.Pixels[i*n:][:n]),
				[3]float32(b.Colour[3*i:]), b.Labels[i], b.Samples[i]})
		}
		b.Release()
	}
	return rows
}

// load reads a dataset from a new loader.
func load(t *testing.T, d *Dataset, config LoaderConfig, limit int) []row {
	t.Helper()
	l, err := NewLoader(d, config)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return read(t, l, limit)
}

// expect returns a loader's expected rows, by its definition: one sample after the other,
// from the pixels of the set.
func expect(set testSet, c LoaderConfig) (rows []row) {
	c.defaults(&Dataset{})
	n, per := set.images, c.Batch/c.views()
	for epoch := c.StartEpoch; epoch < c.Epochs; epoch++ {
		order := Order(c.Seed, uint64(epoch), n)
		if c.Shuffle == ShuffleShards {
			order = ShardOrder(c.Seed, uint64(epoch), set.first, c.Window)
		}
		var all []row
		for at := range n {
			sample := at
			if c.Shuffle != ShuffleNone {
				sample = int(order[at])
			}
			s := augment.NewStream(c.Seed, uint64(epoch), uint64(sample))
			views := []augment.View{augment.CentreView(set.size, c.Crop)}
			var colour [3]float32
			if c.Train {
				views[0] = augment.RandomView(&s, set.size, c.Crop)
				if c.PCA != nil {
					colour = c.PCA.Noise(&s, c.Sigma, c.Noise)
				}
			}
			if c.TenCrop {
				ten := augment.TenViews(set.size, c.Crop)
				views = ten[:]
			}
			for _, v := range views {
				pixels := make([]byte, c.Crop*c.Crop*3)
				augment.CopyCrop(pixels, testPicture(sample, set.size), set.size, v.X, v.Y, c.Crop, v.Flip)
				all = append(all, row{epoch: epoch, step: at / per, pixels: string(pixels),
					colour: colour, label: int32(sample % testClasses), sample: sample})
			}
		}
		filled := len(all) % c.Batch
		switch {
		case filled > 0 && c.Ragged == RaggedDrop:
			all = all[:len(all)-filled]
		case filled > 0 && c.Ragged == RaggedPad:
			for range c.Batch - filled {
				all = append(all, row{epoch: epoch, step: n / per, pixels: strings.Repeat("\x00", c.Crop*c.Crop*3), label: -1, sample: -1})
			}
		}
		for i := range all {
			all[i].images = min(c.Batch, n*c.views()-all[i].step*c.Batch)
		}
		if epoch == c.StartEpoch {
			all = all[min(len(all), c.StartStep*c.Batch):]
		}
		rows = append(rows, all...)
	}
	return rows
}

// TestLoaderConformance compares every kind of presentation with its definition
// for several numbers of workers, ring sizes and resume points.
func TestLoaderConformance(t *testing.T) {
	set := testSet{codec: "raw", images: 23, size: 12, limit: 3000}
	d := set.open(t)
	set.first = d.first
	train := LoaderConfig{Batch: 4, Crop: 8, Train: true, PCA: &testPCA, Seed: 5, Epochs: 3}
	for name, config := range map[string]func(*LoaderConfig){
		"train":         func(c *LoaderConfig) {},
		"train pad":     func(c *LoaderConfig) { c.Ragged = RaggedPad },
		"train partial": func(c *LoaderConfig) { c.Ragged = RaggedPartial },
		"no noise":      func(c *LoaderConfig) { c.PCA = nil },
		"lambda01":      func(c *LoaderConfig) { c.Noise, c.Sigma = augment.Lambda01, 0.5 },
		"in order":      func(c *LoaderConfig) { c.Shuffle = ShuffleNone },
		"shards":        func(c *LoaderConfig) { c.Shuffle, c.Window = ShuffleShards, 7 },
		"whole picture": func(c *LoaderConfig) { c.Crop = 12 },
		"one batch":     func(c *LoaderConfig) { c.Batch = 23 },
		"large batch":   func(c *LoaderConfig) { c.Batch, c.Ragged = 50, RaggedPad },
		"validate":      func(c *LoaderConfig) { c.Train = false },
		"shuffled":      func(c *LoaderConfig) { c.Train, c.Shuffle = false, ShuffleGlobal },
		"drop":          func(c *LoaderConfig) { c.Train, c.Ragged = false, RaggedDrop },
		"ten crops":     func(c *LoaderConfig) { c.Train, c.TenCrop, c.Batch = false, true, 20 },
		"ten crops cut": func(c *LoaderConfig) { c.Train, c.TenCrop, c.Batch, c.Ragged = false, true, 30, RaggedPartial },
	} {
		c := train
		config(&c)
		t.Run(name, func(t *testing.T) {
			for _, workers := range []int{1, 2, 3, 16} {
				for _, prefetch := range []int{1, 2, 5} {
					for _, start := range [][2]int{{0, 0}, {0, 1}, {1, 0}, {2, 1}} {
						c.Workers, c.Prefetch = workers, prefetch
						c.StartEpoch, c.StartStep = start[0], start[1]
						got, want := load(t, d, c, -1), expect(set, c)
						if len(got) != len(want) {
							t.Fatalf("%d workers, %d batches, from %v: %d rows, want %d", workers, prefetch, start, len(got), len(want))
						}
						for i := range got {
							if !reflect.DeepEqual(got[i], want[i]) {
								t.Fatalf("%d workers, %d batches, from %v: row %d is\n%+v, want\n%+v", workers, prefetch, start, i, got[i], want[i])
							}
						}
					}
				}
			}
		})
	}
}

// TestLoaderResume stops at every step and goes on with a new loader of another
// number of workers, from lossy shards.
func TestLoaderResume(t *testing.T) {
	d := testSet{codec: "jpeg", images: 17, size: 16, limit: 3000}.open(t)
	config := LoaderConfig{Batch: 4, Crop: 12, Train: true, PCA: &testPCA, Seed: 1, Epochs: 3, Workers: 2}
	whole := load(t, d, config, -1)
	const steps, batch = 4, 4
	if len(whole) != 3*steps*batch {
		t.Fatalf("%d rows", len(whole))
	}
	for stop := range 3*steps + 1 {
		first := load(t, d, config, stop)
		c := config
		c.StartEpoch, c.StartStep, c.Workers = stop/steps, stop%steps, 1+stop%5
		rest := load(t, d, c, -1)
		if !slices.Equal(append(first, rest...), whole) {
			t.Errorf("stopped after %d batches: other rows than without a stop", stop)
		}
	}
	// The end of an epoch is the beginning of the next.
	c := config
	c.StartStep = steps
	if !slices.Equal(load(t, d, c, -1), whole[steps*batch:]) {
		t.Error("resumed at the end of epoch 0: other rows than epoch 1's")
	}
}

func TestLoaderEverySampleOnce(t *testing.T) {
	const images = 103
	d := testSet{codec: "raw", images: images, size: 4, limit: 1000}.open(t)
	l, err := NewLoader(d, LoaderConfig{Batch: 10, Crop: 3, Train: true, Ragged: RaggedPad, Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var orders [][]int
	for epoch := range 4 { // of an endless loader
		var samples []int
		for _, r := range read(t, l, l.BatchesPerEpoch()) {
			if r.epoch != epoch {
				t.Fatalf("epoch %d within epoch %d", r.epoch, epoch)
			}
			if r.sample >= 0 {
				samples = append(samples, r.sample)
			}
		}
		for _, other := range orders {
			if slices.Equal(other, samples) {
				t.Error("two epochs have the same order")
			}
		}
		orders = append(orders, slices.Clone(samples))
		slices.Sort(samples)
		for i, s := range samples {
			if s != i || len(samples) != images {
				t.Fatalf("epoch %d: %d samples, not each once", epoch, len(samples))
			}
		}
	}
}

// TestLoaderDamage expects every batch before the damage, then an error that
// names it, for any number of workers.
func TestLoaderDamage(t *testing.T) {
	set := testSet{codec: "raw", images: 40, size: 12, limit: 3000}
	for _, workers := range []int{1, 2, 4} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			d := set.open(t)
			shard, err := d.acquireShard(t.Context(), d.shards[2])
			if err != nil {
				t.Fatal(err)
			}
			bad := d.first[2] + 1
			var at *mds.CorruptError // where it lies
			if !errors.As(shard.Corrupt(1, errors.New("")), &at) {
				t.Fatal("no CorruptError")
			}
			overwrite(t, shard.Path(), at.Offset+4+12*12*3, 99) // its label
			c := LoaderConfig{Batch: 4, Crop: 8, Workers: workers, Epochs: 1}
			l, err := NewLoader(d, c)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if got, want := read(t, l, bad/4), expect(set, c)[:bad/4*4]; !slices.Equal(got, want) {
				t.Error("other rows before the damage than without it")
			}
			for range 2 {
				_, err = l.Next(context.Background())
				var damage *mds.CorruptError
				if !errors.As(err, &damage) {
					t.Fatalf("error %v is no CorruptError", err)
				}
				if damage.Shard != shard.Path() || damage.Sample != 1 || damage.Offset != at.Offset {
					t.Errorf("%v; want %s, sample 1, offset %d", err, shard.Path(), at.Offset)
				}
			}
		})
	}
}

// TestLoaderTruncation cuts a shard short while it is mapped: reading it is then
// a fault of memory, in Go, in assembly or on the way to C, and must still be an
// error.
func TestLoaderTruncation(t *testing.T) {
	for _, codec := range codec.Names() {
		t.Run(codec, func(t *testing.T) { testTruncation(t, codec) })
	}
}

func testTruncation(t *testing.T, codec string) {
	dir := testSet{codec: codec, images: 60, size: 64, limit: 30_000}.write(t)
	d, err := OpenDataset(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	path := filepath.Join(dir, "shard.00001.mds")
	if err := os.Truncate(path, 8192); err != nil {
		t.Skipf("a mapped file can't be cut short here: %v", err)
	}
	l, err := NewLoader(d, LoaderConfig{Batch: 4, Crop: 32, Train: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 2 * l.BatchesPerEpoch() {
		b, err := l.Next(context.Background())
		if err != nil {
			var damage *mds.CorruptError
			if !errors.As(err, &damage) || damage.Shard != path || damage.Sample < 0 {
				t.Errorf("error %v does not name the shard and the sample", err)
			}
			return
		}
		b.Release()
	}
	t.Skip("the system keeps a mapped file readable after it was cut short")
}

// TestLoaderCancel lets Next wait for a slot that is never released.
func TestLoaderCancel(t *testing.T) {
	d := testSet{codec: "raw", images: 40, size: 12}.open(t)
	l, err := NewLoader(d, LoaderConfig{Batch: 4, Crop: 8, Train: true, Prefetch: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	held, err := l.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	took := time.Hour // the best of five, since the machine may be busy
	for range 5 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(context.Background())
		var cancelled time.Time
		time.AfterFunc(5*time.Millisecond, func() {
			cancelled = time.Now()
			cancel()
		})
		if _, err := l.Next(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want that of the context", err)
		}
		took = min(took, time.Since(cancelled))
	}
	if took > 100*time.Millisecond {
		t.Errorf("Next returned %v after the context was cancelled", took)
	}
	if _, err := l.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of an ended context", err)
	}
	held.Release()
	b, err := l.Next(context.Background()) // goes on where it was
	if err != nil || b.Step != 1 {
		t.Fatalf("step %v, %v; want step 1", b, err)
	}
	// Close while Next waits, with a batch in the caller's hands.
	time.AfterFunc(10*time.Millisecond, func() { l.Close() })
	if _, err := l.Next(context.Background()); err != ErrLoaderClosed {
		t.Errorf("error %v, want %v", err, ErrLoaderClosed)
	}
	b.Release()
	b.Release() // without harm
}

// TestLoaderSlowCaller sees that workers stop at the end of the ring.
func TestLoaderSlowCaller(t *testing.T) {
	d := testSet{codec: "raw", images: 400, size: 12}.open(t)
	l, err := NewLoader(d, LoaderConfig{Batch: 4, Crop: 8, Train: true, Prefetch: 3, Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for want := int64(12); want <= 40; want += 4 {
		for deadline := time.Now().Add(5 * time.Second); l.Stats().Pictures < want && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(2 * time.Millisecond)
		if got := l.Stats().Pictures; got != want {
			t.Fatalf("%d pictures were decoded ahead, want %d", got, want)
		}
		read(t, l, 1)
	}
}

// TestLoaderAllocates nothing in the steady state, whatever the codec.
func TestLoaderAllocates(t *testing.T) {
	if raceDetector {
		t.Skip("huff0 and purego keep scratch memory in sync.Pool, which the race detector makes forgetful")
	}
	for _, codec := range codec.Names() {
		t.Run(codec, func(t *testing.T) {
			if err := turbojpeg.Available(); codec == "jpeg" && err != nil {
				t.Skipf("image/jpeg takes memory for each picture, and libjpeg-turbo isn't here: %v", err)
			}
			d := testSet{codec: codec, images: 1000, size: 12}.open(t)
			l, err := NewLoader(d, LoaderConfig{Batch: 8, Crop: 8, Train: true, PCA: &testPCA, Epochs: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			ctx := t.Context()
			next := func() {
				b, err := l.Next(ctx)
				if err != nil {
					t.Fatal(err)
				}
				b.Release()
			}
			next()
			if n := testing.AllocsPerRun(100, next); n > 0 {
				t.Errorf("%v allocations a batch, want none", n)
			}
		})
	}
}

// TestLoaderAllocate has batches in the caller's memory, of which it may hold two
// while it waits for a third.
func TestLoaderAllocate(t *testing.T) {
	d := testSet{codec: "raw", images: 40, size: 12}.open(t)
	var given [][]byte
	c := LoaderConfig{Batch: 4, Crop: 8, Prefetch: 3, Epochs: 1, Allocate: func(n int) ([]byte, error) {
		given = append(given, make([]byte, n, n+100))
		return given[len(given)-1], nil
	}}
	l, err := NewLoader(d, c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if len(given) != 3 || len(given[0]) != 4*8*8*3 {
		t.Fatalf("%d buffers of %d bytes", len(given), len(given[0]))
	}
	set := testSet{images: 40, size: 12}
	want := expect(set, LoaderConfig{Batch: 4, Crop: 8, Epochs: 1})
	var held []*Batch
	for step := range 10 {
		b, err := l.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, b)
		for _, h := range held {
			if string(h.Pixels[:8*8*3]) != want[4*h.Step].pixels {
				t.Fatalf("step %d: the batch of step %d has other pixels", step, h.Step)
			}
		}
		if &b.Pixels[0] != &given[step%3][0] || cap(b.Pixels) != len(given[0]) {
			t.Errorf("step %d: the pixels are not where Allocate had them", step)
		}
		if len(held) == 2 { // the one before stays valid until the next but one
			held[0].Release()
			held = held[1:]
		}
	}
	refused := errors.New("no more of it")
	c.Allocate = func(int) ([]byte, error) { return nil, refused }
	if _, err := NewLoader(d, c); !errors.Is(err, refused) {
		t.Errorf("error %v, want %v", err, refused)
	}
}

func TestLoaderConfigErrors(t *testing.T) {
	d := testSet{codec: "raw", images: 10, size: 12}.open(t)
	for _, c := range []struct {
		config LoaderConfig
		want   string
	}{
		{LoaderConfig{}, "crop 224, but the pictures have 12"},
		{LoaderConfig{Crop: -1}, "crop -1"},
		{LoaderConfig{Crop: 8, Batch: -1}, "batch -1"},
		{LoaderConfig{Crop: 8, Workers: -1}, "workers -1"},
		{LoaderConfig{Crop: 8, Prefetch: -1}, "prefetch -1"},
		{LoaderConfig{Crop: 8, Epochs: -1}, "epochs -1"},
		{LoaderConfig{Crop: 8, StartEpoch: -1}, "start epoch -1"},
		{LoaderConfig{Crop: 8, StartStep: -1}, "start step -1"},
		{LoaderConfig{Crop: 8, Batch: 5, StartStep: 3}, "start step 3, but an epoch has 2"},
		{LoaderConfig{Crop: 8, Batch: 11, Train: true}, "10 images don't fill one batch of 11"},
		{LoaderConfig{Crop: 8, Batch: 10, Train: true, TenCrop: true}, "ten crops"},
		{LoaderConfig{Crop: 8, Batch: 15, TenCrop: true}, "multiple of the 10"},
		{LoaderConfig{Crop: 8, Sigma: -1}, "deviation -1"},
		{LoaderConfig{Crop: 8, Noise: 2}, "noise"},
		{LoaderConfig{Crop: 8, Shuffle: 4}, "shuffle"},
		{LoaderConfig{Crop: 8, Window: -1}, "window -1"},
		{LoaderConfig{Crop: 8, Ranks: -1}, "ranks -1"},
		{LoaderConfig{Crop: 8, Rank: -1}, "rank -1"},
		{LoaderConfig{Crop: 8, Rank: 1}, "rank 1, want 0 to 0 for 1 ranks"},
		{LoaderConfig{Crop: 8, Rank: 2, Ranks: 2}, "rank 2, want 0 to 1"},
		{LoaderConfig{Crop: 8, Batch: 6, Ranks: 2, Train: true}, "10 images don't fill one batch of 12"},
		{LoaderConfig{Crop: 8, Ragged: 4}, "last batch"},
		{LoaderConfig{Crop: 8, PCA: &augment.PCA{}}, "PCA"},
	} {
		l, err := NewLoader(d, c.config)
		if err == nil {
			l.Close()
			t.Errorf("%+v: no error", c.config)
		} else if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), d.Dir()) {
			t.Errorf("%+v: error %q, want one about %q", c.config, err, c.want)
		}
	}
}

func TestBottleneck(t *testing.T) {
	for _, c := range []struct {
		stats LoaderStats
		want  string
	}{
		{LoaderStats{Decode: 9, Augment: 1, CallerWait: 0}, "training"},
		{LoaderStats{Decode: 9, Augment: 1, CallerWait: 50}, "decode"},
		{LoaderStats{Decode: 1, Augment: 9, CallerWait: 50}, "augment"},
	} {
		if got := c.stats.Bottleneck(100); got != c.want {
			t.Errorf("%+v: %q, want %q", c.stats, got, c.want)
		}
	}
}
