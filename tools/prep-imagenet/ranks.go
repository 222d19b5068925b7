package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"alexnet/engine/collective"
	"alexnet/pipeline"
	"alexnet/pipeline/source"
	"alexnet/tools/internal/command"
)

// parsePart reads "2/8", the third of eight parts.
func parsePart(text string) (part, parts int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	number, of, ok := strings.Cut(text, "/")
	part, err1 := strconv.Atoi(number)
	parts, err2 := strconv.Atoi(of)
	if !ok || err1 != nil || err2 != nil || parts < 1 || part < 0 || part >= parts {
		return 0, 0, command.Usagef("--part %q: want I/N, I from 0 to N−1, such as 0/8", text)
	}
	return part, parts, nil
}

// partFolder is the folder of a rank's part of the job for out.
func partFolder(out string, rank, size int) string {
	return filepath.Join(out+".parts", fmt.Sprintf("%d-of-%d", rank, size))
}

// shardTogether runs a job on all ranks: each makes its part of the pictures, and then
// its share of the shards from all parts. The folder is the same as one process's.
func (f *shardFlags) shardTogether(ctx context.Context, group collective.Collective, src source.Source, stdout, stderr io.Writer) error {
	sum, err := pipeline.Finished(f.ShardConfig, src)
	if err := collective.Agree(group, err); err != nil {
		return err
	}
	if sum.Already {
		return f.tell(&sum, 0, stdout, stderr)
	}
	part := f.ShardConfig
	part.Part, part.Parts = group.Rank(), group.Size()
	part.Out = partFolder(f.Out, group.Rank(), group.Size())
	p, done := newProgress(stderr, fmt.Sprintf("sharding, rank 0 of %d", group.Size())), 0
	err = os.MkdirAll(filepath.Dir(part.Out), 0o777)
	if err == nil {
		sum, err = pipeline.Shard(ctx, part, src, func(s pipeline.ShardProgress) {
			done = s.Done
			p.slow(s.Slow)
			p.update(done, s.Total, "")
		})
	}
	rate := p.end(max(0, done-sum.Resumed)) * float64(group.Size())
	if err != nil {
		err = f.explain(err, sum.Kept)
	}
	if err := collective.Agree(group, err); err != nil {
		return err
	}
	sum, err = f.join(ctx, group)
	if err := collective.Agree(group, err); err != nil {
		return err
	}
	return f.tell(&sum, rate, stdout, stderr)
}

// join makes the shards from the parts of all ranks. Only rank 0 has a summary.
func (f *shardFlags) join(ctx context.Context, group collective.Collective) (sum pipeline.Summary, err error) {
	dirs := make([]string, group.Size())
	for r := range dirs {
		dirs[r] = partFolder(f.Out, r, group.Size())
	}
	parts, err := pipeline.OpenParts(f.Out, dirs)
	if err == nil {
		defer parts.Close()
		if group.Rank() == 0 {
			sum, err = parts.Begin()
		}
	}
	if err := collective.Agree(group, err); err != nil {
		return sum, err
	}
	shards, err := parts.Write(ctx, group.Rank(), group.Size(), f.Workers)
	if err := collective.Agree(group, err); err != nil {
		return sum, err
	}
	text, err := json.Marshal(shards)
	if err != nil {
		return sum, err
	}
	all, err := group.Gather(text)
	if err != nil || group.Rank() != 0 {
		return sum, err
	}
	shards = nil
	for _, text := range all {
		var theirs []pipeline.NumberedShard
		if err := json.Unmarshal(text, &theirs); err != nil {
			return sum, err
		}
		shards = append(shards, theirs...)
	}
	if sum, err = parts.Finish(shards); err != nil {
		return sum, err
	}
	return sum, os.RemoveAll(f.Out + ".parts")
}
