package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"alexnet/augment"
	"alexnet/pipeline/mds"
)

// Fault is one error in a folder of shards.
type Fault struct {
	File   string // the shard or the index
	Sample int    // in the shard; −1: not in a sample
	Offset int64  // in the raw shard, bytes
	Err    error
}

// MarshalJSON writes the error as its text.
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		File   string `json:"file"`
		Sample int    `json:"sample"`
		Offset int64  `json:"offset"`
		Error  string `json:"error"`
	}{f.File, f.Sample, f.Offset, f.Err.Error()})
}

func (f Fault) String() string {
	var damage *mds.CorruptError
	if errors.As(f.Err, &damage) {
		return f.Err.Error() // it names the place itself
	}
	return fmt.Sprintf("%s: %v", f.File, f.Err)
}

// Verification is the result of Verify. If Faults is empty, no fault was found.
type Verification struct {
	Shards     int          `json:"shards"`
	Images     int          `json:"images"` // that decode and have a valid label
	PerClass   []int        `json:"per_class"`
	Statistics augment.Sums `json:"statistics"` // of the decoded pixels
	Faults     []Fault      `json:"faults"`
}

// Verify reads every byte of a folder of shards: hashes, structure, each picture
// decoded, labels in range, the counts in the index and, for lossless codecs, its
// colour statistics against a recount. It goes on after a fault, and lists all faults
// in shard order. It returns an error only if it can't read the folder at all, or if
// ctx ends. workers 0 means one per processor. progress, if not nil, is called by
// several goroutines with the number of samples checked so far.
func Verify(ctx context.Context, dir string, workers int, progress func(done, total int)) (Verification, error) {
	index, err := mds.ReadIndex(dir)
	if err != nil {
		return Verification{}, err
	}
	return (&Dataset{dir: dir}).verify(ctx, index, workers, progress)
}

// VerifyRemote does the same as Verify for a remote folder. It doesn't close shards.
func VerifyRemote(ctx context.Context, shards RemoteShards, workers int, progress func(done, total int)) (Verification, error) {
	return (&Dataset{dir: shards.Location(), remote: shards}).verify(ctx, shards.Index(), workers, progress)
}

// verify needs only the place of d.
func (d *Dataset) verify(ctx context.Context, index *mds.Index, workers int, progress func(done, total int)) (Verification, error) {
	path := d.indexPath()
	if err := d.readMeta(index); err != nil {
		return Verification{}, fmt.Errorf("%s: %w", path, err)
	}
	parts, err := d.verifyShards(ctx, index.Shards, workers, progress)
	if err != nil {
		return Verification{}, err
	}
	sum := Verification{Shards: len(parts), PerClass: make([]int, len(d.meta.Classes))}
	for _, p := range parts {
		sum.Images += p.Images
		for i, n := range p.PerClass {
			sum.PerClass[i] += n
		}
		sum.Statistics.Merge(p.Statistics)
		sum.Faults = append(sum.Faults, p.Faults...)
	}
	if len(sum.Faults) == 0 {
		if err := d.checkStatistics(sum.Statistics); err != nil {
			sum.Faults = append(sum.Faults, Fault{File: path, Sample: -1, Err: err})
		}
	}
	return sum, nil
}

// verifyShards verifies shards of the folder d.dir. It needs only d's metadata and codec.
func (d *Dataset) verifyShards(ctx context.Context, shards []mds.ShardInfo, workers int, progress func(done, total int)) ([]Verification, error) {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	workers = min(workers, len(shards))
	parts := make([]Verification, len(shards))
	var next, done atomic.Int64
	total := 0
	for i := range shards {
		total += shards[i].Samples
	}
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			v := newVerifier(d)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(parts) || ctx.Err() != nil {
					return
				}
				parts[i] = v.shard(ctx, shards[i], func() {
					if n := done.Add(1); progress != nil {
						progress(int(n), total)
					}
				})
			}
		})
	}
	wg.Wait()
	return parts, ctx.Err()
}

// checkStatistics compares the stored statistics with those of the decoded pixels. If the
// codec changes pixels, only their number can be compared.
func (d *Dataset) checkStatistics(recount augment.Sums) error {
	switch m := &d.meta; {
	case m.Statistics.Pixels != recount.Pixels:
		return fmt.Errorf("its statistics are of %d pixels, the shards hold %d: make the shards again", m.Statistics.Pixels, recount.Pixels)
	case !d.codec.Loses() && m.Statistics != recount:
		return fmt.Errorf("its statistics differ from a recount (mean %.3f, recounted %.3f): make the shards again",
			m.Statistics.Mean(), recount.Mean())
	}
	return nil
}

// verifier is the scratch memory of one goroutine.
type verifier struct {
	d       *Dataset
	rgb     []byte
	decoder interface{ Decode(rgb, src []byte) error }
}

func newVerifier(d *Dataset) *verifier {
	size := d.meta.Size
	return &verifier{d: d, rgb: make([]byte, size*size*3), decoder: d.codec.NewDecoder(size)}
}

// shard verifies one shard.
func (v *verifier) shard(ctx context.Context, info mds.ShardInfo, looked func()) Verification {
	found := Verification{PerClass: make([]int, len(v.d.meta.Classes))}
	file := v.d.path(info.RawData.Basename)
	if info.ZipData != nil {
		file = v.d.path(info.ZipData.Basename)
	}
	fault := func(err error) {
		f := Fault{File: file, Sample: -1, Err: err}
		var damage *mds.CorruptError
		if errors.As(err, &damage) {
			f.File, f.Sample, f.Offset = damage.Shard, damage.Sample, damage.Offset
		}
		found.Faults = append(found.Faults, f)
	}
	at := &datasetShard{info: info, image: info.Column(ImageColumn), label: info.Column(LabelColumn), name: info.Column(NameColumn)}
	if at.image < 0 || at.label < 0 || at.name < 0 {
		fault(fmt.Errorf("lacks one of the columns %s, %s and %s", ImageColumn, LabelColumn, NameColumn))
		return found
	}
	dir := v.d.dir
	if v.d.remote != nil {
		var err error
		if dir, info, err = v.d.remote.Fetch(ctx, &info); err != nil {
			fault(err)
			return found
		}
	}
	s, err := mds.OpenShard(dir, info)
	if err != nil {
		fault(err)
		return found
	}
	defer s.Close()
	if err := s.Verify(); err != nil {
		fault(err) // continue, to name the affected samples
	}
	for k := 0; k < s.Len() && ctx.Err() == nil; k++ {
		label, err := v.sample(s, at, k)
		if err != nil {
			fault(err)
		} else {
			found.Images++
			found.PerClass[label]++
			found.Statistics.Add(v.rgb)
		}
		looked()
	}
	return found
}

// sample decodes sample k to v.rgb and returns its label.
func (v *verifier) sample(s *mds.Shard, at *datasetShard, k int) (label int, err error) {
	err = s.Guard(func() error {
		if label, err = v.d.label(s, at, k); err != nil {
			return err
		}
		image, err := s.Column(k, at.image)
		if err != nil {
			return err
		}
		if err := v.decoder.Decode(v.rgb, image); err != nil {
			return s.Corrupt(k, err)
		}
		return nil
	})
	return label, err
}
