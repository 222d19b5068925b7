package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/pipeline/codec"
	"alexnet/tools/internal/command"
)

const loaderDescription = `Reads the same pictures by our loader from each codec and by torchvision's DataLoader, MosaicML Streaming,
WebDataset and FFCV: shuffled, a 224×224 crop, mirrored half of the time, batches of bytes in memory. Ours draws
colour noise too. Pictures are brought to 256×256 once; the peers get them as JPEG of the same bytes as our jpeg
shards, FFCV writes its own file from those. Peers that can't run are named with the reason.`

// loaderJob is what the flags say.
type loaderJob struct {
	in, work, python, peers string
	limit, batch, workers   int
	rounds                  int
	time                    time.Duration
	json                    bool
	log                     *command.Line
}

func loaderCommand(stdout, stderr io.Writer) *cli.Command {
	var j loaderJob
	return &cli.Command{
		Name:        "loader",
		Usage:       "images a second from disk to batches",
		Description: loaderDescription,
		UsageText:   "bench loader --in imagenet/train --python venv/bin/python",
		Flags: []cli.Flag{
			&cli.PathFlag{Name: "in", Required: true, Usage: "`SRC` of labelled pictures, as prep-imagenet shard takes it", Destination: &j.in},
			&cli.PathFlag{Name: "work", Value: "build/bench", Usage: "`DIR` for shards and the peers' files, kept for the next run", Destination: &j.work},
			&cli.PathFlag{Name: "python", Usage: "`FILE` of a Python that has tools/bench/peers/requirements.txt; without it the peers are left out", Destination: &j.python},
			&cli.PathFlag{Name: "peers", Value: "tools/bench/peers/loaders.py", Usage: "`FILE` of the peers' script", Destination: &j.peers},
			&cli.IntFlag{Name: "limit", Value: 2048, Usage: "take `N` pictures", Destination: &j.limit},
			&cli.IntFlag{Name: "batch", Value: 256, Usage: "`N` pictures in a batch", Destination: &j.batch},
			&cli.IntFlag{Name: "workers", Value: runtime.GOMAXPROCS(0), Usage: "`N` goroutines or processes that decode", Destination: &j.workers},
			&cli.IntFlag{Name: "rounds", Value: 5, Usage: "turns that each contestant takes", Destination: &j.rounds},
			&cli.DurationFlag{Name: "time", Value: 4 * time.Second, Usage: "`TIME` of a turn", Destination: &j.time},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object on standard output", Destination: &j.json},
		},
		Action: func(c *cli.Context) error {
			j.log = command.NewLine(stderr)
			r, err := j.run(c.Context)
			if err != nil {
				return err
			}
			if j.json {
				return json.NewEncoder(stdout).Encode(r)
			}
			return r.print(stdout)
		},
	}
}

// contestant runs one turn.
type contestant struct {
	name string
	turn func(ctx context.Context) (turn, error)
}

// turn is what one turn gave.
type turn struct {
	Images     int     `json:"images"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"` // of all processes
	Note       string  `json:"note"`
}

func (j *loaderJob) run(ctx context.Context) (*report, error) {
	if err := j.prepare(ctx); err != nil {
		return nil, err
	}
	var all []contestant
	for _, name := range []string{"raw", "lossless", "jpeg"} {
		all = append(all, contestant{"ours, " + name, func(ctx context.Context) (turn, error) { return j.ours(ctx, name) }})
	}
	all = append(all,
		contestant{"bound of raw: copies of crops", j.copies},
		contestant{"bound of jpeg: libjpeg-turbo alone", j.turbo})
	if j.python != "" {
		for _, name := range []string{"ffcv-raw", "ffcv-jpeg", "torchvision", "streaming", "webdataset"} {
			all = append(all, contestant{name, func(ctx context.Context) (turn, error) { return j.peer(ctx, name) }})
		}
	}
	r := newReport(j)
	for round := range j.rounds {
		for _, c := range all {
			j.log.Update("round %d of %d: %s", round+1, j.rounds, c.name)
			t, err := c.turn(ctx)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			r.add(c.name, t, err)
		}
	}
	j.log.Clear()
	return r, nil
}

// shards is the folder of one codec's shards.
func (j *loaderJob) shards(name string) string {
	return filepath.Join(j.work, fmt.Sprintf("shards-%s-%d", name, j.limit))
}

// jpegs is the folder of the pictures as JPEG files.
func (j *loaderJob) jpegs() string { return filepath.Join(j.work, fmt.Sprintf("jpegs-%d", j.limit)) }

// codecNames are those that the shards are made with.
var codecNames = codec.Names()
