package mds

import (
	"encoding/binary"
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
	"sync"

	"alexnet/internal/file"

	"github.com/klauspost/compress/zstd"
)

const (
	DefaultSizeLimit = 1 << 26 // bytes of a raw shard, MosaicML's default
	NoSizeLimit      = -1      // one shard, however large

	zipSuffix = ".zstd"

	pieceSize = 1 << 18 // bytes of the pieces in which a Writer gathers samples
)

// WriterConfig is the configuration of a Writer.
type WriterConfig struct {
	// Columns of every sample, sorted by name.
	Columns []Column
	// SizeLimit is the largest raw shard in bytes; 0: DefaultSizeLimit,
	// NoSizeLimit: none. A sample larger than that gets a shard of its own.
	SizeLimit int64
	// Compression of whole shard files: "" for none, or "zstd:1" … "zstd:22".
	Compression string
	// Hashes to store with each file, see HashNames.
	Hashes []string
	// First is the number of the first shard; a job that continues the folder of
	// another job starts after its last shard.
	First int
}

// Writer gathers samples and writes them as shards. It holds one raw shard in
// memory, and is not for use by several goroutines at once.
type Writer struct {
	dir   string
	limit int64         // MaxShardSize if the user sets none
	info  ShardInfo     // the common part of all shards
	zip   *zstd.Encoder // nil without compression
	conf  []byte        // the JSON in every shard's header
	next  int           // number of the current shard
	done  []ShardInfo
	err   error // the first failure; nothing is written after it

	offsets  []uint32 // ends of the gathered samples, beginning with 0
	pieces   [][]byte // the gathered samples and free space. One growing slice would be copied
	gathered int64    // bytes of the gathered samples
}

// NewWriter starts writing shards to an existing folder. It never replaces a
// shard that is already there.
func NewWriter(dir string, cfg WriterConfig) (*Writer, error) {
	w := &Writer{dir: dir, next: cfg.First}
	if err := w.configure(cfg); err != nil {
		return nil, fmt.Errorf("new shard writer: %w", err)
	}
	return w, nil
}

func (w *Writer) configure(cfg WriterConfig) error {
	sizes, err := checkColumns(cfg.Columns)
	if err != nil {
		return err
	}
	if err := checkHashNames(cfg.Hashes); err != nil {
		return err
	}
	if cfg.First < 0 {
		return fmt.Errorf("first shard %d", cfg.First)
	}
	w.info = ShardInfo{
		ColumnSizes: sizes,
		Compression: cfg.Compression,
		Format:      Format,
		Hashes:      append([]string{}, cfg.Hashes...),
		SizeLimit:   cfg.SizeLimit,
		Version:     Version,
	}
	for _, c := range cfg.Columns {
		w.info.ColumnNames = append(w.info.ColumnNames, c.Name)
		w.info.ColumnEncodings = append(w.info.ColumnEncodings, c.Encoding)
	}
	switch limit := cfg.SizeLimit; {
	case limit == 0:
		w.info.SizeLimit = DefaultSizeLimit
	case limit == NoSizeLimit:
		w.info.SizeLimit = 0
	case limit < 0 || limit > MaxShardSize:
		return fmt.Errorf("size limit %d: want 1 to %d bytes", limit, int64(MaxShardSize))
	}
	w.limit = w.info.SizeLimit
	if w.limit == 0 {
		w.limit = MaxShardSize
	}
	if cfg.Compression != "" {
		if w.info.SizeLimit > MaxUnpacked {
			return fmt.Errorf("size limit %d: compressed shards have at most %d bytes", w.info.SizeLimit, MaxUnpacked)
		}
		w.limit = min(w.limit, MaxUnpacked)
		level, err := zstdLevel(cfg.Compression)
		if err != nil {
			return err
		}
		w.zip, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithEncoderConcurrency(1))
		if err != nil {
			return err
		}
	}
	w.conf, err = w.info.header()
	return err
}

// zstdLevel reads "zstd:3".
func zstdLevel(compression string) (int, error) {
	kind, digits, _ := strings.Cut(compression, ":")
	level, err := strconv.Atoi(digits)
	if kind != "zstd" || err != nil || level < 1 || level > 22 {
		return 0, fmt.Errorf(`compression %q: want "zstd:1" to "zstd:22"`, compression)
	}
	return level, nil
}

// header returns the JSON in a shard's header, with the spaces of Python's json.dumps.
// Names are plain ASCII, so nothing else differs.
func (s *ShardInfo) header() ([]byte, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return nil, err
	}
	for _, key := range []string{"raw_data", "samples", "zip_data"} {
		delete(keys, key)
	}
	if data, err = json.Marshal(keys); err != nil { // sorts the keys
		return nil, err
	}
	spaced := make([]byte, 0, len(data)+64)
	inString := false
	for _, c := range data {
		spaced = append(spaced, c)
		switch {
		case c == '"':
			inString = !inString
		case !inString && (c == ',' || c == ':'):
			spaced = append(spaced, ' ')
		}
	}
	return spaced, nil
}

