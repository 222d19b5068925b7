package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"alexnet/internal/file"
	"alexnet/pipeline/mds"
)

// Merge joins finished folders of shards into one folder with one index. Samples follow
// each other in the order of dirs, and statistics are added. The folders in dirs stay
// as they are. They have to agree in split, size, codec and classes, and no picture may
// be in two of them.
//
// If all of dirs lie below out, the index refers to the shards at their present places,
// as MosaicML's merge_index does. Otherwise out has to be missing or empty, and gets
// hard links to the shards, or copies where the file system has no links.
func Merge(ctx context.Context, out string, dirs []string) (sum Summary, err error) {
	if len(dirs) == 0 {
		return Summary{}, errors.New("merge: no folders to join")
	}
	m := &merger{out: out, names: nameSet{}}
	for _, dir := range dirs {
		if err := m.add(ctx, dir); err != nil {
			return Summary{}, fmt.Errorf("merge: %w", err)
		}
	}
	m.meta.Source.Skipped = len(m.bad)
	m.meta.Source.Found = m.meta.Images + len(m.bad)
	m.meta.Job.Pictures = chainPictures(m.pictures...)
	if sum, err := finished(out, &m.meta); err != nil || sum.Already {
		return sum, err
	}
	if m.below() {
		if len(m.bad) > 0 {
			if sum.Report, err = (&output{dir: out}).writeReport(m.bad); err != nil {
				return Summary{}, err
			}
		}
		return m.finish(sum)
	}
	o, err := openOutput(out, &m.meta, nil)
	if err != nil {
		return Summary{}, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(explainWrite(err), o.abandon())
		}
	}()
	for i := range m.shards {
		if err := ctx.Err(); err != nil {
			return Summary{}, err
		}
		if err := m.bring(i); err != nil {
			return Summary{}, err
		}
	}
	if len(m.bad) > 0 {
		if sum.Report, err = o.writeReport(m.bad); err != nil {
			return Summary{}, err
		}
	}
	if sum, err = m.finish(sum); err != nil {
		return Summary{}, err
	}
	return sum, o.done()
}

// merger gathers the contents of the joined index.
type merger struct {
	out      string
	meta     Meta
	shards   []mds.ShardInfo
	from     []string // folder of each shard
	pictures []string
	bad      []Bad
	names    nameSet
}

// add adds a folder.
func (m *merger) add(ctx context.Context, dir string) error {
	index, err := mds.ReadIndex(dir)
	if err != nil {
		return err
	}
	d := &Dataset{dir: dir}
	if err := d.readMeta(index); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, mds.IndexName), err)
	}
	part := &d.meta
	if why := m.meta.join(part); why != "" {
		return fmt.Errorf("%s and %s can't be joined: %s", m.from[0], dir, why)
	}
	if err := m.names.addAll(ctx, dir, index); err != nil {
		return err
	}
	bad, err := readReport(dir)
	if err != nil {
		return err
	}
	m.bad = append(m.bad, bad...)
	m.pictures = append(m.pictures, part.pictures())
	m.shards = append(m.shards, index.Shards...)
	m.from = append(m.from, slices.Repeat([]string{dir}, len(index.Shards))...)
	return nil
}

// join adds the contents of part's folder to m, which is empty before the first. It
// returns why the two can't be joined, or "".
func (m *Meta) join(part *Meta) (why string) {
	if m.FormatVersion == 0 {
		*m = *part
		m.Job = &Job{}
		if part.Job != nil {
			*m.Job = *part.Job
		}
		return ""
	}
	if why := m.incompatible(part); why != "" {
		return why
	}
	m.Images += part.Images
	m.Statistics.Merge(part.Statistics)
	m.Source.Found += part.Source.Found
	m.Source.Skipped += part.Source.Skipped
	m.Source.Layout = joinLayouts(m.Source.Layout, part.Source.Layout)
	if m.Seed != part.Seed {
		m.Seed = 0 // no seed gives this order
	}
	if a, b := &m.Source, &part.Source; a.SplitFraction != b.SplitFraction || a.SplitSeed != b.SplitSeed {
		a.SplitFraction, a.SplitSeed = 0, 0 // and no division
	}
	return ""
}

// incompatible returns why two folders can't be joined, or "".
func (m *Meta) incompatible(o *Meta) string {
	switch {
	case m.Split != o.Split:
		return fmt.Sprintf("split %s and %s", m.Split, o.Split)
	case m.Size != o.Size:
		return fmt.Sprintf("%d and %d pixels a side", m.Size, o.Size)
	case m.Codec != o.Codec || m.Quality != o.Quality:
		return fmt.Sprintf("codec %s %d and %s %d", m.Codec, m.Quality, o.Codec, o.Quality)
	case len(m.Classes) != len(o.Classes):
		return fmt.Sprintf("%d and %d classes: make the shards with the same list of classes", len(m.Classes), len(o.Classes))
	}
	for i := range m.Classes {
		if m.Classes[i].ID != o.Classes[i].ID {
			return fmt.Sprintf("label %d is %s and %s: make the shards with the same list of classes", i, m.Classes[i].ID, o.Classes[i].ID)
		}
	}
	return ""
}

// below reports whether all folders are below m.out; then shards keep their places, and
// their names begin with the folder.
func (m *merger) below() bool {
	named := slices.Clone(m.shards)
	for i := range named {
		rel, err := filepath.Rel(m.out, m.from[i])
		if err != nil || rel == "." || !filepath.IsLocal(rel) {
			return false
		}
		prefix := filepath.ToSlash(rel) + "/"
		rename(&named[i], func(name string) string { return prefix + name })
	}
	m.shards = named
	return true
}

// bring links or copies shard i, and names it by its number.
func (m *merger) bring(i int) error {
	old := shardFile(&m.shards[i]).Basename
	number := fmt.Sprintf("shard.%05d.mds", i)
	rename(&m.shards[i], func(name string) string {
		_, suffix, _ := strings.Cut(filepath.Base(name), ".mds")
		return number + suffix
	})
	from, to := filepath.Join(m.from[i], filepath.FromSlash(old)), filepath.Join(m.out, shardFile(&m.shards[i]).Basename)
	if os.Link(from, to) == nil {
		return nil
	}
	r, err := file.Open(from)
	if err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	defer r.Close()
	return file.Replace(to, func(f *os.File) error {
		_, err := io.Copy(f, r)
		return err
	})
}

// rename changes the names of a shard's files.
func rename(s *mds.ShardInfo, to func(string) string) {
	s.RawData.Basename = to(s.RawData.Basename)
	if s.ZipData != nil {
		zip := *s.ZipData
		zip.Basename = to(zip.Basename)
		s.ZipData = &zip
	}
}

// finish writes the index.
func (m *merger) finish(sum Summary) (Summary, error) {
	sum.Meta, sum.Shards, sum.Bytes, sum.Bad = m.meta, len(m.shards), shardBytes(m.shards), m.bad
	return sum, writeIndex(m.out, m.shards, &m.meta)
}
