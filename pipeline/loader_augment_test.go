package pipeline

import (
	"math"
	"slices"
	"testing"

	"alexnet/augment"
)

// TestLoaderAugmentations switches on every row of augment.Kinds: orders, labels
// and noise stay as they are, painters paint what the loader gives without them,
// and rows depend neither on workers nor on a resume.
func TestLoaderAugmentations(t *testing.T) {
	set := testSet{codec: "lossless", images: 20, size: 12}
	d := set.open(t)
	plain := LoaderConfig{Batch: 5, Crop: 8, Train: true, PCA: &testPCA, Seed: 3, Epochs: 2}
	var mean [3]byte
	for c, v := range d.Meta().Statistics.Mean() {
		mean[c] = byte(math.RoundToEven(v))
	}
	for i, k := range augment.Kinds {
		settings := augment.DefaultSettings()
		settings[i] = k.Example
		recipe, err := settings.Recipe()
		if err != nil || len(recipe) != 1 {
			t.Fatalf("%s %s: %v, %v", k.Name, k.Example, recipe, err)
		}
		c := plain
		c.Augment, c.Workers = recipe, 1
		got := load(t, d, c, -1)
		changed := 0
		for i, want := range expect(set, plain) {
			if got[i].pixels != want.pixels {
				changed++
			}
			if p, ok := recipe[0].(augment.Painter); ok {
				s := augment.NewStream(plain.Seed, uint64(want.epoch), uint64(want.sample))
				augment.RandomView(&s, set.size, plain.Crop)
				testPCA.Noise(&s, augment.DefaultSigma, augment.SqrtLambda)
				pixels := []byte(want.pixels)
				p.Paint(&s, augment.Picture{RGB: pixels, Size: plain.Crop, Mean: mean})
				want.pixels = string(pixels)
			} else {
				want.pixels = got[i].pixels
			}
			if got[i] != want {
				t.Fatalf("%s: row %d is\n%+v, want\n%+v", k.Name, i, got[i], want)
			}
		}
		if changed == 0 {
			t.Errorf("%s %s changes no picture", k.Name, k.Example)
		}
		c.Workers = 3
		if !slices.Equal(load(t, d, c, -1), got) {
			t.Errorf("%s: one worker and three give different rows", k.Name)
		}
		c.StartEpoch, c.StartStep = 1, 2
		if !slices.Equal(load(t, d, c, -1), got[20+10:]) {
			t.Errorf("%s: rows after a resume differ", k.Name)
		}
		c.StartEpoch, c.StartStep, c.Seed = 0, 0, 4
		if slices.Equal(load(t, d, c, -1), got) {
			t.Errorf("%s: two seeds give the same rows", k.Name)
		}
	}
}

// TestLoaderResized: rectangles of the whole picture resized to its own size are
// the picture, mirrored where the crop would be.
func TestLoaderResized(t *testing.T) {
	const size = 12
	set := testSet{codec: "lossless", images: 20, size: size}
	d := set.open(t)
	c := LoaderConfig{Batch: 5, Crop: size, Train: true, PCA: &testPCA, Seed: 3, Epochs: 2}
	want := expect(set, c) // crops of the whole picture
	c.Augment = augment.Recipe{augment.ResizedCrop{MinArea: 1, MaxArea: 1, MinRatio: 1, MaxRatio: 1}}
	if got := load(t, d, c, -1); !slices.Equal(got, want) {
		t.Error("whole rectangles differ from whole pictures")
	}
}

// TestLoaderNoFlip: unmirrored and channels first change pixels only: crops as they lie, and
// channel by channel.
func TestLoaderNoFlip(t *testing.T) {
	const size, crop = 12, 7
	set := testSet{codec: "lossless", images: 20, size: size}
	d := set.open(t)
	c := LoaderConfig{Batch: 5, Crop: crop, Train: true, PCA: &testPCA, Seed: 3, Epochs: 1}
	want := expect(set, c)
	mirrored := 0
	for i, w := range want {
		s := augment.NewStream(c.Seed, uint64(w.epoch), uint64(w.sample))
		v := augment.RandomView(&s, size, crop)
		if v.Flip {
			mirrored++
		}
		pixels := make([]byte, crop*crop*3)
		augment.CopyCrop(pixels, testPicture(w.sample, size), size, v.X, v.Y, crop, false)
		want[i].pixels = string(pixels)
	}
	if mirrored == 0 || mirrored == len(want) {
		t.Fatalf("%d of %d pictures are mirrored, which shows nothing", mirrored, len(want))
	}
	c.NoFlip = true
	if !slices.Equal(load(t, d, c, -1), want) {
		t.Error("unmirrored crops differ")
	}
	c.ChannelsFirst = true
	for i, got := range load(t, d, c, -1) {
		pixels := make([]byte, crop*crop*3)
		augment.Planes(pixels, []byte(want[i].pixels))
		w := want[i]
		if w.pixels = string(pixels); got != w {
			t.Fatalf("row %d differs with channels first", i)
		}
	}
}

// TestLoaderCentre: training sees each picture's centre as it lies, in the same order and
// colours.
func TestLoaderCentre(t *testing.T) {
	const size, crop = 12, 7
	set := testSet{codec: "lossless", images: 20, size: size}
	d := set.open(t)
	c := LoaderConfig{Batch: 5, Crop: crop, Train: true, PCA: &testPCA, Seed: 3, Epochs: 2}
	want := expect(set, c)
	for i, w := range want {
		pixels := make([]byte, crop*crop*3)
		augment.CopyCrop(pixels, testPicture(w.sample, size), size, 2, 2, crop, false)
		want[i].pixels = string(pixels)
	}
	c.Centre = true
	if !slices.Equal(load(t, d, c, -1), want) {
		t.Error("centres differ")
	}
}
