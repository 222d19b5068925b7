package mds

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"sort"
	"strings"

	"alexnet/internal/file"
)

const (
	Version   = 2            // of the index and of every shard
	Format    = "mds"        // of every shard
	IndexName = "index.json" // the index's file name

	// IndexLimit is the largest index in bytes that is read: a shard takes about 300.
	// Parsing takes several times as much memory.
	IndexLimit = 64 << 20
	// MaxUnpacked is the largest raw shard in bytes that may be compressed as a whole: it is
	// unpacked into memory. Larger ones have to be unpacked on the disk.
	MaxUnpacked = 1 << 30
	// MaxShardSize is the largest raw shard in bytes: offsets are 32 bits.
	MaxShardSize = math.MaxUint32
)

// Index lists the shards of a folder in sample order.
type Index struct {
	Version int
	Shards  []ShardInfo
	// Extra holds further top-level keys. MosaicML's reader ignores them.
	Extra map[string]json.RawMessage
}

// Samples is the number of samples in all shards.
func (x *Index) Samples() int {
	n := 0
	for i := range x.Shards {
		n += x.Shards[i].Samples
	}
	return n
}

// ReadIndex reads and checks DIR/index.json. Its errors name the file. It
// doesn't look at the shards; OpenShard does.
func ReadIndex(dir string) (*Index, error) {
	path := filepath.Join(dir, IndexName)
	data, err := file.ReadAll(path, IndexLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noIndex(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	x, err := ParseIndex(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; restore the file or make the shards again", path, err)
	}
	return x, nil
}

// ParseIndex reads and checks the bytes of an index.json.
func ParseIndex(data []byte) (*Index, error) {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(data, &keys); err != nil {
		return nil, fmt.Errorf("not an index: %w", err)
	}
	var x Index
	if err := take(keys, "version", &x.Version); err != nil {
		return nil, err
	}
	if x.Version != Version {
		return nil, fmt.Errorf("index version %d, want %d", x.Version, Version)
	}
	if err := take(keys, "shards", &x.Shards); err != nil {
		return nil, err
	}
	x.Extra = keys
	if err := x.check(); err != nil {
		return nil, err
	}
	return &x, nil
}

// take moves one key of an object into dst.
func take(keys map[string]json.RawMessage, key string, dst any) error {
	raw, ok := keys[key]
	if !ok {
		return fmt.Errorf("not an index: no %q", key)
	}
	if err := json.Unmarshal(raw, dst); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	delete(keys, key)
	return nil
}

// Write writes DIR/index.json so that it is there whole or not at all. Equal
// indexes give equal bytes.
func (x *Index) Write(dir string) error {
	data, err := x.encode()
	if err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return file.WriteAll(filepath.Join(dir, IndexName), data)
}

// encode returns the index's bytes: keys sorted, one shard a line.
func (x *Index) encode() ([]byte, error) {
	if x.Version != Version {
		return nil, fmt.Errorf("index version %d, want %d", x.Version, Version)
	}
	if err := x.check(); err != nil {
		return nil, err
	}
	lines := make([]string, 0, len(x.Extra)+2)
	for key, value := range x.Extra {
		if key == "shards" || key == "version" {
			return nil, fmt.Errorf("extra key %q is the index's own", key)
		}
		name, err := json.Marshal(key)
		if err != nil {
			return nil, err
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, value); err != nil {
			return nil, fmt.Errorf("extra key %q: %w", key, err)
		}
		lines = append(lines, fmt.Sprintf("%s: %s", name, compact.Bytes()))
	}
	shards := make([]string, len(x.Shards))
	for i := range x.Shards {
		line, err := json.Marshal(x.Shards[i])
		if err != nil {
			return nil, err
		}
		shards[i] = string(line)
	}
	lines = append(lines, "\"shards\": [\n"+strings.Join(shards, ",\n")+"\n]", fmt.Sprintf(`"version": %d`, x.Version))
	sort.Strings(lines)
	return []byte("{\n" + strings.Join(lines, ",\n") + "\n}\n"), nil
}

func (x *Index) check() error {
	seen := make(map[string]bool, len(x.Shards))
	for i := range x.Shards {
		s := &x.Shards[i]
		if err := s.check(); err != nil {
			return fmt.Errorf("shard %d: %w", i, err)
		}
		if seen[s.RawData.Basename] {
			return fmt.Errorf("shard %d: %q is listed twice", i, s.RawData.Basename)
		}
		seen[s.RawData.Basename] = true
	}
	return nil
}
