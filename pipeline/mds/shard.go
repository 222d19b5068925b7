package mds

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"
	"path/filepath"
	"slices"
	"sync/atomic"
	"unicode/utf8"

	"alexnet/internal/file"
	"alexnet/internal/printable"

	"github.com/klauspost/compress/zstd"
)

// Shard gives the samples of one shard. Its methods, Close excepted, may be
// used by many goroutines at once.
//
// Where the system can, an uncompressed shard is mapped into memory, so opening
// is cheap and samples are read when they are looked at. A file that is cut
// short or lost by its disk while it is mapped then shows as a fault at the
// moment of reading: see Guard. Where a file can't be mapped, its values are
// read from it one by one, each into new memory.
type Shard struct {
	path    string // of the opened file, raw or compressed
	info    ShardInfo
	raw     content
	head    []byte // number of samples and offsets, as in raw
	zipped  []byte // the compressed file until it is verified; nil for a raw one
	release func() error
	nsizes  int // variable columns
	exact   atomic.Bool
}

// Access is the way in which shards are read. The zero value maps them.
type Access struct {
	// NoMap reads values from the file instead of mapping it: for file systems
	// that can't map, or on which a lost connection ought to be an error of
	// reading rather than a fault of memory.
	NoMap bool
}

// OpenShard opens one shard of the folder dir and checks its size and header
// against the index. A compressed shard is unpacked into memory, unless the raw
// file lies beside it, as MosaicML's reader leaves it.
func OpenShard(dir string, info ShardInfo) (*Shard, error) { return Access{}.OpenShard(dir, info) }

