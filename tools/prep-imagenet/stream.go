package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/augment"
	"alexnet/internal/build"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline"
	"alexnet/pipeline/shards"
	"alexnet/pipeline/stream"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/data"
)

const streamDescription = `Loads shards for another program, batch by batch through shared memory. The alexnet-loader package for
PyTorch and JAX (docs/python.md) starts it. The protocol for other programs is in docs/stream.md: this process
writes lines of JSON on standard output, reads such lines on standard input, and ends when its input ends.

Order, crops, flips and noise are those of train-alexnet with the same seed and batch.`

// streamFlags are the flags of stream, as text if pipeline has a type.
type streamFlags struct {
	stream.Config
	access                                             shards.Access
	augmentations                                      augment.Settings
	memory, pca, noise, shuffle, ragged, layout, onBad string
}

func streamCommand(stdout, stderr io.Writer) *cli.Command {
	const loading, augmenting, position = "Loading", "Augmenting", "Position"
	var f streamFlags
	l := &f.Loader
	return &cli.Command{
		Name:        "stream",
		Usage:       "load shards for another program, over shared memory",
		ArgsUsage:   "DIR",
		Description: streamDescription,
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return errors.Join(err, stream.WriteError(printable.Raw(stdout), stream.KindUsage, err))
		},
		UsageText: `prep-imagenet stream --memory 5 --train --batch 256 --seed 1 shards/train`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "memory", Required: true, Usage: "`HANDLE` of the shared memory: the number of an open file descriptor of an empty file, which this process inherits; on Windows the name of a mapping to make", Destination: &f.memory},
			&cli.BoolFlag{Name: "on-demand", Usage: "give single whole pictures by number instead of epochs", Destination: &f.OnDemand},
			&cli.StringFlag{Name: "layout", Value: layouts[0], Usage: "`ORDER` of a batch's bytes: nhwc or nchw", Destination: &f.layout},

			&cli.IntFlag{Name: "batch", Category: loading, Value: 128, Usage: "`N` rows of this rank's batches", Destination: &l.Batch},
			&cli.IntFlag{Name: "workers", Category: loading, Usage: "`N` goroutines that decode and augment; 0 is one per core", Destination: &l.Workers},
			&cli.IntFlag{Name: "prefetch", Category: loading, Value: 3, Usage: "`N` batches that are filled ahead", Destination: &l.Prefetch},
			&cli.IntFlag{Name: "hold", Category: loading, Value: 3, Usage: "`N` batches that the other program may hold at a time; the shared memory has room for these and those of --prefetch", Destination: &f.Hold},
			&cli.StringFlag{Name: "shuffle", Category: loading, Value: pipeline.ShuffleDefault.String(), Usage: "`ORDER` of each epoch: global, shards (shard after shard, shuffled in windows), none; default is none; with --train it is global, or shards if DIR is an address", Destination: &f.shuffle},
			&cli.IntFlag{Name: "window", Category: loading, Value: 8192, Usage: "`N` samples that --shuffle shards shuffles among themselves", Destination: &l.Window},
			&cli.StringFlag{Name: "ragged", Category: loading, Value: raggeds[pipeline.RaggedDefault], Usage: "`WHAT` becomes of an incomplete last batch: drop, pad with label -1, partial; default is pad, or drop with --train", Destination: &f.ragged},
			&cli.StringFlag{Name: "on-bad", Category: loading, Value: onBadStop, Usage: "`WHAT` to do with a picture that can't be read: stop, or skip it and name it", Destination: &f.onBad},

			&cli.BoolFlag{Name: "train", Category: augmenting, Usage: "random crops, mirrored half of the time; without it the centre", Destination: &l.Train},
			&cli.IntFlag{Name: "pixels", Category: augmenting, Value: 224, Usage: "`PIXELS` a side of what is presented", Destination: &l.Crop},
			&cli.BoolFlag{Name: "no-flip", Category: augmenting, Usage: "mirror nothing", Destination: &l.NoFlip},
			&cli.BoolFlag{Name: "ten-crop", Category: augmenting, Usage: "the paper's ten test views of each picture in consecutive rows", Destination: &l.TenCrop},
			&cli.PathFlag{Name: "pca", Category: augmenting, Usage: "colour noise along the axes in `FILE`, made by compute-pca", Destination: &f.pca},
			&cli.StringFlag{Name: "noise", Category: augmenting, Value: augment.SqrtLambda.String(), Usage: "`FORM` of the noise: sqrt-lambda adds 0.1·N(0,1)·√λ per axis in 0–255 units, lambda01 adds 0.1·N(0,1)·λ in 0–1 units", Destination: &f.noise},
			&cli.Float64Flag{Name: "sigma", Category: augmenting, Value: augment.DefaultSigma, Usage: "standard deviation of the noise: `FACTOR` on the standard deviation along the axis", Destination: &l.Sigma},
			&cli.Uint64Flag{Name: "seed", Category: augmenting, Value: 1, Usage: "`SEED` of orders, crops, flips and colours", Destination: &l.Seed},

			&cli.IntFlag{Name: "rank", Category: position, Usage: "this loader's `NUMBER` among --ranks, from 0", Destination: &l.Rank},
			&cli.IntFlag{Name: "ranks", Category: position, Value: 1, Usage: "`N` loaders share out every epoch", Destination: &l.Ranks},
			&cli.IntFlag{Name: "epochs", Category: position, Usage: "end before epoch `N`, counted from 0; 0 never ends", Destination: &l.Epochs},
			&cli.IntFlag{Name: "start-epoch", Category: position, Usage: "begin in epoch `N`", Destination: &l.StartEpoch},
			&cli.IntFlag{Name: "start-step", Category: position, Usage: "begin with batch `N` of that epoch", Destination: &l.StartStep},
		}, command.AugmentFlags(&f.augmentations, augmenting), data.Flags(&f.access, loading)),
		Action: func(c *cli.Context) error {
			out := printable.Raw(stdout) // JSON escapes control characters itself
			return f.run(c, out)
		},
	}
}

