package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/source"
)

// Summary is the result of Shard.
type Summary struct {
	Meta     Meta
	Shards   int
	Bytes    int64    // of the shard files
	Bad      []Bad    // pictures left out, in the order of the job
	Slow     []Slow   // pictures that took longer than ShardConfig.SlowAfter, likewise
	Lost     []string // IDs of the classes whose pictures all were left out
	Report   string
	Already  bool // the folder was finished before: nothing was done
	Enlarged int  // pictures that were smaller than ShardConfig.Size; unknown, 0, of a folder that is finished or joined
	Resumed  int  // pictures that an earlier run of the job had finished
	Kept     int  // after an error: shards that stay for the next run to go on from
}

// Bad is a picture that couldn't be used, and one line of report.jsonl.
type Bad struct {
	Name   string `json:"name"` // path in the source
	Reason string `json:"reason"`
	Class  string `json:"class,omitempty"` // its ID
}

// Slow is a picture that took long to read, decode and encode.
type Slow struct {
	Name    string  `json:"name"` // path in the source
	Seconds float64 `json:"seconds"`
}

// DefaultSlowAfter is the default of ShardConfig.SlowAfter.
const DefaultSlowAfter = 5 * time.Second

// ShardProgress counts a job's pictures. Shard reports it after each picture, and
// while it waits for a slow one.
type ShardProgress struct {
	Done, Total, Skipped int

	// Slow is the picture that the job waits for, and its time so far. Its name is
	// empty if the job waits for none.
	Slow Slow
}

// shardHashes are stored with every shard.
var shardHashes = []string{"sha1", "xxh64"}

// Shard decodes the pictures of src, brings them to size×size RGB and writes them as
// shards with their labels, names, classes and exact colour statistics. The output
// depends on the pictures and on cfg, but not on cfg.Workers. It holds one shard and a
// few pictures a worker in memory.
//
// report, if not nil, is called by one goroutine after each picture, and again after
// each SlowAfter that a picture takes.
//
// A picture that can't be read is left out and listed in Summary.Bad and in
// report.jsonl, or ends the job, as cfg says. The index is written last, so a folder
// without an index is unfinished. After an error, a cancelled ctx or a killed process,
// complete shards stay in the folder. The same job then continues after them, and
// writes the same bytes as an uninterrupted one. A folder that the same job has
// finished is left as it is.
func Shard(ctx context.Context, cfg ShardConfig, src source.Source, report func(ShardProgress)) (Summary, error) {
	if err := cfg.Validate(); err != nil {
		return Summary{}, err
	}
	items := cfg.selection(src.Items(), len(src.Classes()))
	if len(items) == 0 {
		return Summary{}, errors.New("the source holds no pictures")
	}
	meta := cfg.describe(describeSource(src, len(items)), src.Classes(), items)
	if cfg.Parts > 0 {
		meta.Part = &Part{cfg.Part, cfg.Parts}
		if items = meta.Part.share(items); len(items) == 0 {
			return Summary{}, fmt.Errorf("%d parts of %d pictures: choose at most as many parts as pictures", cfg.Parts, meta.Source.Found)
		}
		meta.Source.Found = len(items)
	}
	if sum, err := finished(cfg.Out, &meta); err != nil || sum.Already {
		return sum, err
	}
	job := &shardJob{cfg: cfg, src: src, items: items, meta: meta, report: report}
	return job.fill(ctx, nil)
}

// Finished looks for the result of an earlier call with the same job. If there is one,
// it sets the summary's Already. It is an error if the folder holds another job's
// result.
func Finished(cfg ShardConfig, src source.Source) (Summary, error) {
	if err := cfg.Validate(); err != nil {
		return Summary{}, err
	}
	items := cfg.selection(src.Items(), len(src.Classes()))
	meta := cfg.describe(describeSource(src, len(items)), src.Classes(), items)
	return finished(cfg.Out, &meta)
}

