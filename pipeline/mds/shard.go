package mds

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// Shard gives the samples of one shard. Its methods, Close excepted, may be
// used by many goroutines at once.
//
// Where the system can, an uncompressed shard is mapped into memory, so opening
// is cheap and samples are read when they are looked at. A file that is cut
// short or lost by its disk while it is mapped then shows as a fault at the
// moment of reading: see Guard.
type Shard struct {
	path    string // of the file that was opened, raw or compressed
	info    ShardInfo
	data    []byte // the raw shard
	zipped  []byte // the compressed file until it is verified; nil for a raw one
	release func() error
	nsizes  int // variable columns
}

// OpenShard opens one shard of the folder dir and checks its size and header
// against the index. A compressed shard is unpacked into memory, unless the raw
// file lies beside it, as MosaicML's reader leaves it.
func OpenShard(dir string, info ShardInfo) (*Shard, error) {
	if err := info.check(); err != nil {
		return nil, fmt.Errorf("open shard: %s: %w", filepath.Join(dir, IndexName), err)
	}
	s := newShard(info)
	if err := s.open(dir); err != nil {
		return nil, err
	}
	if err := s.checkHeader(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func newShard(info ShardInfo) *Shard {
	s := &Shard{info: info}
	for _, size := range info.ColumnSizes {
		if size == 0 {
			s.nsizes++
		}
	}
	return s
}

// open finds and maps or unpacks the shard's file.
func (s *Shard) open(dir string) error {
	s.path = filepath.Join(dir, filepath.FromSlash(s.info.RawData.Basename))
	data, release, err := s.read(s.info.RawData.Bytes)
	if err == nil {
		s.data, s.release = data, release
		return nil
	}
	if s.info.ZipData != nil && errors.Is(err, fs.ErrNotExist) {
		s.path = filepath.Join(dir, filepath.FromSlash(s.info.ZipData.Basename))
		if data, release, err = s.read(s.info.ZipData.Bytes); err == nil {
			s.zipped, s.release = data, release
			return s.unpack()
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s names shard %s, which is missing; restore the file or make the shards again: %w",
			filepath.Join(dir, IndexName), s.path, fs.ErrNotExist)
	}
	return err
}

// read maps the file, which must have the size that the index says.
func (s *Shard) read(size int64) ([]byte, func() error, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, nil, fmt.Errorf("open shard: %w", err)
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("open shard: %w", err)
	}
	if !stat.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("open shard: %s is not a regular file", s.path)
	}
	if stat.Size() != size {
		return nil, nil, s.corrupt(-1, min(stat.Size(), size), "the file has %d bytes, the index says %d", stat.Size(), size)
	}
	data, release, err := mapFile(f, int(size))
	if err != nil {
		return nil, nil, fmt.Errorf("open shard: %s: %w", s.path, err)
	}
	return data, release, nil
}

// unpack makes the raw shard from the compressed one.
func (s *Shard) unpack() error {
	err := s.Guard(func() error {
		if _, err := zstdLevel(s.info.Compression); err != nil && s.info.Compression != "zstd" {
			return fmt.Errorf("open shard: %s: %w", s.path, err)
		}
		// Frames state a window, which is rounded up from the content's size.
		size := s.info.RawData.Bytes
		window := max(1<<20, uint64(1)<<bits.Len64(uint64(size)))
		unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(window))
		if err != nil {
			return fmt.Errorf("open shard: %s: %w", s.path, err)
		}
		defer unzip.Close()
		s.data, err = unzip.DecodeAll(s.zipped, nil)
		if err != nil {
			return s.corrupt(-1, int64(len(s.data)), "zstd: %w", err)
		}
		if int64(len(s.data)) != size {
			return s.corrupt(-1, int64(len(s.data)), "unpacks to %d bytes, the index says %d", len(s.data), size)
		}
		return nil
	})
	if err != nil {
		s.Close()
	}
	return err
}

// checkHeader checks all that comes before the first sample, and that offsets
// leave room for each sample's lengths.
func (s *Shard) checkHeader() error {
	return s.Guard(func() error {
		size, n := int64(len(s.data)), int64(s.info.Samples)
		table := 4 + 4*(n+1) // the end of the offset table
		if size < table {
			return s.corrupt(-1, size, "too short for %d samples", n)
		}
		if stored := int64(binary.LittleEndian.Uint32(s.data)); stored != n {
			return s.corrupt(-1, 0, "holds %d samples, the index says %d", stored, n)
		}
		if first := s.offset(0); first < table || first > size {
			return s.corrupt(-1, 4, "the first sample is said to be at %d", first)
		}
		least := 4 * int64(s.nsizes)
		for _, fixed := range s.info.ColumnSizes {
			least += fixed
		}
		for i := range s.info.Samples {
			if begin, end := s.offset(i), s.offset(i+1); end-begin < least || end > size {
				return s.corrupt(i, 4+4*int64(i), "said to lie at %d to %d", begin, end)
			}
		}
		if last := s.offset(s.info.Samples); last != size {
			return s.corrupt(-1, 4*(n+1), "the last sample is said to end at %d of %d", last, size)
		}
		return s.checkConfig(table, s.offset(0))
	})
}

