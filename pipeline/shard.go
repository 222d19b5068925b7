package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"syscall"

	"alexnet/augment"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/source"
)

// Summary says what Shard has written.
type Summary struct {
	Meta   Meta
	Shards int
	Bytes  int64 // of the shard files
	Bad    []Bad // pictures left out, in the order of the job
	Report string
}

// Bad is a picture that couldn't be used, a line of report.jsonl.
type Bad struct {
	Name   string `json:"name"` // path in the source
	Reason string `json:"reason"`
}

// ShardProgress is what Shard reports after each picture.
type ShardProgress struct {
	Done, Total, Skipped int
}

// shardHashes are stored with every shard.
var shardHashes = []string{"sha1", "xxh64"}

// zstdCompression is a level that costs little time beside decoding pictures.
const zstdCompression = "zstd:3"

// Shard decodes the pictures of src, brings them to size×size RGB and writes
// them as shards with their labels, names, classes and exact colour statistics.
// What it writes depends on the pictures and on cfg, but not on cfg.Workers. It
// holds one shard and a few pictures a worker in memory.
//
// report, if not nil, is called after each picture, by one goroutine.
//
// A picture that can't be read is left out and listed in Summary.Bad and in
// report.jsonl, or ends the job, as cfg.StopOnBad says. The index is written
// last: a folder without one is not a finished one. On an error, ctx's
// cancellation included, everything that the job has written is removed.
func Shard(ctx context.Context, cfg ShardConfig, src source.Source, report func(ShardProgress)) (_ Summary, err error) {
	if err := cfg.Validate(); err != nil {
		return Summary{}, err
	}
	items := cfg.selection(src)
	if len(items) == 0 {
		return Summary{}, errors.New("the source holds no pictures")
	}
	out, err := openOutput(cfg.Out)
	if err != nil {
		return Summary{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(explainWrite(err), out.abandon())
		}
	}()
	job := &shardJob{cfg: cfg, src: src, items: items, report: report}
	if job.codec, err = codec.ByName(cfg.Codec, cfg.Quality); err != nil {
		return Summary{}, err
	}
	if err := job.open(); err != nil {
		return Summary{}, err
	}
	if err := job.run(ctx); err != nil {
		return Summary{}, err
	}
	return job.finish(out)
}

// shardJob is one run of Shard.
type shardJob struct {
	cfg    ShardConfig
	src    source.Source
	items  []source.Item
	codec  codec.Codec
	report func(ShardProgress)

	writer   *mds.Writer
	progress ShardProgress
	bad      []Bad
	sums     []augment.Sums // one a worker
	label    []byte         // scratch
}

func (j *shardJob) open() (err error) {
	compression := ""
	if j.cfg.Zstd {
		compression = zstdCompression
	}
	j.writer, err = mds.NewWriter(j.cfg.Out, mds.WriterConfig{
		Columns: []mds.Column{
			{Name: ImageColumn, Encoding: j.codec.Encoding(j.cfg.Size)},
			{Name: LabelColumn, Encoding: "int"},
			{Name: NameColumn, Encoding: "str"},
		},
		SizeLimit:   j.cfg.ShardSize,
		Compression: compression,
		Hashes:      shardHashes,
	})
	return err
}

// shardSlot is one picture on its way from a worker to the writer.
type shardSlot struct {
	item  source.Item
	image []byte // encoded; reused for the next picture
	err   error
	ready chan struct{}
}

