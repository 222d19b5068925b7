package mds

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// ShardInfo describes one shard, as index.json does.
type ShardInfo struct {
	ColumnEncodings []string
	ColumnNames     []string // sorted
	ColumnSizes     []int64  // bytes of a value; 0 (null in JSON): varies
	Compression     string   // of the whole file: "" (null) or "zstd:3"
	Format          string   // "mds"
	Hashes          []string // names of the hashes of RawData and ZipData
	RawData         FileInfo
	Samples         int
	SizeLimit       int64 // of the raw file in bytes; 0 (null): none
	Version         int   // 2
	ZipData         *FileInfo
}

// FileInfo describes one form of a shard: raw or compressed.
type FileInfo struct {
	Basename string            `json:"basename"` // relative to the index's folder, slashes
	Bytes    int64             `json:"bytes"`
	Hashes   map[string]string `json:"hashes"` // name to lower-case hex
}

// Column is the position of a column in every sample, or -1.
func (s *ShardInfo) Column(name string) int {
	return slices.Index(s.ColumnNames, name)
}

// Columns gives the columns in sample order.
func (s *ShardInfo) Columns() []Column {
	columns := make([]Column, len(s.ColumnNames))
	for i, name := range s.ColumnNames {
		columns[i] = Column{Name: name, Encoding: s.ColumnEncodings[i]}
	}
	return columns
}

// check checks a shard's entry in the index.
func (s *ShardInfo) check() error {
	if s.Format != Format || s.Version != Version {
		return fmt.Errorf("format %q version %d, want %q version %d", s.Format, s.Version, Format, Version)
	}
	if len(s.ColumnEncodings) != len(s.ColumnNames) || len(s.ColumnSizes) != len(s.ColumnNames) {
		return fmt.Errorf("%d column names, %d encodings, %d sizes", len(s.ColumnNames), len(s.ColumnEncodings), len(s.ColumnSizes))
	}
	sizes, err := checkColumns(s.Columns())
	if err != nil {
		return err
	}
	for i, size := range s.ColumnSizes {
		if size != sizes[i] {
			return fmt.Errorf("column %q: size %d, but encoding %q takes %d", s.ColumnNames[i], size, s.ColumnEncodings[i], sizes[i])
		}
	}
	if s.Samples < 1 || int64(s.Samples) > MaxShardSize/4 {
		return fmt.Errorf("%d samples", s.Samples)
	}
	if s.SizeLimit < 0 || s.SizeLimit > MaxShardSize {
		return fmt.Errorf("size limit %d", s.SizeLimit)
	}
	if err := s.RawData.check(); err != nil {
		return fmt.Errorf("raw_data: %w", err)
	}
	if s.RawData.Bytes > MaxShardSize {
		return fmt.Errorf("raw_data: %d bytes, more than a shard may have", s.RawData.Bytes)
	}
	if (s.Compression != "") != (s.ZipData != nil) {
		return fmt.Errorf("compression %q, but zip_data is there: %t", s.Compression, s.ZipData != nil)
	}
	if s.ZipData != nil {
		if err := s.ZipData.check(); err != nil {
			return fmt.Errorf("zip_data: %w", err)
		}
	}
	return nil
}

func (f *FileInfo) check() error {
	name := f.Basename
	if !filepath.IsLocal(filepath.FromSlash(name)) || name == "." || strings.ContainsAny(name, "\\\x00") {
		return fmt.Errorf("%q is not the name of a file in this folder", name)
	}
	if f.Bytes < 1 {
		return fmt.Errorf("%q has %d bytes", name, f.Bytes)
	}
	return nil
}

// shardJSON is ShardInfo's form in index.json. MosaicML's reader wants exactly
// these keys.
type shardJSON struct {
	ColumnEncodings []string  `json:"column_encodings"`
	ColumnNames     []string  `json:"column_names"`
	ColumnSizes     []*int64  `json:"column_sizes"`
	Compression     *string   `json:"compression"`
	Format          string    `json:"format"`
	Hashes          []string  `json:"hashes"`
	RawData         FileInfo  `json:"raw_data"`
	Samples         int       `json:"samples"`
	SizeLimit       *int64    `json:"size_limit"`
	Version         int       `json:"version"`
	ZipData         *FileInfo `json:"zip_data"`
}

// MarshalJSON writes absent values as null, as Python does.
func (s ShardInfo) MarshalJSON() ([]byte, error) {
	j := shardJSON{
		ColumnEncodings: s.ColumnEncodings,
		ColumnNames:     s.ColumnNames,
		ColumnSizes:     make([]*int64, len(s.ColumnSizes)),
		Compression:     null(s.Compression),
		Format:          s.Format,
		Hashes:          append([]string{}, s.Hashes...),
		RawData:         s.RawData.noNil(),
		Samples:         s.Samples,
		SizeLimit:       null(s.SizeLimit),
		Version:         s.Version,
	}
	for i, size := range s.ColumnSizes {
		j.ColumnSizes[i] = null(size)
	}
	if s.ZipData != nil {
		zip := s.ZipData.noNil()
		j.ZipData = &zip
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads null as the zero value.
func (s *ShardInfo) UnmarshalJSON(data []byte) error {
	var j shardJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*s = ShardInfo{
		ColumnEncodings: j.ColumnEncodings,
		ColumnNames:     j.ColumnNames,
		ColumnSizes:     make([]int64, len(j.ColumnSizes)),
		Compression:     zero(j.Compression),
		Format:          j.Format,
		Hashes:          j.Hashes,
		RawData:         j.RawData,
		Samples:         j.Samples,
		SizeLimit:       zero(j.SizeLimit),
		Version:         j.Version,
		ZipData:         j.ZipData,
	}
	for i, size := range j.ColumnSizes {
		s.ColumnSizes[i] = zero(size)
	}
	return nil
}

func (f FileInfo) noNil() FileInfo {
	if f.Hashes == nil {
		f.Hashes = map[string]string{}
	}
	return f
}

// null is nil for the zero value.
func null[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// zero is the zero value for nil.
func zero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
