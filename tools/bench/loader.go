package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/augment"
	"alexnet/pipeline/codec"
	"alexnet/tools/internal/command"
)

const loaderDescription = `Reads the same pictures by our loader from each codec, by it from Python, and by torchvision's DataLoader,
MosaicML Streaming, WebDataset, FFCV, DALI, datago, LitData and SPDL: shuffled, a 224×224 crop, mirrored half of the time, batches of bytes in memory. Ours draws
colour noise too. Pictures are brought to 256×256 once; the peers get them as JPEG of the same bytes as our jpeg
shards, FFCV writes its own file from those. Peers that can't run are named with the reason. The bounds are what no
loader of such shards can do without, on as many goroutines: copying crops in memory, Huffman decoding,
libjpeg-turbo. "1.28 M" are the same shards so often that there are 1.28 million samples.

Each round has another order. Between turns the peers' processes are stopped where they are (on Linux); each turn begins
behind batches that aren't counted, until queues are as full as at its end. It takes some minutes, and a few more when shards and the
peers' files have to be made. Ctrl-C, or the end of --max-time, prints what there is by then.`

// loaderJob holds the flags.
type loaderJob struct {
	in, work, python, peers string
	prep                    string
	only                    string
	limit, batch, workers   int
	rounds                  int
	time, maxTime           time.Duration
	json                    bool
	augmentations           augment.Settings // of our loader
	recipe                  augment.Recipe
	log                     *command.Line
}

func loaderCommand(stdout, stderr io.Writer) *cli.Command {
	var j loaderJob
	return &cli.Command{
		Name:        "loader",
		Usage:       "images a second from disk to batches",
		Description: loaderDescription,
		UsageText:   "bench loader --in imagenet/train --python venv/bin/python",
		Flags: append([]cli.Flag{
			&cli.PathFlag{Name: "in", Required: true, Usage: "`SRC` of labelled pictures, as prep-imagenet shard takes it", Destination: &j.in},
			&cli.PathFlag{Name: "work", Value: "build/bench", Usage: "`DIR` for shards and the peers' files, kept for the next run", Destination: &j.work},
			&cli.PathFlag{Name: "python", Usage: "`FILE` of a Python that has tools/bench/peers/requirements.txt; without it the peers are left out", Destination: &j.python},
			&cli.PathFlag{Name: "peers", Value: "tools/bench/peers/loaders.py", Usage: "`FILE` of the peers' script", Destination: &j.peers},
			&cli.PathFlag{Name: "prep-imagenet", Value: "build/prep-imagenet", Usage: "`FILE` of the command that our loader for Python starts", Destination: &j.prep},
			&cli.StringFlag{Name: "only", Usage: "let only those take turns whose names contain one of `WORDS`, such as raw,torchvision, and none of those behind a !, such as !1.28", Destination: &j.only},
			&cli.IntFlag{Name: "limit", Value: 2048, Usage: "take `N` pictures", Destination: &j.limit},
			&cli.IntFlag{Name: "batch", Value: 256, Usage: "`N` pictures in a batch", Destination: &j.batch},
			&cli.IntFlag{Name: "workers", Value: runtime.GOMAXPROCS(0), Usage: "`N` goroutines or processes that decode", Destination: &j.workers},
			&cli.IntFlag{Name: "rounds", Value: 3, Usage: "turns that each contestant takes", Destination: &j.rounds},
			&cli.DurationFlag{Name: "time", Value: 2 * time.Second, Usage: "`TIME` of a turn", Destination: &j.time},
			&cli.DurationFlag{Name: "max-time", Value: 270 * time.Second, Usage: "print what there is after `TIME`; 0 sets no limit", Destination: &j.maxTime},
			&cli.BoolFlag{Name: "json", Usage: "print one JSON object on standard output", Destination: &j.json},
		}, command.AugmentFlags(&j.augmentations, "Augmentations, of our loader alone")...),
		Action: func(c *cli.Context) (err error) {
			if j.recipe, err = command.Augmentations(&j.augmentations); err != nil {
				return err
			}
			j.log = command.NewLine(stderr)
			r, err := j.run(c.Context)
			if r == nil {
				return err
			}
			if j.json {
				return errors.Join(err, json.NewEncoder(stdout).Encode(r))
			}
			return errors.Join(err, r.print(stdout))
		},
	}
}

