package mds

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"alexnet/internal/file"

	"github.com/klauspost/compress/zstd"
)

// DescribeShard makes the index's entry of a shard from its file alone: the
// header says what the columns are, the hashes are computed. A name that ends in
// .zstd is that of a compressed shard, which is unpacked into memory. The
// header is checked as OpenShard does; samples aren't looked at.
func DescribeShard(dir, basename string) (ShardInfo, error) {
	path := filepath.Join(dir, filepath.FromSlash(basename))
	text, err := file.ReadAll(path, MaxShardSize)
	if err != nil {
		return ShardInfo{}, fmt.Errorf("describe shard: %w", err)
	}
	info, err := describe(basename, text)
	if err != nil {
		return ShardInfo{}, fmt.Errorf("describe shard %s: %w", path, err)
	}
	s, err := OpenShard(dir, info)
	if err != nil {
		return ShardInfo{}, err
	}
	return info, s.Close()
}

func describe(basename string, file []byte) (ShardInfo, error) {
	raw := file
	name, zipped := strings.CutSuffix(basename, zipSuffix)
	if zipped {
		var err error
		if raw, err = unzip(file); err != nil {
			return ShardInfo{}, err
		}
	}
	info, err := parseHeader(raw)
	if err != nil {
		return ShardInfo{}, err
	}
	if err := checkHashNames(info.Hashes); err != nil {
		return ShardInfo{}, err
	}
	info.RawData = FileInfo{Basename: name, Bytes: int64(len(raw)), Hashes: sum(info.Hashes, raw)}
	if zipped {
		info.ZipData = &FileInfo{Basename: basename, Bytes: int64(len(file)), Hashes: sum(info.Hashes, file)}
	}
	if !zipped && info.Compression != "" {
		info.Compression = "" // MosaicML's reader has unpacked it
	}
	return info, info.check()
}

// unzip unpacks a shard of unknown size, but not more than a shard may have.
func unzip(file []byte) ([]byte, error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxUnpacked))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := r.DecodeAll(file, nil)
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return raw, nil
}

// parseHeader reads the number of samples and the JSON of a shard's header.
func parseHeader(raw []byte) (ShardInfo, error) {
	if len(raw) < 8 {
		return ShardInfo{}, io.ErrUnexpectedEOF
	}
	n := int64(binary.LittleEndian.Uint32(raw))
	table, first := 4+4*(n+1), int64(binary.LittleEndian.Uint32(raw[4:]))
	if first < table || first > int64(len(raw)) {
		return ShardInfo{}, fmt.Errorf("%d samples, the first at %d of %d bytes: not a shard, or damaged", n, first, len(raw))
	}
	var info ShardInfo
	if err := json.Unmarshal(raw[table:first], &info); err != nil {
		return ShardInfo{}, fmt.Errorf("header: %w", err)
	}
	info.Samples = int(n)
	return info, nil
}
