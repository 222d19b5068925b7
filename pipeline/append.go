package pipeline

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/zeebo/xxh3"

	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/source"
)

// Append adds pictures of src to the finished folder cfg.Out: those whose names the
// folder doesn't hold yet. It writes new shards after the old ones and leaves the old
// ones unchanged. The old index stays until the new one replaces it. Append can be
// stopped and continued as Shard can. New training pictures are shuffled among
// themselves.
//
// Fields of cfg that are zero are taken from the folder; the others have to
// agree with it. Classes are matched by ID. A class that the folder doesn't have
// is an error, unless cfg.Classes names it, after all the folder's own.
func Append(ctx context.Context, cfg ShardConfig, src source.Source, report func(ShardProgress)) (Summary, error) {
	plan, err := planAppend(ctx, cfg, src)
	if err != nil {
		return Summary{}, err
	}
	old, index := plan.old, plan.index
	if err := dropMark(cfg.Out, old); err != nil {
		return Summary{}, err
	}
	if len(plan.items) == 0 {
		return Summary{Already: true, Meta: *old, Shards: len(index.Shards), Bytes: shardBytes(index.Shards)}, nil
	}
	from := describeSource(src, len(plan.items))
	from.Layout = joinLayouts(old.Source.Layout, from.Layout)
	if had := old.Source; had.SplitFraction > 0 {
		from.SplitFraction, from.SplitSeed = had.SplitFraction, had.SplitSeed
	}
	meta := plan.cfg.describe(from, plan.src.Classes(), plan.items)
	meta.Images, meta.Statistics = old.Images, old.Statistics
	meta.Job.Pictures = chainPictures(old.pictures(), meta.Job.Pictures)
	earlier, err := readReport(cfg.Out)
	if err != nil {
		return Summary{}, err
	}
	job := &shardJob{cfg: plan.cfg, src: plan.src, items: plan.items, meta: meta, base: index, report: report}
	return job.fill(ctx, excluding(earlier, plan.items))
}

// appendPlan holds the steps of Append.
type appendPlan struct {
	cfg   ShardConfig // complete
	old   *Meta
	index *mds.Index
	src   *relabelled
	items []source.Item // the new pictures, in stored order
}

// planAppend reads the folder and the list of pictures, and changes nothing.
func planAppend(ctx context.Context, cfg ShardConfig, src source.Source) (*appendPlan, error) {
	old, err := cfg.InheritFrom(cfg.Out)
	if err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	had, now := old.Source, describeSource(src, 0)
	if had.SplitFraction > 0 && now.SplitFraction > 0 && (had.SplitFraction != now.SplitFraction || had.SplitSeed != now.SplitSeed) {
		return nil, fmt.Errorf("append: split fraction %v with seed %d, but the folder has %v with seed %d: leave them out",
			now.SplitFraction, now.SplitSeed, had.SplitFraction, had.SplitSeed)
	}
	index, err := mds.ReadIndex(cfg.Out)
	if err != nil {
		return nil, err
	}
	classes, err := cfg.appendedClasses(old)
	if err != nil {
		return nil, err
	}
	mapped, err := relabel(src, classes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Out, err)
	}
	have := make(nameSet, old.Images)
	if err := have.addAll(ctx, cfg.Out, index); err != nil {
		return nil, err
	}
	var fresh []source.Item
	for _, it := range mapped.Items() {
		if !have.has(it.Name) {
			fresh = append(fresh, it)
		}
	}
	return &appendPlan{cfg, old, index, mapped, cfg.selection(fresh, len(classes))}, nil
}

// InheritFrom fills zero fields from a finished folder and returns the folder's Meta.
// It is an error if another field disagrees with the folder.
func (c *ShardConfig) InheritFrom(dir string) (*Meta, error) {
	index, err := mds.ReadIndex(dir)
	if err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	d := &Dataset{dir: dir}
	if err := d.readMeta(index); err != nil {
		return nil, fmt.Errorf("append: %s: %w", filepath.Join(dir, mds.IndexName), err)
	}
	m := d.meta
	job := Job{}
	if m.Job != nil {
		job = *m.Job
	}
	c.Zstd = c.Zstd || job.Compression != ""
	return &m, errors.Join(
		inherit("split", &c.Split, m.Split),
		inherit("codec", &c.Codec, m.Codec),
		inherit("quality", &c.Quality, m.Quality),
		inherit("size", &c.Size, m.Size),
		inherit("seed", &c.Seed, m.Seed),
		inherit("shard size", &c.ShardSize, job.ShardSize),
		inherit("largest picture", &c.MaxPixels, job.MaxPixels),
		inherit("decoder", &c.Decoder, job.Decoder), // and the encoder
		inherit("resampler", &c.Resampler, job.Resampler),
	)
}

func inherit[T comparable](name string, have *T, folder T) error {
	var zero T
	if *have == zero || folder == zero {
		setDefault(have, folder)
		return nil
	}
	if *have != folder {
		return fmt.Errorf("append: %s %v, but the folder has %v: leave that option out", name, *have, folder)
	}
	return nil
}

