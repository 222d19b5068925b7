package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"alexnet/internal/file"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/mds"
)

// RepairConfig holds the facts about a folder that its shards don't hold. Zero fields
// are taken from the old index, if it can be read.
type RepairConfig struct {
	Classes []Class // nil: the old index's, else the first folders of the pictures' names
	Split   string  // "": the old index's, else train
	Seed    uint64
	Quality int // of JPEG
	Workers int // 0: one per processor
}

// Repaired is the result of Repair.
type Repaired struct {
	Meta   Meta
	Shards int
	Bytes  int64
	Faults []Fault // of shards that were left out; their files stay
	Same   bool    // the index was right and stays as it is
	Old    string  // where the old index lies now; "": there was none
}

// oldIndexName is the new name of the index that Repair replaces.
const oldIndexName = mds.IndexName + ".old"

// Repair rebuilds the index of a folder of shards from the shards: columns and counts
// from their headers, hashes from their bytes, statistics from the decoded pixels. A
// shard that is damaged, or differs from the hash in an old index that can be read, is
// left out and named.
func Repair(ctx context.Context, dir string, cfg RepairConfig, progress func(done, total int)) (Repaired, error) {
	if _, err := os.Stat(filepath.Join(dir, unfinishedName)); err == nil {
		return Repaired{}, fmt.Errorf("%s: holds an unfinished job, not a broken index: give the command that made it again, or remove %s",
			dir, unfinishedName)
	}
	r := &repair{dir: dir, cfg: cfg}
	if err := r.readOld(); err != nil {
		return Repaired{}, err
	}
	if err := r.describe(ctx); err != nil {
		return Repaired{}, err
	}
	if err := r.describePictures(); err != nil {
		return Repaired{}, err
	}
	if err := r.readLabels(); err != nil {
		return Repaired{}, err
	}
	if err := r.recount(ctx, progress); err != nil {
		return Repaired{}, err
	}
	return r.write()
}

// repair is the state of one Repair.
type repair struct {
	dir    string
	cfg    RepairConfig
	old    *mds.Index // nil: no readable index
	below  *mds.Index // without old: the shards of subfolders, in place
	before []byte     // the bytes of the old index, readable or not
	meta   Meta
	shards []mds.ShardInfo
	faults []Fault
	codec  codec.Codec
}

// readOld reads as much as it can of an old index.
func (r *repair) readOld() error {
	var err error
	r.before, err = file.ReadAll(filepath.Join(r.dir, mds.IndexName), mds.IndexLimit)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("repair: %w", err)
	}
	if r.old, err = mds.ParseIndex(r.before); err != nil {
		r.old = nil
		// Folders that were joined have indexes of their own.
		if parts := partsBelow(r.dir); parts != nil && !hasShards(r.dir) {
			r.below = parts
			if joined, err := metaOfParts(r.dir, parts); err == nil && joined != nil {
				r.meta = *joined
			}
		}
		return nil
	}
	if joined, err := metaOfParts(r.dir, r.old); r.old.Extra[MetaKey] == nil && err == nil && joined != nil {
		r.meta = *joined
		return nil
	}
	if raw, ok := r.old.Extra[MetaKey]; !ok || json.Unmarshal(raw, &r.meta) != nil {
		r.meta = Meta{}
	}
	return nil
}

// names returns the names of the shards' files: the old index's in its order, then
// others.
func (r *repair) names() ([]string, error) {
	var names []string
	seen := map[string]bool{}
	add := func(name string) {
		if raw := strings.TrimSuffix(name, ".zstd"); !seen[raw] {
			seen[raw] = true
			names = append(names, name)
		}
	}
	for _, index := range []*mds.Index{r.old, r.below} {
		if index == nil {
			continue
		}
		for i := range index.Shards {
			add(shardFile(&index.Shards[i]).Basename)
		}
	}
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, fmt.Errorf("repair: %w", err)
	}
	for _, compressed := range []bool{true, false} { // the raw form of a compressed shard is a reader's copy
		for _, e := range entries {
			if ok, _ := filepath.Match("*.mds", strings.TrimSuffix(e.Name(), ".zstd")); ok && compressed == strings.HasSuffix(e.Name(), ".zstd") {
				add(e.Name())
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: holds no shards (*.mds, *.mds.zstd)", r.dir)
	}
	return names, nil
}

// hasShards reports whether a folder itself holds shards.
func hasShards(dir string) bool {
	entries, _ := os.ReadDir(dir)
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		ok, _ := filepath.Match("*.mds", strings.TrimSuffix(e.Name(), ".zstd"))
		return ok
	})
}

