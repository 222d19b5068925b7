package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"alexnet/pipeline/mds"
	"alexnet/pipeline/source"
)

// Part is the place of a folder in a job of several parts. The parts follow each
// other in stored order.
type Part struct {
	Number int `json:"number"` // from 0
	Of     int `json:"of"`
}

// String returns "1/4", or "all" for a job that isn't divided.
func (p *Part) String() string {
	if p == nil {
		return "all"
	}
	return fmt.Sprintf("%d/%d", p.Number, p.Of)
}

// share returns this part of a job's items.
func (p *Part) share(items []source.Item) []source.Item {
	n := len(items)
	return items[p.Number*n/p.Of : (p.Number+1)*n/p.Of]
}

// Parts holds the folders of all parts of one job. Several processes can write the
// job's shards from them at the same time: each calls OpenParts and Write. One of them
// also calls Begin before all writing, and Finish after it.
type Parts struct {
	out    string
	parts  []*Dataset
	first  []int // number of each part's first sample, then the number of samples
	meta   Meta
	bad    []Bad
	cuts   []int // first sample of each shard, and the number of samples
	config mds.WriterConfig
	output *output
}

// NumberedShard is a shard that Write has written.
type NumberedShard struct {
	Number int           `json:"number"`
	Info   mds.ShardInfo `json:"info"`
}

// JoinParts joins the parts in dirs and writes the result to out. Its bytes are the
// same as if one process had done the whole job. The parts stay as they are.
func JoinParts(ctx context.Context, out string, dirs []string, workers int) (sum Summary, err error) {
	p, err := OpenParts(out, dirs)
	if err != nil {
		return Summary{}, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if sum, err := p.Begin(); err != nil || sum.Already {
		return sum, err
	}
	shards, err := p.Write(ctx, 0, 1, workers)
	if err != nil {
		return Summary{}, errors.Join(explainWrite(err), p.output.abandon())
	}
	return p.Finish(shards)
}

// ArePart reports whether dir is a finished folder with one part of a job.
func ArePart(dir string) (bool, error) {
	index, err := mds.ReadIndex(dir)
	if err != nil {
		return false, err
	}
	d := &Dataset{dir: dir}
	return d.readMeta(index) == nil && d.meta.Part != nil, nil
}

// OpenParts opens the folders of a job's parts, given in any order, to write the
// job's shards to out. The caller closes them.
func OpenParts(out string, dirs []string) (_ *Parts, err error) {
	p := &Parts{out: out, parts: make([]*Dataset, len(dirs)), first: make([]int, len(dirs)+1)}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("join parts: %w", err), p.Close())
		}
	}()
	for _, dir := range dirs {
		if err := p.add(dir); err != nil {
			return nil, err
		}
	}
	p.meta = p.parts[0].meta
	p.meta.Part = nil
	for i, d := range p.parts {
		if i > 0 {
			p.meta.Images += d.meta.Images
			p.meta.Source.Found += d.meta.Source.Found
			p.meta.Source.Skipped += d.meta.Source.Skipped
			p.meta.Statistics.Merge(d.meta.Statistics)
		}
		p.first[i+1] = p.first[i] + d.Len()
		bad, err := readReport(d.dir)
		if err != nil {
			return nil, err
		}
		p.bad = append(p.bad, bad...)
	}
	p.config = mds.WriterConfig{
		Columns:     columns(p.parts[0].codec, p.meta.Size),
		SizeLimit:   p.meta.Job.ShardSize,
		Compression: p.meta.Job.Compression,
		Hashes:      shardHashes,
	}
	p.cuts, err = mds.Cut(p.config, p.first[len(dirs)], p.sampleSize)
	return p, err
}

// add opens a part and adds it at its number.
func (p *Parts) add(dir string) error {
	d, err := OpenDataset(dir)
	if err != nil {
		return err
	}
	part := d.meta.Part
	switch {
	case part == nil:
		err = fmt.Errorf("%s holds a whole job, not a part of one", dir)
	case d.meta.Job == nil:
		err = fmt.Errorf("%s says nothing of its job", dir)
	case part.Of != len(p.parts):
		err = fmt.Errorf("%s holds part %v, so %d folders are wanted and not %d", dir, part, part.Of, len(p.parts))
	case part.Number < 0 || part.Number >= part.Of:
		err = fmt.Errorf("%s holds part %v", dir, part)
	case p.parts[part.Number] != nil:
		err = fmt.Errorf("%s and %s both hold part %v", p.parts[part.Number].dir, dir, part)
	}
	if err != nil {
		return errors.Join(err, d.Close())
	}
	p.parts[part.Number] = d
	for _, other := range p.parts {
		if other == nil || other == d {
			continue
		}
		same := other.meta // without the fields that identify the part
		same.Part, same.Source.Found = d.meta.Part, d.meta.Source.Found
		if why := same.differs(&d.meta); why != "" {
			return fmt.Errorf("%s and %s are parts of different jobs: %s", other.dir, dir, why)
		}
	}
	return nil
}

