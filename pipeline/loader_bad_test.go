package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"alexnet/pipeline/mds"
)

// damage flips a byte within the picture of each of the samples.
func damage(t *testing.T, d *Dataset, samples ...int) {
	t.Helper()
	for _, i := range samples {
		err := d.view(t.Context(), i, func(s *mds.Shard, at *datasetShard, k int) error {
			var where *mds.CorruptError
			if !errors.As(s.Corrupt(k, errors.New("")), &where) {
				t.Fatal("no CorruptError")
			}
			overwrite(t, s.Path(), where.Offset+40, 0xa5)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLoaderSkipBad damages four samples of lossless shards, whose pictures have
// checksums: the others come as if nothing were wrong.
func TestLoaderSkipBad(t *testing.T) {
	set := testSet{codec: "lossless", images: 40, size: 12, limit: 3000}
	bad := []int{0, 9, 10, 39}
	for _, workers := range []int{1, 4} {
		for _, ragged := range []Ragged{RaggedPad, RaggedPartial} {
			d := set.open(t)
			damage(t, d, bad...)
			c := LoaderConfig{Batch: 8, Crop: 8, Workers: workers, Epochs: 2, SkipBad: true, Ragged: ragged}
			l, err := NewLoader(d, c)
			if err != nil {
				t.Fatal(err)
			}
			got := read(t, l, -1)
			var want []row
			for _, r := range expect(set, c) {
				if !slices.Contains(bad, r.sample) {
					want = append(want, r)
				}
			}
			good := slices.DeleteFunc(slices.Clone(got), func(r row) bool { return r.sample < 0 })
			if len(good) != len(want) {
				t.Fatalf("%d rows, want %d", len(good), len(want))
			}
			for i, r := range good {
				w := want[i]
				if w.images = 8; r.step == 1 {
					w.images = 6
				} else if r.step == 0 || r.step == 4 {
					w.images = 7
				}
				if r != w {
					t.Fatalf("row %d is\n%+v, want\n%+v", i, r, w)
				}
			}
			for _, r := range got {
				if r.sample < 0 && (ragged == RaggedPartial || r.label != -1 || strings.Trim(r.pixels, "\x00") != "" || r.colour != [3]float32{}) {
					t.Errorf("row %+v is no padding", r)
				}
			}
			if s := l.Stats(); s.Bad != 8 || s.Pictures != 72 {
				t.Errorf("%d bad of %d in two epochs, want 8 and 72", s.Bad, s.Pictures)
			}
			var named []int
			for _, b := range l.Bad() {
				named = append(named, b.Sample)
				var where *mds.CorruptError
				if !errors.As(b.Err, &where) {
					t.Errorf("sample %d: %v is no CorruptError", b.Sample, b.Err)
				}
			}
			if !slices.Equal(named, bad) {
				t.Errorf("Bad names %v, want %v", named, bad)
			}
			l.Close()
		}
	}
}

// TestLoaderSkipBadTenCrops leaves out all views of a picture.
func TestLoaderSkipBadTenCrops(t *testing.T) {
	d := testSet{codec: "lossless", images: 5, size: 12}.open(t)
	damage(t, d, 1)
	rows := load(t, d, LoaderConfig{Batch: 30, Crop: 8, TenCrop: true, Epochs: 1, SkipBad: true}, -1)
	var samples []int
	for _, r := range rows {
		if r.sample >= 0 {
			samples = append(samples, r.sample)
		}
	}
	var want []int
	for _, sample := range []int{0, 2, 3, 4} {
		want = append(want, slices.Repeat([]int{sample}, 10)...)
	}
	if !slices.Equal(samples, want) {
		t.Errorf("samples %v, want %v", samples, want)
	}
}

// TestLoaderSkipBadAll is an error: there is nothing to go on with.
func TestLoaderSkipBadAll(t *testing.T) {
	d := testSet{codec: "lossless", images: 8, size: 12}.open(t)
	damage(t, d, 4, 5, 6, 7)
	l, err := NewLoader(d, LoaderConfig{Batch: 4, Crop: 8, SkipBad: true})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	read(t, l, 1)
	var where *mds.CorruptError
	if _, err := l.Next(context.Background()); !errors.As(err, &where) || where.Sample != 4 || !strings.Contains(err.Error(), "none of 4 samples can be read") {
		t.Errorf("error %v, want one of all four samples", err)
	}
}

// TestLoaderReplacedShard puts another file in a shard's place during a run: the
// mapped one goes on being read. Then it overwrites the mapped file itself with
// other bytes of the same length: an error, or other pictures, but no crash.
func TestLoaderReplacedShard(t *testing.T) {
	set := testSet{codec: "raw", images: 40, size: 12, limit: 3000}
	d := set.open(t)
	path := filepath.Join(d.Dir(), "shard.00001.mds")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", make([]byte, len(old)), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Skipf("a mapped file can't be replaced here: %v", err)
	}
	c := LoaderConfig{Batch: 4, Crop: 8, Epochs: 1}
	if got := load(t, d, c, -1); !slices.Equal(got, expect(set, c)) {
		t.Error("other rows after the shard was replaced")
	}

	for _, value := range []byte{0, 1, 0x7f, 0xff} {
		d := set.open(t)
		path := filepath.Join(d.Dir(), "shard.00001.mds")
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(slices.Repeat([]byte{value}, len(old))); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		l, err := NewLoader(d, c)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			var b *Batch
			if b, err = l.Next(context.Background()); err == nil {
				b.Release()
			}
		}
		var where *mds.CorruptError
		if !errors.As(err, &where) || where.Shard != path || where.Sample < 0 {
			t.Errorf("overwritten with %#x: error %v doesn't name the shard and the sample", value, err)
		}
		l.Close()
	}
}

// TestLoaderSkipShard leaves out the samples of shards that can't be opened:
// one missing, one cut short, one that isn't a file.
func TestLoaderSkipShard(t *testing.T) {
	set := testSet{codec: "lossless", images: 60, size: 12, limit: 1500}
	dir := set.write(t)
	shard := func(n int) string { return filepath.Join(dir, fmt.Sprintf("shard.%05d.mds", n)) }
	if err := errors.Join(os.Remove(shard(1)), os.Truncate(shard(3), 100), os.Remove(shard(4)), os.Mkdir(shard(4), 0o777)); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDataset(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), shard(1)) {
		t.Errorf("error %v, want one of the first of them", err)
	}
	d, err := OpenDatasetAs(dir, DatasetConfig{TakeDamaged: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	c := LoaderConfig{Batch: 12, Crop: 8, Epochs: 1, SkipBad: true, Workers: 3}
	l, err := NewLoader(d, c)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var want []int
	for i := range d.Len() {
		if n := d.shardOf(i); n != 1 && n != 3 && n != 4 {
			want = append(want, i)
		}
	}
	var got []int
	for _, r := range read(t, l, -1) {
		if r.sample >= 0 {
			got = append(got, r.sample)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("samples %v, want %v", got, want)
	}
	bad := l.Bad()
	if len(bad) != d.Len()-len(want) {
		t.Fatalf("%d bad samples, want %d", len(bad), d.Len()-len(want))
	}
	for _, b := range bad {
		if path := shard(d.shardOf(b.Sample)); !strings.Contains(b.Err.Error(), path) {
			t.Errorf("sample %d: error %v doesn't name %s", b.Sample, b.Err, path)
		}
	}
	c.SkipBad = false
	strict, err := NewLoader(d, c)
	if err != nil {
		t.Fatal(err)
	}
	defer strict.Close()
	read(t, strict, d.first[1]/12)
	if _, err := strict.Next(context.Background()); err == nil || !strings.Contains(err.Error(), shard(1)) {
		t.Errorf("error %v, want one that names %s", err, shard(1))
	}
}

// TestLoaderMemory lets batches wait and compares what a loader holds with what
// its documentation states.
func TestLoaderMemory(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes memory of its own")
	}
	const size, crop, batch, prefetch, workers = 256, 224, 32, 5, 4
	for _, name := range []string{"raw", "lossless"} {
		d := testSet{codec: name, images: 300, size: size}.open(t)
		before := heap()
		l, err := NewLoader(d, LoaderConfig{Batch: batch, Crop: crop, Train: true, Prefetch: prefetch, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		for l.Stats().Pictures < batch*prefetch { // nobody takes any
			time.Sleep(time.Millisecond)
		}
		stated := uint64(prefetch*batch*(crop*crop*3+3*4+4+8) + workers*3*size*size*3 + 2*4*d.Len())
		const slack = 256 << 10 // Huffman tables, goroutines
		if now := heap(); now > before+stated+slack {
			t.Errorf("%s: %d bytes are held, %d are stated", name, now-before, stated)
		} else if now < before+stated/2 {
			t.Errorf("%s: %d bytes are held: far less than the %d stated, so the statement says little", name, now-before, stated)
		}
		l.Close()
	}
}