// run passes the items through the workers to the writer, in order. Each item
// travels in a slot; a slot is in the hands of a worker (jobs) and in the
// writer's queue (pending) at once, and ready hands it over. The number of slots
// bounds memory.
func (j *shardJob) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	slots := 4*j.cfg.Workers + 4
	free, jobs, pending := make(chan *shardSlot, slots), make(chan *shardSlot, slots), make(chan *shardSlot, slots)
	for range slots {
		free <- &shardSlot{ready: make(chan struct{}, 1)}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(jobs)
		defer close(pending)
		for _, item := range j.items {
			select {
			case s := <-free:
				s.item = item
				jobs <- s
				pending <- s
			case <-ctx.Done():
				return
			}
		}
	})
	j.sums = make([]augment.Sums, j.cfg.Workers)
	for i := range j.cfg.Workers {
		wg.Go(func() {
			w := j.newWorker(&j.sums[i])
			for s := range jobs {
				if ctx.Err() == nil {
					s.image, s.err = w.encode(s.image[:0], s.item)
				}
				s.ready <- struct{}{}
			}
		})
	}
	for s := range pending {
		<-s.ready
		if ctx.Err() != nil {
			continue // drain, so that the others can end
		}
		if err := j.collect(s); err != nil {
			cancel(err)
		}
		free <- s
	}
	wg.Wait()
	return context.Cause(ctx)
}

// collect stores one picture, or notes that it is bad.
func (j *shardJob) collect(s *shardSlot) error {
	switch {
	case s.err == nil:
		j.label = mds.AppendInt(j.label[:0], int64(s.item.Label))
		name := strings.ToValidUTF8(s.item.Name, "\ufffd")
		if err := j.writer.Write(s.image, j.label, []byte(name)); err != nil {
			return err
		}
	case j.cfg.StopOnBad:
		return fmt.Errorf("%s: %w; or leave bad pictures out with --on-bad skip", s.item.Name, s.err)
	default:
		j.bad = append(j.bad, Bad{Name: s.item.Name, Reason: s.err.Error()})
	}
	j.progress = ShardProgress{Done: j.progress.Done + 1, Total: len(j.items), Skipped: len(j.bad)}
	if j.report != nil {
		j.report(j.progress)
	}
	return nil
}

// finish writes the last shard, the report and then the index.
func (j *shardJob) finish(out *output) (Summary, error) {
	shards, err := j.writer.Finish()
	if err != nil {
		return Summary{}, err
	}
	if len(j.bad) == len(j.items) {
		return Summary{}, fmt.Errorf("none of the %d pictures can be used; the first, %s: %s",
			len(j.items), j.bad[0].Name, j.bad[0].Reason)
	}
	sum := Summary{Meta: j.meta(), Shards: len(shards), Bad: j.bad}
	for _, s := range shards {
		if s.ZipData != nil {
			sum.Bytes += s.ZipData.Bytes
		} else {
			sum.Bytes += s.RawData.Bytes
		}
	}
	if len(j.bad) > 0 {
		if sum.Report, err = out.writeReport(j.bad); err != nil {
			return Summary{}, err
		}
	}
	meta, err := json.Marshal(sum.Meta)
	if err != nil {
		return Summary{}, err
	}
	index := mds.Index{Version: mds.Version, Shards: shards, Extra: map[string]json.RawMessage{MetaKey: meta}}
	if err := index.Write(j.cfg.Out); err != nil {
		return Summary{}, err
	}
	return sum, out.done()
}

func (j *shardJob) meta() Meta {
	m := Meta{
		FormatVersion: FormatVersion,
		Split:         j.cfg.Split,
		Images:        len(j.items) - len(j.bad),
		Size:          j.cfg.Size,
		Codec:         j.codec.Name(),
		Seed:          j.cfg.Seed,
		Source:        SourceInfo{Layout: j.src.Layout(), Found: len(j.items), Skipped: len(j.bad)},
	}
	if c, ok := j.codec.(codec.JPEG); ok {
		m.Quality = c.Quality
	}
	for _, c := range j.src.Classes() {
		m.Classes = append(m.Classes, Class(c))
	}
	for _, s := range j.sums {
		m.Statistics.Merge(s)
	}
	return m
}

// explainWrite adds what to do to a full disk's error.
func explainWrite(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: the disk is full or a limit is reached; make room, or choose another folder, and run again", err)
	}
	return err
}
