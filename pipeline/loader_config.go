package pipeline

import (
	"errors"
	"fmt"
	"math"
	"runtime"

	"alexnet/augment"
)

// Ragged is the policy for the last samples of an epoch if they don't fill a batch. The
// zero value is RaggedDrop for training, RaggedPad otherwise.
type Ragged uint8

const (
	RaggedDefault Ragged = iota
	// RaggedDrop leaves these samples out of this epoch; another epoch's order presents
	// them. With several ranks, the samples that don't fill the batches of all ranks are
	// left out.
	RaggedDrop
	// RaggedPad fills the batch up with rows of label −1. All ranks have the same
	// number of batches; the last batch of some ranks may be padding only.
	RaggedPad
	// RaggedPartial cuts the batch's slices short, to nothing for a rank that
	// gets no sample.
	RaggedPartial
)

// LoaderConfig is the configuration of a Loader. The zero value presents the centre of
// every picture, in stored order, epoch after epoch without end.
type LoaderConfig struct {
	// Batch is the number of rows in a batch, 0: 128. With TenCrop a picture
	// takes ten rows, and Batch must be a multiple of ten.
	Batch int
	// Crop is the number of pixels a side, 0: 224.
	Crop int

	// Train presents random crops, mirrored half the time, with colour noise,
	// in a shuffled order. Otherwise each picture is presented by its centre.
	Train bool
	// TenCrop presents the paper's ten test views of each picture in
	// consecutive rows, in the order of augment.TenViews. Not with Train.
	TenCrop bool
	// PCA holds the axes of the colour noise; nil: none. Used with Train only.
	PCA *augment.PCA
	// Noise is how far the noise goes along an axis; the zero value is the
	// original code's, 0.1·N(0,1)·√λ.
	Noise augment.NoiseForm
	// Sigma is the noise's standard deviation, 0: augment.DefaultSigma.
	Sigma float64
	// Augment holds further augmentations; nil: none. Used with Train only.
	Augment augment.Recipe
	// NoFlip leaves training pictures unmirrored; everything else stays as it is.
	NoFlip bool
	// Centre presents training pictures by their centre, unmirrored; everything else
	// stays as it is. An augmentation that crops wins over it.
	Centre bool
	// ChannelsFirst presents pixels as (N, 3, crop, crop).
	ChannelsFirst bool
	// Seed chooses orders, crops, flips and noise.
	Seed uint64
	// Shuffle is the order of the samples.
	Shuffle Shuffle
	// Window is the number of samples that ShuffleShards shuffles among
	// themselves, 0: 8192.
	Window int
	// Ragged chooses what happens to an incomplete last batch.
	Ragged Ragged

	// Ranks is the number of loaders that share every epoch (0: 1), and Rank the number
	// of this one, from 0. A step takes Ranks·Batch rows of one global sequence, and
	// rank r takes Batch of them from row r·Batch on. The sequence depends on the
	// product Ranks·Batch only, so a run may be resumed with another number of ranks
	// and the same product.
	Rank, Ranks int

	// Epochs is the epoch, counted from 0, at whose beginning the loader ends; 0: it
	// never ends.
	Epochs int
	// StartEpoch and StartStep are the position of the first batch: those of the
	// next batch of a run that is resumed. Batches are the same as if all the
	// earlier ones had been read.
	StartEpoch, StartStep int

	// SkipBad goes on after a sample that can't be read: its rows are left out of the
	// batch, which then has fewer Images. Loader.Bad names such samples. A batch
	// without any readable sample is still an error.
	SkipBad bool

	// Workers is the number of decoding goroutines, 0: GOMAXPROCS. Batches don't
	// depend on it.
	Workers int
	// Prefetch is the number of batches in memory, those that the caller holds
	// included; 0: 4. It takes one more than the caller holds at a time to decode
	// and train at the same time.
	Prefetch int
	// Allocate gives the memory for the pixels of a batch, n bytes that are not
	// used for anything else until the loader is closed: a device's page-locked
	// memory. It is called Prefetch times, by NewLoader; nil: Go's own memory.
	Allocate func(n int) ([]byte, error)
}

