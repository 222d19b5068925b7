package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"alexnet/augment"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/rescale"
	"alexnet/pipeline/source"
)

// ShardConfig are the options of Shard. The zero value of each but Out means
// what its comment says.
type ShardConfig struct {
	Out       string // folder of the shards; made if missing, otherwise it has to be empty
	Split     string // "train" ("") stores in seeded random order, "val" in the source's
	Codec     string // a name of codec.Names; "": the first of them
	Quality   int    // of JPEG, 1 to 100; 0: codec.DefaultQuality
	Zstd      bool   // compress whole shards
	Size      int    // side of the stored pictures in pixels; 0: rescale.DefaultSize
	ShardSize int64  // largest shard in bytes; 0: mds.DefaultSizeLimit
	Workers   int    // goroutines that decode; 0: one a processor
	Seed      uint64 // of the training order
	Limit     int    // take only so many pictures, an even share of each class; 0: all
	MaxPixels int    // larger pictures are bad; 0: rescale.DefaultMaxPixels
	StopOnBad bool   // fail at the first bad picture instead of leaving it out
}

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

// shardEpoch is the epoch whose order training samples are stored in: one that
// no training run reaches.
const shardEpoch = math.MaxUint64

// shardHashes are stored with every shard.
var shardHashes = []string{"sha1", "xxh64"}

// zstdCompression is a level that costs little time beside decoding pictures.
const zstdCompression = "zstd:3"

// Validate fills in the defaults and says what is wrong with the rest.
func (c *ShardConfig) Validate() error {
	setDefault(&c.Split, "train")
	setDefault(&c.Codec, codec.Names()[0])
	setDefault(&c.Size, rescale.DefaultSize)
	setDefault(&c.ShardSize, mds.DefaultSizeLimit)
	setDefault(&c.Workers, runtime.GOMAXPROCS(0))
	setDefault(&c.MaxPixels, rescale.DefaultMaxPixels)
	switch {
	case c.Out == "":
		return errors.New("no output folder: name one")
	case c.Split != "train" && c.Split != "val":
		return fmt.Errorf("split %q: choose train or val", c.Split)
	case c.Size < 8 || c.Size > maxSize:
		return fmt.Errorf("size %d: choose 8 to %d pixels", c.Size, maxSize)
	case c.ShardSize < 1<<16 || c.ShardSize > mds.MaxShardSize:
		return fmt.Errorf("shard size %d: choose 65536 to %d bytes", c.ShardSize, int64(mds.MaxShardSize))
	case c.Workers < 1:
		return fmt.Errorf("%d workers: choose at least 1", c.Workers)
	case c.Limit < 0:
		return fmt.Errorf("limit %d: choose 1 or more pictures, or 0 for all", c.Limit)
	}
	_, err := codec.ByName(c.Codec, c.Quality)
	return err
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

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

// selection is the items of the job in the order in which they are stored.
func (c *ShardConfig) selection(src source.Source) []source.Item {
	items := evenShare(src.Items(), len(src.Classes()), c.Limit)
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

// shardWorker is what one goroutine needs to encode pictures.
type shardWorker struct {
	src      source.Source
	rescaler *rescale.Rescaler
	encoder  codec.Encoder
	sums     *augment.Sums
	file     []byte
	rgb      []byte
}

func (j *shardJob) newWorker(sums *augment.Sums) *shardWorker {
	return &shardWorker{
		src:      j.src,
		rescaler: rescale.New(rescale.Config{Size: j.cfg.Size, MaxPixels: j.cfg.MaxPixels}),
		encoder:  j.codec.NewEncoder(j.cfg.Size),
		sums:     sums,
		rgb:      make([]byte, j.cfg.Size*j.cfg.Size*3),
	}
}

// encode appends the encoded picture to dst and counts its pixels. An error is
// the picture's.
func (w *shardWorker) encode(dst []byte, item source.Item) ([]byte, error) {
	if err := w.read(item); err != nil {
		return dst, err
	}
	if err := w.rescaler.Rescale(w.rgb, w.file); err != nil {
		return dst, err
	}
	dst, err := w.encoder.Encode(dst, w.rgb)
	if err == nil {
		w.sums.Add(w.rgb)
	}
	return dst, err
}

// read reads a whole picture file to w.file.
func (w *shardWorker) read(item source.Item) (err error) {
	r, err := w.src.Open(item)
	if err != nil {
		return fmt.Errorf("can't be opened: %w", err)
	}
	defer r.Close()
	w.file = w.file[:0]
	for {
		if len(w.file) == cap(w.file) {
			w.file = slices.Grow(w.file, 256<<10)
		}
		n, err := r.Read(w.file[len(w.file):cap(w.file)])
		w.file = w.file[:len(w.file)+n]
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("can't be read: %w", err)
		}
	}
}

// explainWrite adds what to do to a full disk's error.
func explainWrite(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: the disk is full or a limit is reached; make room, or choose another folder, and run again", err)
	}
	return err
}