// describe reads the headers and computes the hashes.
func (r *repair) describe(ctx context.Context) error {
	names, err := r.names()
	if err != nil {
		return err
	}
	known := map[string]*mds.FileInfo{}
	if r.old != nil {
		for i := range r.old.Shards {
			f := shardFile(&r.old.Shards[i])
			known[f.Basename] = f
		}
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		info, err := mds.DescribeShard(r.dir, name)
		if was := known[name]; err == nil && was != nil && !maps.Equal(was.Hashes, shardFile(&info).Hashes) {
			err = fmt.Errorf("its hashes aren't those in the old %s: restore the file, or remove that index to take the shard as it is", mds.IndexName)
		}
		if err == nil && (info.Column(ImageColumn) < 0 || info.Column(LabelColumn) < 0 || info.Column(NameColumn) < 0) {
			err = fmt.Errorf("lacks one of the columns %s, %s and %s", ImageColumn, LabelColumn, NameColumn)
		}
		if err == nil && len(r.shards) > 0 && !slices.Equal(info.ColumnEncodings, r.shards[0].ColumnEncodings) {
			err = fmt.Errorf("its columns are %v, unlike those of %s", info.ColumnEncodings, r.shards[0].RawData.Basename)
		}
		if err != nil {
			r.fault(name, err)
			continue
		}
		r.shards = append(r.shards, info)
	}
	if len(r.shards) == 0 {
		return fmt.Errorf("%s: none of %d shards can be used; the first: %w", r.dir, len(names), r.faults[0].Err)
	}
	return nil
}

func (r *repair) fault(name string, err error) {
	f := Fault{File: filepath.Join(r.dir, name), Sample: -1, Err: err}
	var damage *mds.CorruptError
	if errors.As(err, &damage) {
		f.Sample, f.Offset = damage.Sample, damage.Offset
	}
	r.faults = append(r.faults, f)
}

// describePictures finds codec and size if the old index doesn't have them.
func (r *repair) describePictures() (err error) {
	m := &r.meta
	if m.Codec == "" {
		info := r.shards[0]
		s, err := mds.OpenShard(r.dir, info)
		if err != nil {
			return err
		}
		defer s.Close()
		column := info.Column(ImageColumn)
		err = s.Guard(func() error {
			picture, err := s.Column(0, column)
			if err != nil {
				return err
			}
			var found codec.Codec
			if found, m.Size, err = codec.Recognise(info.ColumnEncodings[column], picture); err != nil {
				return fmt.Errorf("column %s: %w", ImageColumn, err)
			}
			m.Codec = found.Name()
			return nil
		})
		if err != nil {
			return fmt.Errorf("%s: %w", s.Path(), err)
		}
		m.Quality = r.cfg.Quality
	}
	if r.codec, err = codec.ByName(m.Codec, codec.Options{Quality: m.Quality}); err != nil {
		return err
	}
	m.Quality = r.codec.Options().Quality
	if m.FormatVersion == 0 {
		m.FormatVersion = FormatVersion
		m.Source.Layout = "unknown"
		m.Seed = r.cfg.Seed
	}
	if r.cfg.Split != "" {
		m.Split = r.cfg.Split
	}
	setDefault(&m.Split, "train")
	return nil
}