// contestant runs one turn.
type contestant struct {
	name string
	turn func(ctx context.Context) (turn, error)
}

// turn is the result of one turn.
type turn struct {
	Images     int     `json:"images"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"` // of all processes
	OwnSeconds float64 `json:"own_seconds"` // the part of our Python process
	First      float64 `json:"-"`           // of ours, seconds from its start to the first batch
	Note       string  `json:"note"`
}

// run lets all contestants take turns. After an error the report holds the measurements
// before it; without any it is nil.
func (j *loaderJob) run(ctx context.Context) (*report, error) {
	if j.rounds < 1 || j.time <= 0 {
		return nil, command.Usagef("want --rounds and --time above 0")
	}
	if err := j.prepare(ctx); err != nil {
		return nil, err
	}
	whole := ctx
	if j.maxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, j.maxTime)
		defer cancel()
	}
	all, end := j.contestants()
	defer end()
	r := newReport(j)
	for _, c := range all {
		r.Results = append(r.Results, result{Name: c.name})
	}
	for round := range j.rounds {
		for _, i := range turnOrder(len(all), round, j.rounds) {
			c := all[i]
			j.log.Update("round %d of %d: %s", round+1, j.rounds, c.name)
			runtime.GC() // frees the memory of our last turn
			t, err := c.turn(ctx)
			if ctx.Err() != nil { // an interrupted turn doesn't count
				j.log.Clear()
				if whole.Err() == nil {
					j.log.Print("stopped by --max-time in round %d of %d", round+1, j.rounds)
				}
				return r, whole.Err()
			}
			r.add(c.name, t, err)
		}
	}
	j.log.Clear()
	return r, nil
}

// contestants returns all contestants; end stops the processes among them.
func (j *loaderJob) contestants() (all []contestant, end func()) {
	for _, name := range []string{"raw", "lossless", "jpeg"} {
		all = append(all,
			contestant{"ours, " + name, func(ctx context.Context) (turn, error) { return j.ours(ctx, j.shards(name)) }},
			contestant{"ours, " + name + ", 1.28 M", func(ctx context.Context) (turn, error) { return j.ours(ctx, j.repeated(name)) }})
	}
	all = append(all,
		contestant{"bound of raw: copies of crops", j.copies},
		contestant{"bound of lossless: Huffman decoding", j.huffman},
		contestant{"bound of jpeg: libjpeg-turbo", j.turbo})
	var peers []*peer
	if j.python != "" {
		for _, name := range []string{"python-raw", "python-lossless", "python-jpeg", "ffcv-raw", "ffcv-jpeg", "torchvision", "streaming", "webdataset", "dali", "datago", "litdata", "spdl"} {
			p := &peer{job: j, name: name}
			peers = append(peers, p)
			all = append(all, contestant{name, p.turn})
		}
	}
	all = slices.DeleteFunc(all, func(c contestant) bool { return !chosen(c.name, j.only) })
	return all, func() {
		for _, p := range peers {
			p.end()
		}
	}
}

// chosen reports whether a name contains one of the words, if there are any, and none of
// the words after a !.
func chosen(name, words string) bool {
	wanted, found := false, false
	for word := range strings.SplitSeq(words, ",") {
		if not, ok := strings.CutPrefix(word, "!"); ok {
			if strings.Contains(name, not) {
				return false
			}
			continue
		}
		wanted = true
		found = found || strings.Contains(name, word)
	}
	return found || !wanted
}

// shards returns the folder of one codec's shards.
func (j *loaderJob) shards(name string) string {
	return filepath.Join(j.work, fmt.Sprintf("shards-%s-%d", name, j.limit))
}

// repeated returns the folder of one codec's shards, repeated up to 1.28 million samples.
func (j *loaderJob) repeated(name string) string { return j.shards(name) + "-repeated" }

// noise returns the file with the axes of the noise, for our loader from Python.
func (j *loaderJob) noise() string { return filepath.Join(j.work, "pca.json") }

// jpegs returns the folder of the pictures as JPEG files.
func (j *loaderJob) jpegs() string { return filepath.Join(j.work, fmt.Sprintf("jpegs-%d", j.limit)) }

// codecNames are the codecs of the shards.
var codecNames = codec.Names()
