package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"alexnet/augment"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/mds"
)

// Dataset is a folder of shards as prep-imagenet makes it, opened for reading.
// Its methods, Close excepted, may be used by many goroutines at once.
//
// Shards are mapped into memory when the dataset is opened, so a missing or truncated
// shard is an error then and not in the middle of a run. Shards that are compressed as
// a whole are unpacked at their first use and stay in memory until Close, so all of
// them have to fit in memory. Remote shards are fetched and mapped at their first use.
type Dataset struct {
	dir    string
	remote RemoteShards // nil: the shards are in dir
	index  *mds.Index
	config DatasetConfig
	meta   Meta
	codec  codec.Codec
	shards []*datasetShard
	first  []int // number of each shard's first sample, then the number of samples

	ctx    context.Context // for waits for remote shards without a context
	cancel context.CancelFunc
}

// Sample is one stored picture.
type Sample struct {
	Label int
	Name  string // path in the source
	Image []byte // encoded by the dataset's codec; a copy that belongs to the caller
}

// OpenDataset opens the folder dir and checks that index, metadata and shards
// agree. Errors name the file and say what to do; damage is an
// *mds.CorruptError, a missing shard wraps fs.ErrNotExist.
func OpenDataset(dir string) (*Dataset, error) { return OpenDatasetAs(dir, DatasetConfig{}) }

// DatasetConfig is the configuration of a Dataset. The zero value maps shards, and
// reports a missing or damaged shard as an error.
type DatasetConfig struct {
	mds.Access
	// TakeDamaged opens a folder even if some of its shards are missing or damaged.
	// Reading a sample from such a shard is then an error.
	TakeDamaged bool
}

// OpenDatasetAs does the same as OpenDataset, with a configuration.
func OpenDatasetAs(dir string, c DatasetConfig) (*Dataset, error) {
	index, err := mds.ReadIndex(dir)
	if err != nil {
		return nil, fmt.Errorf("open dataset: %w", err)
	}
	return openDataset(&Dataset{dir: dir, config: c}, index)
}

// openDataset fills d from the index.
func openDataset(d *Dataset, index *mds.Index) (*Dataset, error) {
	d.index = index
	d.ctx, d.cancel = context.WithCancel(context.Background())
	if err := d.readMeta(index); err != nil {
		return nil, errors.Join(fmt.Errorf("open dataset: %s: %w", d.indexPath(), err), d.Close())
	}
	if err := d.openShards(index); err != nil {
		return nil, errors.Join(fmt.Errorf("open dataset: %w", err), d.Close())
	}
	return d, nil
}

// indexPath is where the index is.
func (d *Dataset) indexPath() string { return d.path(mds.IndexName) }

// path is where a file of the folder is.
func (d *Dataset) path(name string) string {
	if d.remote != nil {
		return d.dir + "/" + name
	}
	return filepath.Join(d.dir, filepath.FromSlash(name))
}

// readMeta reads our own part of the index and checks it.
func (d *Dataset) readMeta(index *mds.Index) error {
	raw, ok := index.Extra[MetaKey]
	if !ok && d.remote == nil {
		switch joined, err := metaOfParts(d.dir, index); {
		case err != nil:
			return err
		case joined != nil:
			d.meta = *joined
			return d.checkMeta(index)
		}
	}
	if !ok {
		return fmt.Errorf("no %q entry, so the codec, the size and the classes are unknown; make such shards from the pictures with prep-imagenet shard", MetaKey)
	}
	if err := json.Unmarshal(raw, &d.meta); err != nil {
		return fmt.Errorf("%q entry: %w", MetaKey, err)
	}
	if err := d.checkMeta(index); err != nil {
		return fmt.Errorf("%q entry: %w; restore the file or make the shards again", MetaKey, err)
	}
	return nil
}

func (d *Dataset) checkMeta(index *mds.Index) (err error) {
	m := &d.meta
	switch {
	case m.FormatVersion != FormatVersion:
		return fmt.Errorf("format_version is %d, this program reads %d", m.FormatVersion, FormatVersion)
	case m.Images != index.Samples():
		return fmt.Errorf("%d images, but the shards hold %d samples", m.Images, index.Samples())
	case m.Images == 0:
		return errors.New("no images")
	case m.Size < 1 || m.Size > maxSize:
		return fmt.Errorf("size is %d pixels, want 1 to %d", m.Size, maxSize)
	case len(m.Classes) == 0:
		return errors.New("no classes")
	}
	d.codec, err = codec.ByName(m.Codec, codec.Options{Quality: m.Quality})
	return err
}

// maxSize bounds the buffers that a damaged index can request.
const maxSize = 1 << 13

func (d *Dataset) openShards(index *mds.Index) error {
	n := 0
	for i, info := range index.Shards {
		s := &datasetShard{info: info, image: info.Column(ImageColumn), label: info.Column(LabelColumn), name: info.Column(NameColumn)}
		for _, c := range []struct {
			at             int
			name, encoding string
		}{
			{s.image, ImageColumn, d.codec.Encoding(d.meta.Size)},
			{s.label, LabelColumn, "int"},
			{s.name, NameColumn, "str"},
		} {
			if c.at < 0 || info.ColumnEncodings[c.at] != c.encoding {
				return fmt.Errorf("%s: shard %d has no column %q of encoding %q; make the shards again with prep-imagenet shard",
					d.indexPath(), i, c.name, c.encoding)
			}
		}
		d.shards = append(d.shards, s)
		d.first = append(d.first, n)
		n += info.Samples
		if err := d.checkShard(s); err != nil && !d.config.TakeDamaged {
			return err
		}
	}
	d.first = append(d.first, n)
	return nil
}