// finished looks for a finished folder. It returns its summary if the same job made it,
// and an error if another job did.
func finished(dir string, want *Meta) (Summary, error) {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return Summary{}, fmt.Errorf("%s is no folder: name a folder for the shards", printable.Name(dir))
	}
	index, err := mds.ReadIndex(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Summary{}, nil
	}
	d := &Dataset{dir: dir}
	why := "made by other means"
	if err == nil && d.readMeta(index) == nil {
		why = d.meta.differs(want)
	}
	if why != "" {
		return Summary{}, &OtherJobError{why, setting.Errorf("%s: already holds %s of a finished job, with %s: choose a new folder with %s, remove this one, or add new pictures to it with %s",
			dir, mds.IndexName, why, setting.Name("out"), setting.Name("append"))}
	}
	if err := dropMark(dir, &d.meta); err != nil {
		return Summary{}, err
	}
	sum := Summary{Already: true, Meta: d.meta, Shards: len(index.Shards), Bytes: shardBytes(index.Shards)}
	if report := filepath.Join(dir, ReportName); d.meta.Source.Skipped > 0 {
		sum.Report = report
	}
	return sum, nil
}

func shardBytes(shards []mds.ShardInfo) (n int64) {
	for i := range shards {
		n += shardFile(&shards[i]).Bytes
	}
	return n
}

// shardJob is one run of Shard or Append.
type shardJob struct {
	cfg    ShardConfig
	src    source.Source
	items  []source.Item // in stored order
	meta   Meta          // of the job; counts and statistics follow at the end
	base   *mds.Index    // the index that an append adds to; nil otherwise
	report func(ShardProgress)

	out      *output
	writer   *mds.Writer
	progress ShardProgress
	before   int // shards in the journal when the job was continued
	resumed  int // pictures in these shards
	bad      []Bad
	slow     []Slow
	noted    int    // number of bad that are in the journal
	totals   totals // of the pictures since the last shard
	label    []byte // scratch
}

// fill runs the job from its current position to the index. earlier are bad pictures to
// be listed before the job's own.
func (j *shardJob) fill(ctx context.Context, earlier []Bad) (sum Summary, err error) {
	if j.out, err = openOutput(j.cfg.Out, &j.meta, j.base); err != nil {
		return Summary{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(explainWrite(err), j.out.abandon())
			sum = Summary{Kept: len(j.out.journal.shards)}
		}
	}()
	if err := j.open(); err != nil {
		return Summary{}, err
	}
	if err := j.run(ctx); err != nil {
		return Summary{}, err
	}
	return j.finish(earlier)
}

// open starts the writer after the existing shards.
func (j *shardJob) open() (err error) {
	done := j.out.journal.shards
	first := len(done)
	if j.base != nil {
		first += len(j.base.Shards)
	}
	for _, s := range done {
		j.bad = append(j.bad, s.Bad...)
		j.resumed = s.Items
	}
	j.before, j.noted = len(done), len(j.bad)
	j.progress = ShardProgress{Done: j.resumed, Total: len(j.items), Skipped: len(j.bad)}
	compression := j.cfg.compression()
	if j.meta.Part != nil {
		compression = "" // the parts will be cut and compressed again
	}
	j.writer, err = mds.NewWriter(j.cfg.Out, mds.WriterConfig{
		Columns:     columns(j.cfg.mustCodec(), j.cfg.Size),
		SizeLimit:   j.cfg.ShardSize,
		Compression: compression,
		Hashes:      shardHashes,
		First:       first,
	})
	return err
}

// shardSlot is one picture on its way from a worker to the writer.
type shardSlot struct {
	item   source.Item
	image  []byte // encoded; reused for the next picture
	totals totals
	err    error
	began  atomic.Int64 // Unix time in nanoseconds
	took   time.Duration
	ready  chan struct{}
}