// appendedClasses returns the folder's classes, or cfg.Classes if those begin with them.
func (c *ShardConfig) appendedClasses(old *Meta) ([]Class, error) {
	if len(c.Classes) == 0 {
		return old.Classes, nil
	}
	for i, class := range old.Classes {
		if i >= len(c.Classes) || c.Classes[i].ID != class.ID {
			return nil, fmt.Errorf("append: the class list has to begin with the folder's %d classes in their order; number %d is %s there",
				len(old.Classes), i, printable.Name(class.ID))
		}
	}
	return c.Classes, nil
}

// relabelled is a source with the labels of another list of classes.
type relabelled struct {
	source.Source
	classes []source.Class
	items   []source.Item
	back    map[int]int // label here → label in Source
}

// relabel matches the classes of src by ID.
func relabel(src source.Source, classes []Class) (*relabelled, error) {
	r := &relabelled{Source: src, back: map[int]int{}}
	label := make(map[string]int, len(classes))
	for i, c := range classes {
		r.classes = append(r.classes, source.Class(c))
		label[c.ID] = i
	}
	to := make([]int, len(src.Classes()))
	var strange []string
	for i, c := range src.Classes() {
		l, ok := label[c.ID]
		if !ok {
			strange = append(strange, c.ID)
			continue
		}
		to[i], r.back[l] = l, i
	}
	if n := len(strange); n > 0 {
		return nil, setting.Errorf("append: %d classes of the pictures aren't among the folder's %d, such as %s: "+
			"to add classes, give a list of all with %s, the folder's first", n, len(classes), printable.Name(strange[0]), setting.Name("classes"))
	}
	for _, it := range src.Items() {
		r.items = append(r.items, source.Item{Name: it.Name, Label: to[it.Label]})
	}
	return r, nil
}

func (r *relabelled) Classes() []source.Class { return r.classes }
func (r *relabelled) Items() []source.Item    { return r.items }

func (r *relabelled) Open(it source.Item) (io.ReadCloser, error) {
	return r.Source.Open(source.Item{Name: it.Name, Label: r.back[it.Label]})
}

// nameSet holds hashes of names: 16 bytes a picture, and no two of a billion
// names are likely to collide.
type nameSet map[xxh3.Uint128]struct{}

func (s nameSet) has(name string) bool {
	_, ok := s[xxh3.HashString128(name)]
	return ok
}

// take adds a name, and reports whether it is new.
func (s nameSet) take(name string) bool {
	before := len(s)
	s[xxh3.HashString128(name)] = struct{}{}
	return len(s) > before
}

// addAll adds the names of all samples of a folder. A name that is there already is an
// error.
func (s nameSet) addAll(ctx context.Context, dir string, index *mds.Index) error {
	for _, info := range index.Shards {
		if err := ctx.Err(); err != nil {
			return err
		}
		shard, err := mds.OpenShard(dir, info)
		if err != nil {
			return err
		}
		column := info.Column(NameColumn)
		err = shard.Guard(func() error {
			for k := range shard.Len() {
				name, err := shard.Column(k, column)
				if err != nil {
					return err
				}
				hash := xxh3.Hash128(name)
				if _, twice := s[hash]; twice {
					return fmt.Errorf("%s holds %s, which is there already", shard.Path(), printable.Name(string(name)))
				}
				s[hash] = struct{}{}
			}
			return nil
		})
		if err := errors.Join(err, shard.Close()); err != nil {
			return err
		}
	}
	return nil
}

// pictures is the folder's Job.Pictures, or "".
func (m *Meta) pictures() string {
	if m.Job == nil {
		return ""
	}
	return m.Job.Pictures
}

// chainPictures is the Job.Pictures of a folder that was made in parts.
func chainPictures(parts ...string) string {
	return fmt.Sprintf("xxh128:%x", xxh3.HashString128(strings.Join(parts, "+")).Bytes())
}

func joinLayouts(a, b string) string {
	if a == b || strings.HasSuffix(a, "+"+b) {
		return a
	}
	return a + "+" + b
}

// readReport reads the list of bad pictures of a folder, if there is one.
func readReport(dir string) ([]Bad, error) {
	path := filepath.Join(dir, ReportName)
	data, err := file.ReadAll(path, journalLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the report: %w", err)
	}
	var all []Bad
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, len(data)+1)
	for n := 1; lines.Scan(); n++ {
		var b Bad
		if err := json.Unmarshal(lines.Bytes(), &b); err != nil {
			return nil, fmt.Errorf("%s:%d: not a line of a report: %w: remove the file", path, n, err)
		}
		all = append(all, b)
	}
	return all, nil
}

// excluding returns the bad pictures that aren't tried again.
func excluding(bad []Bad, items []source.Item) []Bad {
	if len(bad) == 0 {
		return nil
	}
	tried := make(map[string]bool, len(items))
	for _, it := range items {
		tried[it.Name] = true
	}
	var rest []Bad
	for _, b := range bad {
		if !tried[b.Name] {
			rest = append(rest, b)
		}
	}
	return rest
}