// TrainingShuffle returns the meaning of ShuffleDefault in training: ShuffleGlobal for
// local shards, and ShuffleShards for remote ones, because it needs only a few shards
// at a time.
func (d *Dataset) TrainingShuffle() Shuffle {
	if d.Remote() {
		return ShuffleShards
	}
	return ShuffleGlobal
}

// defaults replaces zero values by the defaults for the dataset.
func (c *LoaderConfig) defaults(d *Dataset) {
	set := func(p *int, value int) {
		if *p == 0 {
			*p = value
		}
	}
	set(&c.Batch, 128)
	set(&c.Window, 8192)
	set(&c.Ranks, 1)
	set(&c.Crop, 224)
	set(&c.Workers, runtime.GOMAXPROCS(0))
	set(&c.Prefetch, 4)
	if c.Allocate == nil {
		c.Allocate = func(n int) ([]byte, error) { return make([]byte, n), nil }
	}
	if c.Sigma == 0 {
		c.Sigma = augment.DefaultSigma
	}
	if c.Shuffle == ShuffleDefault {
		c.Shuffle = ShuffleNone
		if c.Train {
			c.Shuffle = d.TrainingShuffle()
		}
	}
	if c.Ragged == RaggedDefault {
		c.Ragged = RaggedPad
		if c.Train {
			c.Ragged = RaggedDrop
		}
	}
}

// validate checks a configuration with defaults, for pictures of size pixels a side.
func (c *LoaderConfig) validate(size int) error {
	for _, n := range []struct {
		name  string
		value int
		least int
	}{
		{"batch", c.Batch, 1}, {"crop", c.Crop, 1}, {"workers", c.Workers, 1}, {"prefetch", c.Prefetch, 1},
		{"window", c.Window, 1}, {"ranks", c.Ranks, 1}, {"rank", c.Rank, 0},
		{"epochs", c.Epochs, 0}, {"start epoch", c.StartEpoch, 0}, {"start step", c.StartStep, 0},
	} {
		if n.value < n.least {
			return fmt.Errorf("%s %d, want at least %d", n.name, n.value, n.least)
		}
	}
	switch {
	case c.Workers > MostWorkers:
		return fmt.Errorf("workers %d, want at most %d", c.Workers, MostWorkers)
	case c.Crop > size:
		return fmt.Errorf("crop %d, but the pictures have %d pixels a side: choose one of at most %d", c.Crop, size, size)
	case c.Train && c.TenCrop:
		return errors.New("ten crops are for testing, not for training")
	case c.Batch%c.views() != 0:
		return fmt.Errorf("batch %d, want a multiple of the %d views of a picture", c.Batch, c.views())
	case !(c.Sigma > 0 && c.Sigma <= math.MaxFloat32): // false for NaN
		return fmt.Errorf("noise of standard deviation %v, want more than 0 (nil PCA: no noise)", c.Sigma)
	case c.Noise > augment.Lambda01:
		return fmt.Errorf("unknown colour noise %v", c.Noise)
	case c.Rank >= c.Ranks:
		return fmt.Errorf("rank %d, want 0 to %d for %d ranks", c.Rank, c.Ranks-1, c.Ranks)
	case c.Shuffle > ShuffleShards:
		return fmt.Errorf("unknown shuffle %d", c.Shuffle)
	case c.Ragged > RaggedPartial:
		return fmt.Errorf("unknown policy %d for the last batch", c.Ragged)
	}
	if err := c.Augment.Validate(); err != nil {
		return err
	}
	if c.PCA != nil {
		if err := c.PCA.Validate(); err != nil {
			return fmt.Errorf("PCA: %w", err)
		}
	}
	return nil
}

// views is the number of rows of a picture.
func (c *LoaderConfig) views() int {
	if c.TenCrop {
		return 10
	}
	return 1
}
