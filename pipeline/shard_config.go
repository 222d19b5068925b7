package pipeline

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"alexnet/internal/printable"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/decode"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/source"
)

// ShardConfig holds the options of Shard. Out is required. The comments give the
// meaning of the other fields' zero values.
type ShardConfig struct {
	Out       string // folder of the shards: missing, empty, or of this same job, finished or not
	Split     string // "train" ("") stores in seeded random order, "val" in the source's
	Codec     string // a name of codec.Names; "": the first of them
	Quality   int    // of JPEG, 1 to 100; 0: codec.DefaultQuality
	Zstd      bool   // compress whole shards
	Size      int    // side of the stored pictures in pixels; 0: decode.DefaultSize
	ShardSize int64  // largest shard in bytes; 0: mds.DefaultSizeLimit
	Workers   int    // goroutines that decode; 0: one per processor
	Seed      uint64 // of the training order
	Limit     int    // take only this number of pictures, an even share of each class; 0: all
	MaxPixels int    // larger pictures are bad; 0: decode.DefaultMaxPixels
	Decoder   string // of JPEG: decode.Auto (""), Turbo or Go; of codec "jpeg" the encoder too
	Resampler string // decode.Fast ("") or Imaging
	StopOnBad bool   // fail at the first bad picture instead of leaving it out

	// Part and Parts select one of Parts equal parts of the job, in stored order: part
	// number Part, from 0. JoinParts puts the parts together. 0 Parts: the whole job.
	Part, Parts int

	Classes []Class // for Append only: the folder's classes, then new ones

	MaxBad      int     // fail after more than this number of bad pictures; 0: never
	MaxBadShare float64 // the same as a share of the pictures, below 1; 0: any
	Quarantine  string  // folder outside Out to which bad pictures are copied; "": none

	SlowAfter time.Duration // a picture that takes longer is named; 0: DefaultSlowAfter
}

// Validate fills in the defaults and reports invalid fields.
func (c *ShardConfig) Validate() error {
	setDefault(&c.Split, "train")
	setDefault(&c.Codec, codec.Names()[0])
	setDefault(&c.Size, decode.DefaultSize)
	setDefault(&c.ShardSize, mds.DefaultSizeLimit)
	setDefault(&c.Workers, runtime.GOMAXPROCS(0))
	setDefault(&c.MaxPixels, decode.DefaultMaxPixels)
	setDefault(&c.SlowAfter, DefaultSlowAfter)
	switch {
	case c.Out == "":
		return errors.New("no output folder: name one")
	case c.Split != "train" && c.Split != "val":
		return fmt.Errorf("split %q: choose train or val", c.Split)
	case c.Size < 8 || c.Size > maxSize:
		return fmt.Errorf("size %d: choose 8 to %d pixels", c.Size, maxSize)
	case c.ShardSize < 1<<16 || c.ShardSize > mds.MaxShardSize:
		return fmt.Errorf("shard size %d: choose 65536 to %d bytes", c.ShardSize, int64(mds.MaxShardSize))
	case c.Zstd && c.ShardSize > mds.MaxUnpacked:
		return fmt.Errorf("shard size %d: shards that are compressed as a whole have at most %d bytes", c.ShardSize, int64(mds.MaxUnpacked))
	case c.Workers < 1 || c.Workers > MostWorkers:
		return fmt.Errorf("%d workers: choose 1 to %d", c.Workers, MostWorkers)
	case c.Parts < 0 || c.Part < 0 || c.Part >= max(c.Parts, 1):
		return fmt.Errorf("part %d of %d: choose 0 to %d", c.Part, c.Parts, max(c.Parts, 1)-1)
	case c.SlowAfter < 0:
		return fmt.Errorf("pictures that take longer than %v are named: choose a positive time", c.SlowAfter)
	case c.Limit < 0:
		return fmt.Errorf("limit %d: choose 1 or more pictures, or 0 for all", c.Limit)
	case c.MaxBad < 0 || c.MaxBadShare < 0 || c.MaxBadShare >= 1:
		return fmt.Errorf("at most %d bad pictures and a share of %v: choose 1 or more, or a share below 1, or 0 for any", c.MaxBad, c.MaxBadShare)
	case c.Quarantine != "" && within(c.Quarantine, c.Out):
		return fmt.Errorf("bad pictures are to be set aside in %s, but the output folder %s holds shards only, or a job that was killed couldn't go on: choose a folder outside it",
			printable.Name(c.Quarantine), printable.Name(c.Out))
	}
	if _, err := codec.ByName(c.Codec, codec.Options{Quality: c.Quality}); err != nil {
		return err
	}
	return c.decoding().Validate()
}

// within reports whether a path is a folder or lies in it.
func within(path, folder string) bool {
	path, err := filepath.Abs(path)
	folder, err2 := filepath.Abs(folder)
	if err != nil || err2 != nil {
		return false
	}
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel)
}

// decoding returns the job's configuration of package decode.
func (c *ShardConfig) decoding() decode.Config {
	return decode.Config{Size: c.Size, MaxPixels: c.MaxPixels, Decoder: c.Decoder, Resampler: c.Resampler}
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// shardEpoch is the epoch whose order is the stored order of training samples. No
// training run reaches it.
const shardEpoch = math.MaxUint64

// mostBad is the number of n pictures that may be bad.
func (c *ShardConfig) mostBad(n int) int {
	most := n
	if c.MaxBad > 0 {
		most = min(most, c.MaxBad)
	}
	if c.MaxBadShare > 0 {
		most = min(most, int(c.MaxBadShare*float64(n)))
	}
	return most
}

// selection returns the items of the job in stored order.
func (c *ShardConfig) selection(items []source.Item, classes int) []source.Item {
	items = evenShare(items, classes, c.Limit)
	if c.Split != "train" {
		return items
	}
	shuffled := make([]source.Item, len(items))
	for i, j := range Order(c.Seed, shardEpoch, len(items)) {
		shuffled[i] = items[j]
	}
	return shuffled
}

// evenShare takes limit items, the first of each class, then the second of each
// and so on, and returns them in their old order.
func evenShare(items []source.Item, classes, limit int) []source.Item {
	if limit == 0 || limit >= len(items) {
		return items
	}
	byClass := make([][]int, classes)
	for i, it := range items {
		byClass[it.Label] = append(byClass[it.Label], i)
	}
	taken := make([]int, 0, limit)
	for round := 0; len(taken) < limit; round++ {
		for _, mine := range byClass {
			if round < len(mine) && len(taken) < limit {
				taken = append(taken, mine[round])
			}
		}
	}
	slices.Sort(taken)
	share := make([]source.Item, limit)
	for i, j := range taken {
		share[i] = items[j]
	}
	return share
}

// MostWorkers is the largest number of workers. Each is a goroutine with its own
// decoder.
const MostWorkers = 4096