// run passes the items through the workers to the writer, in order. Each item has a slot,
// which a worker (jobs) and the writer's queue (pending) hold at once; ready signals that
// the worker is done. The number of slots bounds memory.
func (j *shardJob) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	// Enough slots that workers continue while a shard is hashed and written.
	slots := min(4+32*j.cfg.Workers, 256+4*j.cfg.Workers)
	free, jobs, pending := make(chan *shardSlot, slots), make(chan *shardSlot, slots), make(chan *shardSlot, slots)
	for range slots {
		free <- &shardSlot{ready: make(chan struct{}, 1)}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(jobs)
		defer close(pending)
		for _, item := range j.items[j.resumed:] {
			select {
			case s := <-free:
				s.item = item
				s.began.Store(0)
				jobs <- s
				pending <- s
			case <-ctx.Done():
				return
			}
		}
	})
	for range j.cfg.Workers {
		wg.Go(func() {
			w := newShardWorker(j.src, &j.cfg)
			for s := range jobs {
				if ctx.Err() == nil {
					began := time.Now()
					s.began.Store(began.UnixNano())
					s.image, s.totals, s.err = w.encode(ctx, s.image[:0], s.item)
					s.took = time.Since(began)
				}
				s.ready <- struct{}{}
			}
		})
	}
	for s := range pending {
		j.await(s)
		if ctx.Err() != nil {
			continue // drain, so that the other goroutines can end
		}
		if err := j.collect(s); err != nil {
			cancel(err)
		}
		free <- s
	}
	wg.Wait()
	return context.Cause(ctx)
}

// await waits for a picture, and names it if it takes long.
func (j *shardJob) await(s *shardSlot) {
	select {
	case <-s.ready:
		return
	default:
	}
	every := time.NewTicker(j.cfg.SlowAfter)
	defer every.Stop()
	for {
		select {
		case <-s.ready:
			return
		case now := <-every.C:
			took := now.Sub(time.Unix(0, s.began.Load()))
			if j.report != nil && s.began.Load() != 0 && took >= j.cfg.SlowAfter {
				p := j.progress
				p.Slow = Slow{s.item.Name, took.Seconds()}
				j.report(p)
			}
		}
	}
}

// collect stores one picture, or records that it is bad.
func (j *shardJob) collect(s *shardSlot) error {
	if s.took > j.cfg.SlowAfter {
		j.slow = append(j.slow, Slow{s.item.Name, s.took.Seconds()})
	}
	if s.err != nil {
		if err := j.leaveOut(s); err != nil {
			return err
		}
	} else {
		j.label = mds.AppendInt(j.label[:0], int64(s.item.Label))
		if err := j.writer.Write(s.image, j.label, []byte(s.item.Name)); err != nil {
			return err
		}
		if err := j.note(); err != nil {
			return err
		}
		j.totals.merge(s.totals)
	}
	j.progress = ShardProgress{Done: j.progress.Done + 1, Total: len(j.items), Skipped: len(j.bad)}
	if j.report != nil {
		j.report(j.progress)
	}
	return nil
}

// note adds a shard that the writer has just finished to the journal. It has the pictures
// before the current one.
func (j *shardJob) note() error {
	written := j.writer.Shards()
	here := len(j.out.journal.shards) - j.before
	if len(written) == here {
		return nil
	}
	entry := journalShard{Shard: written[here], Items: j.progress.Done, Bad: j.bad[j.noted:], Statistics: j.totals.sums, Enlarged: j.totals.enlarged}
	j.noted, j.totals = len(j.bad), totals{}
	return j.out.journal.add(entry)
}

// leaveOut handles a bad picture.
func (j *shardJob) leaveOut(s *shardSlot) error {
	if j.cfg.StopOnBad {
		return setting.Errorf("%s: %w; or leave bad pictures out with %s", printable.Name(s.item.Name), s.err, setting.Suggest("on-bad", "skip"))
	}
	if j.cfg.Quarantine != "" {
		if err := quarantine(j.cfg.Quarantine, j.src, s.item); err != nil {
			return err
		}
	}
	j.bad = append(j.bad, Bad{s.item.Name, s.err.Error(), j.meta.Classes[s.item.Label].ID})
	if most := j.cfg.mostBad(len(j.items)); len(j.bad) > most {
		return setting.Errorf("%d of %d pictures so far can't be used, more than the %d of %s; the last, %s: %w",
			len(j.bad), j.progress.Done+1, most, setting.Name("max-bad"), printable.Name(s.item.Name), s.err)
	}
	return nil
}

