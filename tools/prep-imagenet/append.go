package main

import (
	"github.com/urfave/cli/v2"

	"alexnet/pipeline"
	"alexnet/pipeline/source"
)

// inherit takes settings without a flag from the folder of an append.
func (f *shardFlags) inherit(c *cli.Context) error {
	unset := func(name string) bool { return !c.IsSet(name) }
	if unset("split") {
		f.Split = ""
	}
	if unset("codec") {
		f.Codec = ""
	}
	if unset("quality") {
		f.Quality = 0
	}
	if unset("size") {
		f.Size = 0
	}
	if unset("shard-size") {
		f.ShardSize = 0
	}
	if unset("max-megapixels") {
		f.MaxPixels = 0
	}
	if unset("decoder") {
		f.Decoder = ""
	}
	if unset("resampler") {
		f.Resampler = ""
	}
	folder, err := f.InheritFrom(f.Out)
	if err != nil {
		return err
	}
	// Without the folder's division, the pictures of the other split would be new ones.
	if unset("split-fraction") {
		f.options.SplitFraction = folder.Source.SplitFraction
	}
	if unset("split-seed") {
		f.options.SplitSeed = folder.Source.SplitSeed
	}
	for _, class := range f.options.Classes {
		f.Classes = append(f.Classes, pipeline.Class(class))
	}
	f.options.Classes = nil // new pictures needn't cover all classes
	if f.options.Layout == "manifest" || f.options.Layout == "webdataset" {
		// Their labels may be positions in the list.
		list := f.Classes
		if len(list) == 0 {
			list = folder.Classes
		}
		for _, class := range list {
			f.options.Classes = append(f.options.Classes, source.Class(class))
		}
	}
	return nil
}