// Write adds a sample: one value for each column, in column order. The values
// are copied. A full shard is on the disk when Write returns.
func (w *Writer) Write(values ...[]byte) error {
	if w.err != nil {
		return w.err
	}
	size, err := w.sampleSize(values)
	if err != nil {
		return err
	}
	if w.full(size) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if total := w.size() + size + 4; total > MaxShardSize || w.zip != nil && total > MaxUnpacked {
		return fmt.Errorf("write sample: a shard of %d bytes is more than the format allows, or than is compressed as a whole", total)
	}
	for i, value := range values {
		if w.info.ColumnSizes[i] == 0 {
			var length [4]byte
			binary.LittleEndian.PutUint32(length[:], uint32(len(value)))
			w.gather(length[:])
		}
	}
	for _, value := range values {
		w.gather(value)
	}
	w.offsets = append(w.offsets, uint32(w.gathered))
	return nil
}

// full reports whether a sample of this size doesn't fit into the current shard.
func (w *Writer) full(size int64) bool {
	return w.limit < w.size()+size+4 && len(w.offsets) > 0
}

// gather adds data to the pieces.
func (w *Writer) gather(data []byte) {
	for len(data) > 0 {
		i, at := w.gathered/pieceSize, w.gathered%pieceSize
		if i == int64(len(w.pieces)) {
			w.pieces = append(w.pieces, make([]byte, pieceSize))
		}
		n := copy(w.pieces[i][at:], data)
		data = data[n:]
		w.gathered += int64(n)
	}
}

// parts returns head and the gathered samples.
func (w *Writer) parts(head []byte) [][]byte {
	parts := [][]byte{head}
	for left, i := w.gathered, 0; left > 0; i++ {
		n := min(left, pieceSize)
		parts = append(parts, w.pieces[i][:n])
		left -= n
	}
	return parts
}

// sampleSize is the number of bytes of a sample in a shard.
func (w *Writer) sampleSize(values [][]byte) (int64, error) {
	if len(values) != len(w.info.ColumnNames) {
		return 0, fmt.Errorf("write sample: %d values for %d columns", len(values), len(w.info.ColumnNames))
	}
	var size int64
	for i, value := range values {
		n := int64(len(value))
		switch fixed := w.info.ColumnSizes[i]; {
		case fixed == 0:
			size += 4
		case fixed != n:
			return 0, fmt.Errorf("write sample: column %q: %d bytes, but encoding %q takes %d",
				w.info.ColumnNames[i], n, w.info.ColumnEncodings[i], fixed)
		}
		size += n
	}
	return size, nil
}

// size is the size of the current shard if it ended here.
func (w *Writer) size() int64 {
	return 4 + 4*int64(len(w.offsets)+1) + int64(len(w.conf)) + w.gathered
}

// Shards are the shards that are on the disk so far.
func (w *Writer) Shards() []ShardInfo { return w.done }

// Finish writes the last shard and returns all of this writer's, in order. The
// caller lists them in an Index; the writer can't be used afterwards.
func (w *Writer) Finish() ([]ShardInfo, error) {
	if w.err != nil {
		return nil, w.err
	}
	if len(w.offsets) > 0 {
		if err := w.flush(); err != nil {
			return nil, err
		}
	}
	w.err = errors.New("shard writer is finished")
	if w.zip != nil {
		w.zip.Close()
	}
	return w.done, nil
}

// flush writes the gathered samples as one shard.
func (w *Writer) flush() error {
	info, err := w.writeShard()
	if err != nil {
		w.err = file.Doing("write shard", err)
		return w.err
	}
	w.done = append(w.done, info)
	w.next++
	w.offsets, w.gathered = w.offsets[:0], 0
	return nil
}

func (w *Writer) writeShard() (ShardInfo, error) {
	info := w.info
	info.Samples = len(w.offsets)
	parts := w.parts(w.head())
	raw := w.hash(parts...)
	info.RawData = FileInfo{Basename: fmt.Sprintf("shard.%05d.mds", w.next), Bytes: w.size()}
	name := info.RawData.Basename
	zipped := func() map[string]string { return nil }
	if w.zip != nil {
		data := w.zip.EncodeAll(slices.Concat(parts...), nil)
		name, parts = name+zipSuffix, [][]byte{data}
		zipped = w.hash(data)
		info.ZipData = &FileInfo{Basename: name, Bytes: int64(len(data))}
	}
	path := filepath.Join(w.dir, name)
	_, err := os.Lstat(path)
	if err == nil {
		err = fmt.Errorf("%s: %w; choose an empty folder, or remove it", path, fs.ErrExist)
	} else {
		err = file.WriteAll(path, parts...)
	}
	info.RawData.Hashes = raw()
	if hashes := zipped(); hashes != nil {
		info.ZipData.Hashes = hashes
	}
	return info, err
}

// hash starts to compute the hashes of a file while it is written. The returned function
// waits for them.
func (w *Writer) hash(parts ...[]byte) func() map[string]string {
	sums := make([]map[string]string, len(w.info.Hashes))
	var wg sync.WaitGroup
	for i := range sums {
		wg.Go(func() { sums[i] = sum(w.info.Hashes[i:i+1], parts...) })
	}
	return func() map[string]string {
		wg.Wait()
		all := make(map[string]string, len(sums))
		for _, s := range sums {
			maps.Copy(all, s)
		}
		return all
	}
}

// head returns everything before the first sample.
func (w *Writer) head() []byte {
	first := uint32(4 + 4*(len(w.offsets)+1) + len(w.conf))
	head := make([]byte, 0, first)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(w.offsets)))
	head = binary.LittleEndian.AppendUint32(head, first)
	for _, end := range w.offsets {
		head = binary.LittleEndian.AppendUint32(head, first+end)
	}
	return append(head, w.conf...)
}
