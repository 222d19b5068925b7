package main

import (
	"context"
	"io"
	"runtime"

	"github.com/urfave/cli/v2"

	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

const mergeDescription = `Joins finished folders of shards into one folder with one index. They must have the same split, size, codec
and classes (make them with the same --classes), and no picture may be in two of them. The folders stay
unchanged; OUT gets hard links to their shards, or copies if the file system has no links. If all folders are
below OUT, its index names the shards where they are. Colour statistics are added up exactly.

Folders made with shard --part become the same folder that one process would have written, byte for byte: their
samples are cut into new shards. All parts must be given.`

func mergeCommand(stdout, stderr io.Writer) *cli.Command {
	f := new(shardFlags)
	return &cli.Command{
		Name:        "merge",
		Usage:       "join folders of shards under one index",
		ArgsUsage:   "OUT DIR…",
		Description: mergeDescription,
		UsageText: `prep-imagenet merge shards/all shards/part-0 shards/part-1
   prep-imagenet merge shards shards/part-0 shards/part-1
   prep-imagenet merge shards/train parts/*`,
		Flags: []cli.Flag{jsonFlag(&f.json)},
		Action: func(c *cli.Context) error {
			if c.NArg() < 2 {
				return command.Usagef("merge takes the new folder and the folders to join; got %d (see prep-imagenet merge --help)", c.NArg())
			}
			f.Out = c.Args().First()
			sum, err := f.merge(c.Context, c.Args().Tail())
			if err != nil {
				return err
			}
			left := len(sum.Bad)
			sum.Bad = nil // each was printed when its folder was made
			if err := f.tell(&sum, 0, stdout, stderr); err != nil || left == 0 {
				return err
			}
			printable.Fprintf(stderr, "%s left out of the parts, listed in %s\n", printable.Count(left, "picture"), sum.Report)
			return nil
		},
	}
}

// merge joins folders, or parts of one job.
func (f *shardFlags) merge(ctx context.Context, dirs []string) (pipeline.Summary, error) {
	parts, err := pipeline.ArePart(dirs[0])
	if err != nil {
		return pipeline.Summary{}, err
	}
	if parts {
		return pipeline.JoinParts(ctx, f.Out, dirs, runtime.GOMAXPROCS(0))
	}
	return pipeline.Merge(ctx, f.Out, dirs)
}