// locate returns the part with sample i of the job, and the sample's number in it.
func (p *Parts) locate(i int) (*Dataset, int) {
	k := 0
	for i >= p.first[k+1] {
		k++
	}
	return p.parts[k], i - p.first[k]
}

func (p *Parts) sampleSize(i int) (n int64, err error) {
	d, k := p.locate(i)
	err = d.view(d.ctx, k, func(s *mds.Shard, _ *datasetShard, k int) error {
		n = s.SampleSize(k)
		return nil
	})
	return n, err
}

// Begin makes the output folder ready. It returns Summary.Already when the job
// was finished before.
func (p *Parts) Begin() (Summary, error) {
	job := p.meta
	if sum, err := finished(p.out, &job); err != nil || sum.Already {
		return sum, err
	}
	var err error
	p.output, err = openOutput(p.out, &job, nil)
	return Summary{}, err
}

// Write writes the shards with number mod ranks = rank, with the given number of
// workers.
func (p *Parts) Write(ctx context.Context, rank, ranks, workers int) ([]NumberedShard, error) {
	count := len(p.cuts) - 1
	written := make([]NumberedShard, 0, count/ranks+1)
	var mu sync.Mutex
	var failed error
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(workers, 1) {
		wg.Go(func() {
			for {
				number := rank + int(next.Add(1)-1)*ranks
				mu.Lock()
				stop := failed != nil
				mu.Unlock()
				if stop || number >= count {
					return
				}
				info, err := p.writeShard(ctx, number)
				mu.Lock()
				failed = errors.Join(failed, err)
				written = append(written, NumberedShard{number, info})
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return written, failed
}

// writeShard writes one shard of the job.
func (p *Parts) writeShard(ctx context.Context, number int) (info mds.ShardInfo, err error) {
	config := p.config
	config.First = number
	w, err := mds.NewWriter(p.out, config)
	if err != nil {
		return info, err
	}
	var label []byte
	for i := p.cuts[number]; i < p.cuts[number+1]; i++ {
		if err := ctx.Err(); err != nil {
			return info, err
		}
		d, k := p.locate(i)
		s, err := d.Sample(k)
		if err != nil {
			return info, err
		}
		label = mds.AppendInt(label[:0], int64(s.Label))
		if err := w.Write(s.Image, label, []byte(s.Name)); err != nil {
			return info, err
		}
	}
	shards, err := w.Finish()
	if err != nil {
		return info, err
	}
	if len(shards) != 1 {
		return info, fmt.Errorf("shard %d was cut into %d", number, len(shards))
	}
	return shards[0], nil
}

// Finish writes the index of the shards that all processes have written.
func (p *Parts) Finish(written []NumberedShard) (Summary, error) {
	shards := make([]mds.ShardInfo, len(p.cuts)-1)
	for _, s := range written {
		if s.Number < 0 || s.Number >= len(shards) {
			return Summary{}, fmt.Errorf("join parts: shard %d of %d", s.Number, len(shards))
		}
		shards[s.Number] = s.Info
	}
	for i := range shards {
		if shards[i].Samples == 0 {
			return Summary{}, fmt.Errorf("join parts: nobody has written shard %d", i)
		}
	}
	sum := Summary{Meta: p.meta, Shards: len(shards), Bytes: shardBytes(shards), Bad: p.bad}
	if len(p.bad) > 0 {
		counts := make([]int, len(p.meta.Classes))
		for _, d := range p.parts {
			of, err := d.ClassCounts()
			if err != nil {
				return Summary{}, err
			}
			for i, n := range of {
				counts[i] += n
			}
		}
		sum.Lost = lostClasses(p.meta.Classes, p.bad, counts)
		var err error
		if sum.Report, err = p.output.writeReport(p.bad); err != nil {
			return Summary{}, err
		}
	}
	if err := writeIndex(p.out, shards, &p.meta); err != nil {
		return Summary{}, err
	}
	return sum, p.output.done()
}

// Close closes the parts.
func (p *Parts) Close() error {
	var errs []error
	for _, d := range p.parts {
		if d != nil {
			errs = append(errs, d.Close())
		}
	}
	return errors.Join(errs...)
}
