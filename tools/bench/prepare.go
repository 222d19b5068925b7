package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"alexnet/pipeline"
	"alexnet/pipeline/mds"
	"alexnet/pipeline/source"
)

// prepare makes missing inputs: shards of each codec, and the pictures of the jpeg
// shards as files in class folders.
func (j *loaderJob) prepare(ctx context.Context) error {
	for _, name := range codecNames {
		dir := j.shards(name)
		if _, err := os.Stat(filepath.Join(dir, mds.IndexName)); err == nil {
			continue
		}
		j.log.Update("making %s", dir)
		src, err := source.Open(ctx, j.in, source.Options{})
		if err != nil {
			return err
		}
		_, err = pipeline.Shard(ctx, pipeline.ShardConfig{Out: dir, Codec: name, Limit: j.limit}, src, nil)
		src.Close()
		if err != nil {
			return err
		}
	}
	for _, name := range codecNames {
		if err := repeat(j.shards(name), j.repeated(name), 1_280_000); err != nil {
			return err
		}
	}
	axes, err := json.Marshal(noise)
	if err != nil {
		return err
	}
	if err := os.WriteFile(j.noise(), axes, 0o666); err != nil {
		return err
	}
	if _, err := os.Stat(j.jpegs()); err == nil {
		return nil
	}
	j.log.Update("making %s", j.jpegs())
	return j.writeJPEGs(j.jpegs())
}

// repeat makes a folder whose index lists the shards of another folder repeatedly, as
// hard links, until there are enough samples.
func repeat(from, to string, samples int) error {
	index, err := mds.ReadIndex(from)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(to, mds.IndexName)); err == nil {
		return nil
	}
	if err := os.MkdirAll(to, 0o777); err != nil {
		return err
	}
	var meta pipeline.Meta
	if err := json.Unmarshal(index.Extra[pipeline.MetaKey], &meta); err != nil {
		return err
	}
	meta.Job = nil
	shards, have := index.Shards, index.Samples()
	for index.Shards = nil; index.Samples() < samples; {
		for _, s := range shards {
			origin := filepath.Join(from, s.RawData.Basename)
			s.RawData.Basename = fmt.Sprintf("shard.%05d.mds", len(index.Shards))
			if err := os.Link(origin, filepath.Join(to, s.RawData.Basename)); err != nil && !errors.Is(err, fs.ErrExist) {
				return err
			}
			index.Shards = append(index.Shards, s)
		}
	}
	meta.Images *= index.Samples() / have
	if index.Extra[pipeline.MetaKey], err = json.Marshal(meta); err != nil {
		return err
	}
	return index.Write(to)
}

// writeJPEGs writes each sample of the jpeg shards to a file of its own.
func (j *loaderJob) writeJPEGs(dir string) error {
	d, err := pipeline.OpenDataset(j.shards("jpeg"))
	if err != nil {
		return err
	}
	defer d.Close()
	temp := dir + ".tmp"
	for i := range d.Len() {
		s, err := d.Sample(i)
		if err != nil {
			return err
		}
		class := filepath.Join(temp, d.Meta().Classes[s.Label].ID)
		if err := os.MkdirAll(class, 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(class, fmt.Sprintf("%06d.jpg", i)), s.Image, 0o666); err != nil {
			return err
		}
	}
	return os.Rename(temp, dir)
}