// checkShard opens a shard. If opening would unpack it, it only checks that the file is
// there.
func (d *Dataset) checkShard(s *datasetShard) error {
	if d.remote != nil {
		return nil
	}
	if s.info.ZipData == nil {
		_, err := d.acquireShard(d.ctx, s)
		return err
	}
	for _, f := range []*mds.FileInfo{s.info.ZipData, &s.info.RawData} {
		if _, err := os.Stat(d.path(f.Basename)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s names shard %s, which is missing; restore the file or make the shards again: %w",
		d.indexPath(), d.path(s.info.ZipData.Basename), fs.ErrNotExist)
}

// Dir returns the folder that was opened, or its URL without secrets if it is remote.
func (d *Dataset) Dir() string { return d.dir }

// Meta is the folder's own description. Its slices must not be written to.
func (d *Dataset) Meta() *Meta { return &d.meta }

// Codec decodes the dataset's pictures.
func (d *Dataset) Codec() codec.Codec { return d.codec }

// Len is the number of samples.
func (d *Dataset) Len() int { return d.first[len(d.shards)] }

// Sample reads sample i, from 0 to Len−1. It returns an *mds.CorruptError when
// the sample is damaged.
func (d *Dataset) Sample(i int) (Sample, error) {
	var out Sample
	err := d.view(d.ctx, i, func(s *mds.Shard, at *datasetShard, k int) (err error) {
		if out.Label, err = d.label(s, at, k); err != nil {
			return err
		}
		name, err := s.Column(k, at.name)
		if err != nil {
			return err
		}
		image, err := s.Column(k, at.image)
		if err != nil {
			return err
		}
		out.Name, out.Image = string(name), bytes.Clone(image)
		return nil
	})
	if err != nil {
		return Sample{}, err
	}
	return out, nil
}

// Pixels decodes sample i to dst, size×size×3 bytes of RGB, and returns its
// label. The decoder is one of Codec's for Meta().Size, used by one goroutine at
// a time. Pixels returns an *mds.CorruptError when the sample is damaged; dst is
// undefined then.
func (d *Dataset) Pixels(dec codec.Decoder, i int, dst []byte) (label int, err error) {
	return d.pixels(d.ctx, dec, i, dst)
}

// pixels is Pixels whose waiting for a remote shard ends with ctx.
func (d *Dataset) pixels(ctx context.Context, dec codec.Decoder, i int, dst []byte) (label int, err error) {
	return d.decode(ctx, i, func(image []byte) error { return dec.Decode(dst, image) })
}

// Crop does the same as Pixels for the crop×crop pixels of one view only. It needs a
// CropDecoder, which has less to do for a crop than for the whole picture.
func (d *Dataset) Crop(dec codec.CropDecoder, i int, dst []byte, view augment.View, crop int) (label int, err error) {
	return d.crop(d.ctx, dec, i, dst, view, crop)
}

// crop is Crop whose waiting for a remote shard ends with ctx.
func (d *Dataset) crop(ctx context.Context, dec codec.CropDecoder, i int, dst []byte, view augment.View, crop int) (label int, err error) {
	return d.decode(ctx, i, func(image []byte) error { return dec.DecodeCrop(dst, image, view, crop) })
}

// decode calls fn with the encoded picture of sample i, and returns its label.
func (d *Dataset) decode(ctx context.Context, i int, fn func(image []byte) error) (label int, err error) {
	err = d.view(ctx, i, func(s *mds.Shard, at *datasetShard, k int) error {
		var err error
		if label, err = d.label(s, at, k); err != nil {
			return err
		}
		image, err := s.Column(k, at.image)
		if err != nil {
			return err
		}
		if err := fn(image); err != nil {
			return s.Corrupt(k, err)
		}
		return nil
	})
	return label, err
}

// view calls fn with the shard of sample i and the sample's number k in it. fn may read
// the mapped file: a page fault that fails becomes an error of sample k.
func (d *Dataset) view(ctx context.Context, i int, fn func(s *mds.Shard, at *datasetShard, k int) error) error {
	if i < 0 || i >= d.Len() {
		panic(fmt.Sprintf("pipeline: sample %d of a dataset of %d", i, d.Len()))
	}
	n := d.shardOf(i)
	at, k := d.shards[n], i-d.first[n]
	s, err := d.acquireShard(ctx, at)
	if err != nil {
		return err
	}
	defer d.releaseShard(at)
	if err := s.Guard(func() error { return fn(s, at, k) }); err != nil {
		return locate(err, k)
	}
	return nil
}

// shardOf is the number of the shard that sample i is in.
func (d *Dataset) shardOf(i int) int { return sort.SearchInts(d.first, i+1) - 1 }

// locate adds the sample to an error that doesn't name one.
func locate(err error, k int) error {
	var damage *mds.CorruptError
	if errors.As(err, &damage) && damage.Sample < 0 {
		damage.Sample = k
	}
	return err
}

// label reads and checks the label of the shard's sample k.
func (d *Dataset) label(s *mds.Shard, at *datasetShard, k int) (int, error) {
	value, err := s.Column(k, at.label)
	if err != nil {
		return 0, err
	}
	label, err := mds.Int(value)
	if err != nil {
		return 0, s.Corrupt(k, err)
	}
	if label < 0 || label >= int64(len(d.meta.Classes)) {
		return 0, s.Corrupt(k, fmt.Errorf("its label is %d, but there are %d classes", label, len(d.meta.Classes)))
	}
	return int(label), nil
}

// Close frees the shards. Nothing may be reading them.
func (d *Dataset) Close() error {
	d.cancel()
	var errs []error
	for _, at := range d.shards {
		errs = append(errs, at.close())
	}
	if d.remote != nil {
		errs = append(errs, d.remote.Close())
	}
	d.shards, d.first = nil, []int{0}
	return errors.Join(errs...)
}