// readLabels finds the classes if neither the caller nor the old index names them.
func (r *repair) readLabels() error {
	if len(r.cfg.Classes) > 0 {
		r.meta.Classes = r.cfg.Classes
	}
	if len(r.meta.Classes) > 0 {
		return nil
	}
	folders := map[int]string{} // first folder in the names of each label; "": several
	most := 0
	for _, info := range r.shards {
		s, err := mds.OpenShard(r.dir, info)
		if err != nil {
			return err
		}
		err = s.Guard(func() error {
			for k := range s.Len() {
				label, folder, err := labelAndFolder(s, &info, k)
				if err != nil {
					return err
				}
				if was, ok := folders[label]; ok && was != folder {
					folder = ""
				}
				folders[label] = folder
				most = max(most, label)
			}
			return nil
		})
		if err := errors.Join(err, s.Close()); err != nil {
			return err
		}
	}
	distinct := map[string]bool{}
	for _, f := range folders {
		distinct[f] = true
	}
	named := len(distinct) == most+1 && !distinct[""]
	for label := range most + 1 {
		id := strconv.Itoa(label)
		if named {
			id = folders[label]
		}
		r.meta.Classes = append(r.meta.Classes, Class{ID: id})
	}
	return nil
}

// maxLabel bounds the memory for classes that a damaged label can request.
const maxLabel = 1 << 20

func labelAndFolder(s *mds.Shard, info *mds.ShardInfo, k int) (int, string, error) {
	value, err := s.Column(k, info.Column(LabelColumn))
	if err != nil {
		return 0, "", err
	}
	label, err := mds.Int(value)
	if err == nil && (label < 0 || label > maxLabel) {
		err = fmt.Errorf("its label is %d", label)
	}
	if err != nil {
		return 0, "", s.Corrupt(k, err)
	}
	name, err := s.Column(k, info.Column(NameColumn))
	folder, _, _ := bytes.Cut(name, []byte{'/'})
	return int(label), string(folder), err
}

// recount decodes everything. A shard with a picture that can't be decoded is left out.
func (r *repair) recount(ctx context.Context, progress func(done, total int)) error {
	d := &Dataset{dir: r.dir, meta: r.meta, codec: r.codec}
	parts, err := d.verifyShards(ctx, r.shards, r.cfg.Workers, progress)
	if err != nil {
		return err
	}
	var recounted Verification
	var whole []mds.ShardInfo
	for i, p := range parts {
		r.faults = append(r.faults, p.Faults...)
		if len(p.Faults) > 0 {
			continue
		}
		whole = append(whole, r.shards[i])
		recounted.Images += p.Images
		recounted.Statistics.Merge(p.Statistics)
	}
	if len(whole) == 0 {
		return fmt.Errorf("%s: none of its shards is whole; the first fault: %w", r.dir, r.faults[0].Err)
	}
	// The stored statistics are those of the pixels before the codec. If the codec loses
	// information and the number of pixels agrees, they are better than a recount.
	if !r.codec.Loses() || r.meta.Statistics.Pixels != recounted.Statistics.Pixels {
		r.meta.Statistics = recounted.Statistics
	}
	r.shards, r.meta.Images = whole, recounted.Images
	r.meta.Source.Found = max(r.meta.Source.Found, r.meta.Images+r.meta.Source.Skipped)
	return nil
}

// write puts the new index in the place of the old one.
func (r *repair) write() (Repaired, error) {
	done := Repaired{Meta: r.meta, Shards: len(r.shards), Bytes: shardBytes(r.shards), Faults: r.faults}
	if r.old != nil {
		raw, err := json.Marshal(&r.meta)
		if err != nil {
			return Repaired{}, err
		}
		was, _ := json.Marshal(r.old.Shards)
		now, _ := json.Marshal(r.shards)
		if done.Same = bytes.Equal(was, now) && bytes.Equal(raw, r.old.Extra[MetaKey]); done.Same {
			return done, nil
		}
	}
	if len(r.before) > 0 {
		done.Old = filepath.Join(r.dir, oldIndexName)
		err := file.WriteAll(done.Old, r.before)
		if err != nil {
			return Repaired{}, fmt.Errorf("keep the old index: %w", err)
		}
	}
	return done, writeIndex(r.dir, r.shards, &r.meta)
}