// checkConfig compares the header's own description of the columns with the
// index's.
func (s *Shard) checkConfig(begin, end int64) error {
	var config struct {
		ColumnEncodings []string `json:"column_encodings"`
		ColumnNames     []string `json:"column_names"`
		Format          string   `json:"format"`
		Version         int      `json:"version"`
	}
	if err := json.Unmarshal(s.data[begin:end], &config); err != nil {
		return s.corrupt(-1, begin, "header: %w", err)
	}
	if config.Format != Format || config.Version != Version {
		return s.corrupt(-1, begin, "format %q version %d, want %q version %d", config.Format, config.Version, Format, Version)
	}
	if !slices.Equal(config.ColumnNames, s.info.ColumnNames) || !slices.Equal(config.ColumnEncodings, s.info.ColumnEncodings) {
		return s.corrupt(-1, begin, "columns %q of %q, the index says %q of %q",
			config.ColumnNames, config.ColumnEncodings, s.info.ColumnNames, s.info.ColumnEncodings)
	}
	return nil
}

// offset is where sample i begins; for i = Len, where the last one ends.
func (s *Shard) offset(i int) int64 {
	return int64(binary.LittleEndian.Uint32(s.data[4+4*i:]))
}

// Path is the opened file's.
func (s *Shard) Path() string { return s.path }

// Info is the index's entry.
func (s *Shard) Info() *ShardInfo { return &s.info }

// Len is the number of samples.
func (s *Shard) Len() int { return s.info.Samples }

// Column gives one value of sample i. It is a view of the shard: not to be
// written to, and valid until Close. Indexes out of range panic.
func (s *Shard) Column(i, column int) ([]byte, error) {
	begin, end := s.offset(i), s.offset(i+1)
	payload := begin + 4*int64(s.nsizes)
	if payload > end || end > int64(len(s.data)) { // not so in checkHeader: the file has been overwritten since
		return nil, s.corrupt(i, 4+4*int64(i), "said to lie at %d to %d: the file was changed after it was opened", begin, end)
	}
	var from, to int64
	for c := range s.info.ColumnSizes {
		size := s.info.ColumnSizes[c]
		if size == 0 {
			size = int64(binary.LittleEndian.Uint32(s.data[begin:]))
			begin += 4
		}
		if c == column {
			from, to = payload, payload+size
		}
		payload += size
	}
	if payload != end {
		return nil, s.corrupt(i, s.offset(i), "its columns end at %d, the sample at %d", payload, end)
	}
	return s.data[from:to:to], nil
}

// Sample appends the values of sample i to dst in column order. They are views
// as Column's are.
func (s *Shard) Sample(dst [][]byte, i int) ([][]byte, error) {
	for column := range s.info.ColumnNames {
		value, err := s.Column(i, column)
		if err != nil {
			return dst, err
		}
		dst = append(dst, value)
	}
	return dst, nil
}

// Verify reads the whole shard: hashes, the extent of every value, and that
// text is text. It doesn't decode pictures.
func (s *Shard) Verify() error {
	return s.Guard(func() error {
		if s.zipped != nil {
			if err := s.verifyHashes(s.zipped, s.info.ZipData); err != nil {
				return err
			}
		}
		if err := s.verifyHashes(s.data, &s.info.RawData); err != nil {
			return err
		}
		for i := range s.info.Samples {
			for column, encoding := range s.info.ColumnEncodings {
				value, err := s.Column(i, column)
				if err != nil {
					return err
				}
				if encoding == "str" && !utf8.Valid(value) || encoding == "json" && !json.Valid(value) {
					return s.corrupt(i, s.offset(i), "column %q is not valid %s", s.info.ColumnNames[column], encoding)
				}
			}
		}
		return nil
	})
}

func (s *Shard) verifyHashes(data []byte, file *FileInfo) error {
	for _, name := range s.info.Hashes {
		if hashes[name] == nil {
			return fmt.Errorf("verify %s: %w", s.path, checkHashNames([]string{name}))
		}
		want, ok := file.Hashes[name]
		if !ok {
			return fmt.Errorf("verify %s: the index has no %s of %s", s.path, name, file.Basename)
		}
		if got := sum([]string{name}, data)[name]; got != want {
			if _, err := hex.DecodeString(want); err != nil {
				return fmt.Errorf("verify %s: the index's %s %q is not a hash", s.path, name, want)
			}
			return s.corrupt(-1, 0, "%s of %s is %s, the index says %s", name, file.Basename, got, want)
		}
	}
	return nil
}

// Close frees the memory. Views of it must not be used afterwards.
func (s *Shard) Close() error {
	release := s.release
	s.data, s.zipped, s.release = nil, nil, nil
	if release == nil {
		return nil
	}
	if err := release(); err != nil {
		return fmt.Errorf("close shard %s: %w", s.path, err)
	}
	return nil
}