// Values of --on-bad, --layout and --ragged.
const (
	onBadStop = "stop"
	onBadSkip = "skip"
)

var (
	layouts = []string{"nhwc", "nchw"}
	raggeds = []string{pipeline.RaggedDefault: "default", pipeline.RaggedDrop: "drop", pipeline.RaggedPad: "pad", pipeline.RaggedPartial: "partial"}
)

// run streams to out. The client gets every error, too.
func (f *streamFlags) run(c *cli.Context, out io.Writer) error {
	dir, err := oneFolder(c)
	if err == nil {
		err = f.parse()
	}
	if err != nil {
		return errors.Join(err, stream.WriteError(out, stream.KindUsage, setting.In(err, setting.Flags{})))
	}
	ctx, cancel := withParent(c.Context)
	defer cancel()
	d, err := f.access.Open(ctx, dir, func(text string) { stream.WriteNote(out, text) })
	if err != nil {
		return errors.Join(err, stream.WriteError(out, "", setting.In(err, setting.Flags{})))
	}
	defer d.Close()
	runtime.GOMAXPROCS(f.Loader.Workers + 1) // so that lines don't wait for decoding
	in, restore := polled(os.Stdin)
	defer restore()
	return stream.Serve(ctx, d, f.Config, in, out)
}

// parse converts the flags' words.
func (f *streamFlags) parse() (err error) {
	l := &f.Loader
	for _, n := range []struct {
		flag         string
		value, least int
	}{{"batch", l.Batch, 1}, {"pixels", l.Crop, 1}, {"prefetch", l.Prefetch, 1}, {"hold", f.Hold, 1}, {"workers", l.Workers, 0}} {
		if n.value < n.least {
			return command.Usagef("--%s %d: want at least %d", n.flag, n.value, n.least)
		}
	}
	if l.Workers > pipeline.MostWorkers {
		return command.Usagef("--workers %d: want at most %d", l.Workers, pipeline.MostWorkers)
	}
	if l.Workers == 0 {
		l.Workers = runtime.GOMAXPROCS(0)
	}
	if l.Shuffle, err = pipeline.ParseShuffle(f.shuffle); err != nil {
		return command.Usagef("--shuffle: %w", err)
	}
	if l.Noise, err = augment.ParseNoiseForm(f.noise); err != nil {
		return command.Usagef("--noise: %w", err)
	}
	ragged, err := choice("ragged", f.ragged, raggeds)
	if err != nil {
		return err
	}
	l.Ragged = pipeline.Ragged(ragged)
	layout, err := choice("layout", f.layout, layouts)
	if err != nil {
		return err
	}
	l.ChannelsFirst = layout == 1
	bad, err := choice("on-bad", f.onBad, []string{onBadStop, onBadSkip})
	if err != nil {
		return err
	}
	l.SkipBad = bad == 1
	if l.Augment, err = command.Augmentations(&f.augmentations); err != nil {
		return err
	}
	if f.pca != "" {
		pca, err := augment.ReadPCA(f.pca)
		if err != nil {
			return err
		}
		l.PCA = &pca
	}
	f.Memory, f.Program = stream.Memory(f.memory), build.Version()
	return f.access.Validate()
}

// choice returns the number of a value among a flag's values.
func choice(flag, value string, of []string) (int, error) {
	for i, v := range of {
		if v == value {
			return i, nil
		}
	}
	return 0, command.Usagef("--%s %s: want %s", flag, value, strings.Join(of, ", "))
}

// withParent ends with the process that started this one. Its end also closes our input,
// unless it has left other processes that have the pipe open.
func withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	parent := os.Getppid()
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		for ticker := time.NewTicker(time.Second); ctx.Err() == nil; {
			select {
			case <-ctx.Done():
			case <-ticker.C:
				if os.Getppid() != parent {
					cancel(fmt.Errorf("the process that started this one has ended"))
				}
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}