// finish writes the last shard, the report and then the index.
func (j *shardJob) finish(earlier []Bad) (Summary, error) {
	if _, err := j.writer.Finish(); err != nil {
		return Summary{}, err
	}
	if err := j.note(); err != nil {
		return Summary{}, err
	}
	if len(j.bad) == len(j.items) {
		return Summary{}, noneUsable(j.bad)
	}
	var shards []mds.ShardInfo
	if j.base != nil {
		shards = slices.Clone(j.base.Shards)
	}
	enlarged := 0
	m := j.meta // of an append, together with the folder's old contents
	m.Images += len(j.items) - len(j.bad)
	for _, s := range j.out.journal.shards {
		shards = append(shards, s.Shard)
		m.Statistics.Merge(s.Statistics)
		enlarged += s.Enlarged
	}
	sum := Summary{Enlarged: enlarged, Shards: len(shards), Bytes: shardBytes(shards), Bad: j.bad, Slow: j.slow, Resumed: j.resumed}
	listed := append(slices.Clone(earlier), j.bad...)
	m.Source.Skipped = len(listed)
	m.Source.Found = m.Images + len(listed)
	sum.Meta = m
	var err error
	if sum.Lost, err = j.lostClasses(); err != nil {
		return Summary{}, err
	}
	if len(listed) > 0 {
		if sum.Report, err = j.out.writeReport(listed); err != nil {
			return Summary{}, err
		}
	}
	if err := writeIndex(j.cfg.Out, shards, &m); err != nil {
		return Summary{}, err
	}
	return sum, j.out.done()
}

// noneUsable is the error if all pictures of a job are bad.
func noneUsable(bad []Bad) error {
	if len(bad) == 1 {
		return fmt.Errorf("the only picture, %s, can't be used: %s", printable.Name(bad[0].Name), bad[0].Reason)
	}
	return fmt.Errorf("none of the %d pictures can be used; the first, %s: %s", len(bad), printable.Name(bad[0].Name), bad[0].Reason)
}

// lostClasses returns the classes whose pictures were all left out.
func (j *shardJob) lostClasses() ([]string, error) {
	bad := make(map[string]bool, len(j.bad))
	for _, b := range j.bad {
		bad[b.Name] = true
	}
	counts := make([]int, len(j.meta.Classes))
	for _, it := range j.items {
		if !bad[it.Name] {
			counts[it.Label]++
		}
	}
	lost := lostClasses(j.meta.Classes, j.bad, counts)
	if len(lost) == 0 || j.base == nil {
		return lost, nil
	}
	had, err := OpenDataset(j.cfg.Out) // the folder of an append
	if err != nil {
		return nil, err
	}
	before, err := had.ClassCounts()
	for i, n := range before {
		counts[i] += n
	}
	return lostClasses(j.meta.Classes, j.bad, counts), errors.Join(err, had.Close())
}

// lostClasses returns the IDs of the classes of bad pictures that have no stored ones.
// counts has the numbers of stored pictures.
func lostClasses(classes []Class, bad []Bad, counts []int) (lost []string) {
	had := map[string]bool{}
	for _, b := range bad {
		had[b.Class] = true
	}
	for i, c := range classes {
		if had[c.ID] && counts[i] == 0 {
			lost = append(lost, c.ID)
		}
	}
	return lost
}

// writeIndex writes the index of a folder of shards.
func writeIndex(dir string, shards []mds.ShardInfo, m *Meta) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	index := mds.Index{Version: mds.Version, Shards: shards, Extra: map[string]json.RawMessage{MetaKey: raw}}
	return index.Write(dir)
}

// explainWrite adds to the error of a full disk what the user can do.
func explainWrite(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EFBIG) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: the disk is full or a limit is reached; make room, or choose another folder, and run again", err)
	}
	return err
}

// OtherJobError reports that the output folder holds shards of another job, with other
// settings or other pictures.
type OtherJobError struct {
	How string // in which way they differ: "size 74 instead of 28"
	Err error  // with the folder and what to do
}

func (e *OtherJobError) Error() string { return e.Err.Error() }

// Unwrap gives Err.
func (e *OtherJobError) Unwrap() error { return e.Err }
