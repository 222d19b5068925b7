package pipeline

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/zeebo/xxh3"

	"alexnet/pipeline/codec"
	"alexnet/pipeline/decode"
	"alexnet/pipeline/jpeg/turbojpeg"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/source"
)

// Job holds the inputs and settings that decide a folder's bytes, besides the rest of
// its Meta. Two jobs write the same folder if their Metas are the same, apart from
// counts of bad pictures and statistics. So an unfinished job can be continued, and a
// finished one need not be run again.
type Job struct {
	// Pictures is a hash of the classes and of the pictures' names and labels in
	// stored order, but not of the files' contents: it doesn't change if a picture is
	// replaced under its name.
	Pictures    string `json:"pictures"`
	ShardSize   int64  `json:"shard_size"`
	Compression string `json:"compression,omitempty"` // of whole shards
	MaxPixels   int    `json:"max_pixels"`
	Decoder     string `json:"decoder"`           // of files that aren't baseline, the one that was used: decode.Turbo or Go
	Encoder     string `json:"encoder,omitempty"` // of codec "jpeg": the same, "" with other codecs
	Resampler   string `json:"resampler"`
}

// describeSource returns the SourceInfo of a source from which this number of pictures is
// taken.
func describeSource(src source.Source, pictures int) SourceInfo {
	info := SourceInfo{Layout: src.Layout(), Found: pictures}
	if d, ok := src.(interface{ Division() (float64, uint64) }); ok {
		info.SplitFraction, info.SplitSeed = d.Division()
	}
	return info
}

// describe returns the Meta of the job before any picture is read: without images,
// statistics and bad pictures.
func (c *ShardConfig) describe(from SourceInfo, classes []source.Class, items []source.Item) Meta {
	m := Meta{
		FormatVersion: FormatVersion,
		Split:         c.Split,
		Size:          c.Size,
		Codec:         c.Codec,
		Seed:          c.Seed,
		Source:        from,
		Job: &Job{
			ShardSize:   c.ShardSize,
			Compression: c.compression(),
			MaxPixels:   c.MaxPixels,
			Decoder:     usedDecoder(c.Decoder),
			Resampler:   c.Resampler,
		},
	}
	if m.Job.Resampler == "" {
		m.Job.Resampler = decode.Fast
	}
	o := c.mustCodec().Options()
	m.Quality, m.Job.Encoder = o.Quality, o.Encoder
	for _, class := range classes {
		m.Classes = append(m.Classes, Class(class))
	}
	m.Job.Pictures = hashPictures(m.Classes, items)
	return m
}

// mustCodec returns the codec of a valid configuration. JPEG is encoded by the library
// that decodes it.
func (c *ShardConfig) mustCodec() codec.Codec {
	chosen, err := codec.ByName(c.Codec, codec.Options{Quality: c.Quality, Encoder: usedDecoder(c.Decoder)})
	if err != nil {
		panic("pipeline: " + err.Error())
	}
	return chosen
}

// zstdCompression is a level that takes little time compared with decoding pictures.
const zstdCompression = "zstd:3"

func (c *ShardConfig) compression() string {
	if c.Zstd {
		return zstdCompression
	}
	return ""
}

// usedDecoder resolves decode.Auto.
func usedDecoder(decoder string) string {
	if decoder == decode.Go || decoder != decode.Turbo && turbojpeg.Available() != nil {
		return decode.Go
	}
	return decode.Turbo
}

func hashPictures(classes []Class, items []source.Item) string {
	h := xxh3.New128()
	for _, c := range classes {
		io.WriteString(h, c.ID)
		h.Write([]byte{0})
	}
	var label [5]byte
	for _, it := range items {
		binary.LittleEndian.PutUint32(label[1:], uint32(it.Label))
		io.WriteString(h, it.Name)
		h.Write(label[:])
	}
	sum := h.Sum128().Bytes()
	return fmt.Sprintf("xxh128:%x", sum)
}

// differs returns how two jobs differ, or "" if they are the same.
func (m *Meta) differs(want *Meta) string {
	have, other := m.Job, want.Job
	if have == nil || other == nil {
		return "made by other means"
	}
	for _, field := range []struct {
		name       string
		have, want any
	}{
		{"split", m.Split, want.Split},
		{"size", m.Size, want.Size},
		{"codec", m.Codec, want.Codec},
		{"quality", m.Quality, want.Quality},
		{"seed", m.Seed, want.Seed},
		{"shard size", have.ShardSize, other.ShardSize},
		{"compression", have.Compression, other.Compression},
		{"largest picture", have.MaxPixels, other.MaxPixels},
		{"decoder", have.Decoder, other.Decoder},
		{"encoder", have.Encoder, other.Encoder},
		{"resampler", have.Resampler, other.Resampler},
		{"part", m.Part.String(), want.Part.String()},
		{"split fraction", m.Source.SplitFraction, want.Source.SplitFraction},
		{"split seed", m.Source.SplitSeed, want.Source.SplitSeed},
		{"pictures found", m.Source.Found, want.Source.Found},
	} {
		if field.have != field.want {
			return fmt.Sprintf("%s %v instead of %v", field.name, field.have, field.want)
		}
	}
	if !slices.EqualFunc(m.Classes, want.Classes, func(a, b Class) bool { return a.ID == b.ID }) {
		return "other classes"
	}
	if have.Pictures != other.Pictures {
		return "other pictures"
	}
	return ""
}

// columns returns the columns of shards with pictures encoded by c.
func columns(c codec.Codec, size int) []mds.Column {
	return []mds.Column{
		{Name: ImageColumn, Encoding: c.Encoding(size)},
		{Name: LabelColumn, Encoding: "int"},
		{Name: NameColumn, Encoding: "str"},
	}
}