// OpenShard is the function OpenShard with another way of reading.
func (a Access) OpenShard(dir string, info ShardInfo) (*Shard, error) {
	if err := info.check(); err != nil {
		return nil, fmt.Errorf("open shard: %s: %w", filepath.Join(dir, IndexName), err)
	}
	s := newShard(info)
	if err := s.open(dir, a.NoMap); err != nil {
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
func (s *Shard) open(dir string, noMap bool) error {
	s.path = filepath.Join(dir, filepath.FromSlash(s.info.RawData.Basename))
	raw, err := s.read(s.info.RawData.Bytes, noMap)
	if err == nil {
		s.raw = raw
		return nil
	}
	if s.info.ZipData != nil && errors.Is(err, fs.ErrNotExist) {
		s.path = filepath.Join(dir, filepath.FromSlash(s.info.ZipData.Basename))
		if raw, err = s.read(s.info.ZipData.Bytes, noMap); err == nil {
			if s.zipped, err = raw.at(0, raw.size); err != nil {
				s.Close()
				return s.corrupt(-1, 0, "%w", err)
			}
			return s.unpack()
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s names shard %s, which is missing; restore the file or make the shards again: %w",
			filepath.Join(dir, IndexName), s.path, fs.ErrNotExist)
	}
	return err
}

// read opens the file, which must have the size in the index, and sets release.
func (s *Shard) read(size int64, noMap bool) (raw content, err error) {
	f, err := file.Open(s.path)
	if err != nil {
		return raw, file.Doing("open shard", err)
	}
	defer func() {
		if raw.file == nil {
			f.Close()
		}
	}()
	stat, err := f.Stat()
	if err != nil {
		return raw, fmt.Errorf("open shard: %w", err)
	}
	if stat.Size() != size {
		return raw, s.corrupt(-1, min(stat.Size(), size), "the file has %d bytes, the index says %d", stat.Size(), size)
	}
	if !noMap {
		if data, release, err := mapping(f, int(size)); err == nil {
			s.release = release
			return inMemory(data), nil
		}
	}
	s.release = f.Close
	return content{file: f, size: size}, nil
}

// unpack makes the raw shard from the compressed one.
func (s *Shard) unpack() error {
	err := s.Guard(func() error {
		if _, err := zstdLevel(s.info.Compression); err != nil && s.info.Compression != "zstd" {
			return fmt.Errorf("open shard: %s: %w", s.path, err)
		}
		// A frame states its window, rounded up from the content's size.
		size := s.info.RawData.Bytes
		if size > MaxUnpacked {
			return fmt.Errorf("open shard: %s unpacks to %d bytes, and into memory at most %d are unpacked: unpack it beside itself with zstd -d", printable.Name(s.path), size, MaxUnpacked)
		}
		window := max(1<<20, uint64(1)<<bits.Len64(uint64(size)))
		unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(window))
		if err != nil {
			return fmt.Errorf("open shard: %s: %w", s.path, err)
		}
		defer unzip.Close()
		data, err := unzip.DecodeAll(s.zipped, nil)
		if err != nil {
			return s.corrupt(-1, int64(len(data)), "zstd: %w", err)
		}
		if int64(len(data)) != size {
			return s.corrupt(-1, int64(len(data)), "unpacks to %d bytes, the index says %d", len(data), size)
		}
		s.raw = inMemory(data)
		return nil
	})
	if err != nil {
		s.Close()
	}
	return err
}

// checkHeader checks everything before the first sample, and that offsets leave room for
// each sample's lengths.
func (s *Shard) checkHeader() error {
	return s.Guard(func() error {
		size, n := s.raw.size, int64(s.info.Samples)
		table := 4 + 4*(n+1) // the end of the offset table
		if size < table {
			return s.corrupt(-1, size, "too short for %d samples", n)
		}
		head, err := s.raw.at(0, table)
		if err != nil {
			return s.corrupt(-1, 0, "%w", err)
		}
		s.head = head
		if stored := int64(binary.LittleEndian.Uint32(head)); stored != n {
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
	text, err := s.raw.at(begin, end)
	if err != nil {
		return s.corrupt(-1, begin, "%w", err)
	}
	if err := json.Unmarshal(text, &config); err != nil {
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

// offset is the beginning of sample i; offset(Len) is the end of the last one.
func (s *Shard) offset(i int) int64 {
	return int64(binary.LittleEndian.Uint32(s.head[4+4*i:]))
}

// Path is the opened file's.
func (s *Shard) Path() string { return s.path }

// Info is the index's entry.
func (s *Shard) Info() *ShardInfo { return &s.info }

// Len is the number of samples.
func (s *Shard) Len() int { return s.info.Samples }

// Column gives one value of sample i. It is a view of a mapped shard, and new
// memory otherwise: not to be written to, and valid until Close. Indexes out of
// range panic.
func (s *Shard) Column(i, column int) ([]byte, error) {
	begin, end := s.offset(i), s.offset(i+1)
	payload := begin + 4*int64(s.nsizes)
	if payload > end || end > s.raw.size { // checkHeader saw another value: the file was overwritten since
		return nil, s.corrupt(i, 4+4*int64(i), "said to lie at %d to %d: the file was changed after it was opened", begin, end)
	}
	lengths, err := s.raw.at(begin, payload)
	if err != nil {
		return nil, s.corrupt(i, begin, "%w", err)
	}
	var from, to int64
	for c := range s.info.ColumnSizes {
		size := s.info.ColumnSizes[c]
		if size == 0 {
			size = int64(binary.LittleEndian.Uint32(lengths))
			lengths = lengths[4:]
		}
		if c == column {
			from, to = payload, payload+size
		}
		payload += size
	}
	if payload != end {
		return nil, s.corrupt(i, begin, "its columns end at %d, the sample at %d", payload, end)
	}
	value, err := s.raw.at(from, to)
	if err != nil {
		return nil, s.corrupt(i, from, "%w", err)
	}
	return value, nil
}

// Resident reports whether sample i is in memory already, false only if it is
// known not to be.
func (s *Shard) Resident(i int) bool {
	begin, end := s.offset(i), s.offset(i+1)
	return s.release == nil || s.raw.file != nil || begin >= end || end > s.raw.size || mapResident(s.raw.data, begin, end)
}

// WillNeed asks the system to fetch sample i from its disk, because it will be
// read soon. It doesn't wait, and changes nothing where the system
// has no such hints.
//
// A caller that calls it for every sample sets exactly. The system then reads these
// samples only. Otherwise it reads megabytes around each of them.
func (s *Shard) WillNeed(i int, exactly bool) {
	begin, end := s.offset(i), s.offset(i+1)
	switch {
	case s.release == nil || s.zipped != nil || begin >= end || end > s.raw.size: // not from a valid file
	case s.raw.file != nil:
		readAhead(s.raw.file, begin, end)
	default:
		if exactly && !s.exact.Swap(true) {
			mapExactly(s.raw.data)
		}
		mapAhead(s.raw.data, begin, end)
	}
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
			if err := s.verifyHashes(inMemory(s.zipped), s.info.ZipData); err != nil {
				return err
			}
		}
		if err := s.verifyHashes(s.raw, &s.info.RawData); err != nil {
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

func (s *Shard) verifyHashes(bytes content, file *FileInfo) error {
	for _, name := range s.info.Hashes {
		if hashes[name] == nil {
			return fmt.Errorf("verify %s: %w", s.path, checkHashNames([]string{name}))
		}
		want, ok := file.Hashes[name]
		if !ok {
			return fmt.Errorf("verify %s: the index has no %s of %s", s.path, name, file.Basename)
		}
		h := hashes[name]()
		for from := int64(0); from < bytes.size; from += hashPiece {
			piece, err := bytes.at(from, min(from+hashPiece, bytes.size))
			if err != nil {
				return s.corrupt(-1, from, "%w", err)
			}
			h.Write(piece)
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != want {
			if _, err := hex.DecodeString(want); err != nil {
				return fmt.Errorf("verify %s: the index's %s %q is not a hash", s.path, name, want)
			}
			return s.corrupt(-1, 0, "%s of %s is %s, the index says %s", name, file.Basename, got, want)
		}
	}
	return nil
}

// hashPiece is the number of bytes that are read at a time.
const hashPiece = 1 << 20

// Close frees the memory. Views of it must not be used afterwards.
func (s *Shard) Close() error {
	release := s.release
	s.raw, s.head, s.zipped, s.release = content{}, nil, nil, nil
	if release == nil {
		return nil
	}
	if err := release(); err != nil {
		return fmt.Errorf("close shard %s: %w", s.path, err)
	}
	return nil
}
