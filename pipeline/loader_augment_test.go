package pipeline

import (
	"slices"
	"testing"

	"alexnet/augment"
)

// TestLoaderResizedAndJitter switches them on: orders, labels and noise stay as
// they are; rectangles of the whole picture resized to its own size are the
// picture, mirrored where the crop would be; jitter is that of the stream.
func TestLoaderResizedAndJitter(t *testing.T) {
	const size = 12
	set := testSet{codec: "lossless", images: 20, size: size}
	d := set.open(t)
	plain := LoaderConfig{Batch: 5, Crop: size, Train: true, PCA: &testPCA, Seed: 3, Epochs: 2}
	want := expect(set, plain) // crops of the whole picture

	resized := plain
	resized.Augment = augment.Recipe{augment.ResizedCrop{MinArea: 1, MaxArea: 1, MinRatio: 1, MaxRatio: 1}}
	for _, workers := range []int{1, 3} {
		resized.Workers = workers
		if got := load(t, d, resized, -1); !slices.Equal(got, want) {
			t.Errorf("%d workers: whole rectangles differ from whole pictures", workers)
		}
	}

	jitter, jittered := plain, augment.Jitter{Brightness: 0.5, Contrast: 0.3, Saturation: 0.7}
	jitter.Augment = augment.Recipe{jittered}
	got := load(t, d, jitter, -1)
	for i := range want {
		w := want[i]
		s := augment.NewStream(plain.Seed, uint64(w.epoch), uint64(w.sample))
		augment.RandomView(&s, size, size)
		testPCA.Noise(&s, augment.DefaultSigma, augment.SqrtLambda)
		pixels := []byte(w.pixels)
		jittered.Draw(&s).Apply(pixels)
		if w.pixels = string(pixels); got[i] != w {
			t.Fatalf("row %d is\n%+v, want\n%+v", i, got[i], w)
		}
	}

	small := plain
	small.Crop, small.Augment = 6, augment.Recipe{augment.ResizedCrop{}, jittered}
	one, four := small, small
	one.Workers, four.Workers = 1, 4
	if !slices.Equal(load(t, d, one, -1), load(t, d, four, -1)) {
		t.Error("one worker and four give different rows")
	}
}
