package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/engine/collective"
	"alexnet/engine/collective/launch"
	"alexnet/internal/bytesize"
	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/decode"
	"alexnet/pipeline/source"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/ranks"
)

const shardDescription = `Reads labelled pictures, turns each upright, makes it RGB, scales its short side to --size with an
antialiasing filter, keeps the centre square, and writes shards to --out, one split in each folder. Training
pictures are stored in an order drawn from --seed, validation pictures in the source's order. The same
pictures and flags give the same bytes for any --workers. Pictures smaller than --size are enlarged, and counted in
a note.

Formats are JPEG, PNG, GIF, BMP, TIFF, WebP, icons and Netpbm, and AVIF, HEIC and JPEG XL if libheif and libjxl
are installed. They are recognised by their content (docs/pictures.md).

SRC is a folder or a tar of class folders, ImageNet's archives, Kaggle's tree, a list, or WebDataset tars; tars may be
compressed. docs/sources.md has the rules of each.

A picture that can't be read is left out, and listed with the reason in --out/report.jsonl (exit code 3).
--quarantine also copies it to a folder; --on-bad stop and --max-bad end the job instead.

index.json is written last. An interrupted, failed or killed job keeps its complete shards. The same command
continues after them, and the bytes are those of a job that was never stopped. It refuses to continue if flags
or the list of pictures have changed. For a finished job it does nothing.

Several processes can share a job. Under mpirun, srun or torchrun each makes a part in OUT.parts and then its
share of the shards. The independent jobs of an array each make one --part I/N in their own folder, and
prep-imagenet merge joins the folders. Either way the bytes are those of one process.

--append adds the pictures of SRC whose names a finished folder doesn't hold yet, as new shards after the old
ones. Codec, size and other settings are the folder's. Classes are matched by ID. To add classes, give a list of
all with --classes, the folder's classes first.`

// shardFlags are the flags of "prep-imagenet shard" that pipeline.ShardConfig doesn't
// have in this form.
type shardFlags struct {
	in, classes          string
	shardSize            string
	onBad, maxBad        string
	part                 string
	ranks                ranks.Options
	maxMegapixels        int
	append, dryRun, json bool
	options              source.Options
	pipeline.ShardConfig
}

func shardCommand(stdout, stderr io.Writer) *cli.Command {
	f := new(shardFlags)
	return &cli.Command{
		Name:        "shard",
		Usage:       "turn pictures into shards",
		Description: shardDescription,
		UsageText: `prep-imagenet shard --in imagenet/train --out shards/train
   prep-imagenet shard --in imagenet/val --out shards/val --split val --codec raw --zstd
   prep-imagenet shard --in photos --out shards/try --limit 1000 --on-bad stop
   prep-imagenet shard --in photos --out shards/all --max-bad 1% --quarantine bad
   prep-imagenet shard --in photos --out shards/all --dry-run
   mpirun -n 8 prep-imagenet shard --in imagenet/train --out shards/train
   prep-imagenet shard --in imagenet/train --out parts/$SLURM_ARRAY_TASK_ID --part $SLURM_ARRAY_TASK_ID/64
   prep-imagenet shard --append --in more-photos --out shards/all`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "in", Usage: "read pictures from `SRC`, such as SRC/<class>/<pictures>", Destination: &f.in},
			&cli.StringFlag{Name: "out", Usage: "write shards to `DIR`, which is missing, empty, or of the same job before it was stopped", Destination: &f.Out},
			&cli.BoolFlag{Name: "append", Usage: "add pictures that are new to a finished folder", Destination: &f.append},
			&cli.BoolFlag{Name: "dry-run", Usage: "write nothing: list the pictures, try a sample of them, and say how many bytes and how long all will take", Destination: &f.dryRun},
			&cli.StringFlag{Name: "layout", Usage: "how SRC is laid out: auto, " + strings.Join(source.Layouts(), ", "), Value: "auto", Destination: &f.options.Layout},
			&cli.StringFlag{Name: "classes", Usage: classesUsage, Destination: &f.classes},
			&cli.StringFlag{Name: "split", Usage: "which pictures, and what for: train (stored in random order) or val", Value: "train", Destination: &f.Split},
			&cli.Float64Flag{Name: "split-fraction", Usage: "share of each class that is kept for --split val, where SRC has no validation pictures of its own", Destination: &f.options.SplitFraction},
			&cli.Uint64Flag{Name: "split-seed", Usage: "seed that chooses the pictures of --split-fraction", Destination: &f.options.SplitSeed},
			&cli.StringFlag{Name: "devkit", Usage: "the ILSVRC2012 development kit, `FILE` or folder; otherwise looked for beside the archives", Destination: &f.options.Devkit},
			&cli.StringFlag{Name: "spool", Usage: "unpack compressed archives (.tar.gz, .tgz, .tar.zst, .tar.bz2) to a temporary file in `DIR`; otherwise in the system's folder for temporary files", Destination: &f.options.Spool},
			&cli.StringFlag{Name: "codec", Usage: "how pictures are stored: " + strings.Join(codec.Names(), ", "), Value: codec.Names()[0], Destination: &f.Codec},
			&cli.IntFlag{Name: "quality", Usage: "JPEG quality, 1 to 100", Value: codec.DefaultQuality, Destination: &f.Quality},
			&cli.BoolFlag{Name: "zstd", Usage: "compress whole shards, which readers then unpack to memory", Destination: &f.Zstd},
			&cli.IntFlag{Name: "size", Usage: "side of the stored pictures in pixels", Value: decode.DefaultSize, Destination: &f.Size},
			&cli.StringFlag{Name: "shard-size", Usage: "largest size of a shard, with KiB, MiB or GiB", Value: "64MiB", Destination: &f.shardSize},
			&cli.IntFlag{Name: "workers", Usage: "goroutines that decode pictures; 0 means one per processor", Destination: &f.Workers},
			&cli.Uint64Flag{Name: "seed", Usage: "seed of the training order", Destination: &f.Seed},
			&cli.IntFlag{Name: "limit", Usage: "take only `N` pictures, an even share of each class; 0 means all", Destination: &f.Limit},
			&cli.StringFlag{Name: "decoder", Usage: "decoder of JPEG files that the fast decoder doesn't decode, and encoder: turbo (libjpeg-turbo), go, or auto: turbo if this machine has it", Value: decode.Auto, Destination: &f.Decoder},
			&cli.StringFlag{Name: "resampler", Usage: "what resizes: fast, or imaging (slow, the reference it is checked against)", Value: decode.Fast, Destination: &f.Resampler},
			&cli.StringFlag{Name: "on-bad", Usage: "skip a picture that can't be read, or stop", Value: "skip", Destination: &f.onBad},
			&cli.StringFlag{Name: "max-bad", Usage: "give up after more than `N` bad pictures, a number or a share such as 1% or 0.01; otherwise never", Destination: &f.maxBad},
			&cli.StringFlag{Name: "quarantine", Usage: "copy bad pictures to `DIR`, under their names in SRC", Destination: &f.Quarantine},
			&cli.IntFlag{Name: "max-megapixels", Usage: "treat larger pictures as bad", Value: decode.DefaultMaxPixels / 1e6, Destination: &f.maxMegapixels},
			&cli.StringFlag{Name: "part", Usage: "do only part `I/N` of the job, I from 0 to N−1; prep-imagenet merge joins the parts", Destination: &f.part},
			ranks.TimeoutFlag(&f.ranks),
			jsonFlag(&f.json),
		},
		Action: func(c *cli.Context) (err error) {
			f.ranks.Terms = ranks.Terms(c, ranks.Kinds{Data: []string{"classes"}, Path: []string{"out", "quarantine"}})
			group, err := ranks.Join(f.ranks)
			if err != nil {
				return err
			}
			defer func() { err = ranks.Close(group, err) }()
			stdout, stderr := ranks.Streams(group, stdout, stderr)
			return f.run(c, group, stdout, stderr)
		},
	}
}

// shardResult is the output of --json.
type shardResult struct {
	Out             string          `json:"out"`
	Split           string          `json:"split"`
	Codec           string          `json:"codec"`
	Images          int             `json:"images"`
	Classes         int             `json:"classes"`
	Found           int             `json:"found"`
	Skipped         int             `json:"skipped"`
	Report          string          `json:"report,omitempty"`
	Enlarged        int             `json:"enlarged"`               // smaller than --size
	Lost            []string        `json:"lost_classes,omitempty"` // their pictures were all left out
	Shards          int             `json:"shards"`
	Bytes           int64           `json:"bytes"`
	Already         bool            `json:"already"` // the folder was finished before
	Resumed         int             `json:"resumed"` // pictures done by an earlier run
	ImagesPerSecond float64         `json:"images_per_s"`
	Slow            []pipeline.Slow `json:"slow,omitempty"` // pictures that took seconds
}

func (f *shardFlags) run(c *cli.Context, group collective.Collective, stdout, stderr io.Writer) error {
	if err := collective.Agree(group, f.complete(c, group, stderr)); err != nil {
		return err
	}
	src, err := source.Open(c.Context, f.in, f.options)
	if err := collective.Agree(group, withFlag(err)); err != nil {
		return f.explain(err, 0)
	}
	defer src.Close()

	if f.dryRun {
		return f.estimate(c.Context, src, stdout, stderr)
	}
	if group.Size() > 1 {
		return f.shardTogether(c.Context, group, src, stdout, stderr)
	}
	p, done := newProgress(stderr, "sharding"), 0
	work := pipeline.Shard
	if f.append {
		work = pipeline.Append
	}
	sum, err := work(c.Context, f.ShardConfig, src, func(s pipeline.ShardProgress) {
		note := ""
		if s.Skipped > 0 {
			note = fmt.Sprintf("  %d left out", s.Skipped)
		}
		done = s.Done
		p.slow(s.Slow)
		p.update(done, s.Total, note)
	})
	rate := p.end(max(0, done-sum.Resumed))
	if err != nil {
		return f.explain(err, sum.Kept)
	}
	return f.tell(&sum, rate, stdout, stderr)
}

// tell prints the result of a job.
func (f *shardFlags) tell(sum *pipeline.Summary, rate float64, stdout, stderr io.Writer) error {
	m := &sum.Meta
	what := fmt.Sprintf("%s: %s of %s in %s, %s, codec %s", printable.Name(f.Out), printable.Count(m.Images, "image"),
		printable.Count(len(m.Classes), "class"), printable.Count(sum.Shards, "shard"), bytesize.Format(sum.Bytes), m.Codec)
	switch {
	case sum.Already:
		rate = 0
		fmt.Fprintf(stderr, "%s; finished before, nothing to do\n", what)
	case rate == 0:
		fmt.Fprintf(stderr, "%s\n", what)
	case sum.Resumed > 0:
		fmt.Fprintf(stderr, "%s, %.0f images/s, after %s of an earlier run\n", what, rate, printable.Count(sum.Resumed, "picture"))
	default:
		fmt.Fprintf(stderr, "%s, %.0f images/s\n", what, rate)
	}
	if n := len(sum.Slow); n > 0 {
		slowest := slices.MaxFunc(sum.Slow, func(a, b pipeline.Slow) int { return cmp.Compare(a.Seconds, b.Seconds) })
		printable.Fprintf(stderr, "%s took longer than %v; the slowest, %s, %.0f s\n", printable.Count(n, "picture"), f.SlowAfter, slowest.Name, slowest.Seconds)
	}
	tellEnlarged(stderr, sum.Enlarged, m.Images, m.Size)
	if f.json {
		err := printJSON(stdout, shardResult{f.Out, m.Split, m.Codec, m.Images, len(m.Classes), m.Source.Found,
			m.Source.Skipped, sum.Report, sum.Enlarged, sum.Lost, sum.Shards, sum.Bytes, sum.Already, sum.Resumed, math.Round(rate*10) / 10, sum.Slow})
		if err != nil {
			return err
		}
	}
	if n := len(sum.Lost); n > 0 {
		printable.Fprintf(stderr, "no picture is left of %d of %s: %s\n", n, printable.Count(len(m.Classes), "class"), firstNames(sum.Lost, 10))
	}
	if n := len(sum.Bad); n > 0 {
		return command.WithCode(command.Skipped, fmt.Errorf("%d of %s left out, listed in %s; the first is %s: %s",
			n, printable.Count(m.Source.Found, "picture"), sum.Report, printable.Name(sum.Bad[0].Name), sum.Bad[0].Reason))
	}
	return nil
}

// tellEnlarged notes that n of all pictures are smaller than the shards' pictures.
func tellEnlarged(stderr io.Writer, n, all, size int) {
	if n > 0 {
		note(stderr)(fmt.Sprintf("enlarged: %d of %s, with fewer than %d pixels on the short side; a smaller --size avoids it", n, printable.Count(all, "picture"), size))
	}
}

// firstNames joins the first n of names and gives the number of the others.
func firstNames(names []string, n int) string {
	shown := make([]string, 0, n+1)
	for i, name := range names {
		if i == n {
			shown = append(shown, fmt.Sprintf("and %d more", len(names)-n))
			break
		}
		shown = append(shown, printable.Name(name))
	}
	return strings.Join(shown, ", ")
}

// explain says what an interrupted or failed job leaves.
func (f *shardFlags) explain(err error, kept int) error {
	if spool := new(source.SpoolError); errors.As(err, &spool) {
		return fmt.Errorf("%w (--spool DIR)", err)
	}
	switch cancelled := errors.Is(err, context.Canceled); {
	case cancelled && kept > 0:
		return command.WithCode(command.Interrupted, fmt.Errorf("interrupted, with %s kept in %s: give the same command to go on", printable.Count(kept, "shard"), printable.Name(f.Out)))
	case cancelled:
		return command.WithCode(command.Interrupted, fmt.Errorf("interrupted; no shard was whole yet, so %s is left as it was", printable.Name(f.Out)))
	case kept > 0:
		return fmt.Errorf("%w, with %s kept in %s: give the same command to go on", err, printable.Count(kept, "shard"), printable.Name(f.Out))
	}
	return err
}

// recognise finds the layout if it isn't given, and prints it with the reason. Opening
// the source may take a while, and may fail because the layout needs something more.
func (f *shardFlags) recognise(stderr io.Writer) error {
	if f.options.Layout != "" && f.options.Layout != "auto" {
		return nil
	}
	found, err := source.Detect(f.in)
	if err != nil {
		return err
	}
	f.options.Layout = found.Layout
	printable.Fprintf(stderr, "%s %s: layout %s, unless --layout says otherwise\n", f.in, found.Reason, found.Layout)
	return nil
}

// complete checks the flags, fills in the job's and the source's options from
// them, and reads the class list.
func (f *shardFlags) complete(c *cli.Context, group collective.Collective, stderr io.Writer) (err error) {
	if f.in == "" || f.Out == "" {
		return command.Usagef("shard needs --in SRC and --out DIR (see prep-imagenet shard --help)")
	}
	switch f.onBad {
	case "skip", "stop":
		f.StopOnBad = f.onBad == "stop"
	default:
		return command.Usagef("--on-bad %q: choose skip or stop", f.onBad)
	}
	if f.Part, f.Parts, err = parsePart(f.part); err != nil {
		return err
	}
	if f.append && (f.Parts > 0 || group.Size() > 1) {
		return command.Usagef("--append is for one process: run it without --part and without a launcher of ranks")
	}
	if f.Parts > 0 && group.Size() > 1 {
		return command.Usagef("--part is for jobs that don't know of each other: ranks share the job by themselves")
	}
	if f.Workers == 0 {
		f.Workers = launch.Processors(group)
	}
	if f.MaxBad, f.MaxBadShare, err = parseCount(f.maxBad); err != nil {
		return command.Usagef("--max-bad: %w", err)
	}
	if f.ShardSize, err = bytesize.Parse(f.shardSize); err != nil {
		return command.Usagef("--shard-size: %w", err)
	}
	if c.IsSet("size") && f.Size == 0 || c.IsSet("quality") && f.Quality == 0 { // zero values mean defaults in a ShardConfig
		return command.Usagef("--size %d --quality %d: choose a side of 8 pixels or more and a quality from 1 to 100, or leave them out", f.Size, f.Quality)
	}
	if f.maxMegapixels < 1 {
		return command.Usagef("--max-megapixels %d: choose at least 1", f.maxMegapixels)
	}
	f.MaxPixels = f.maxMegapixels * 1e6
	if f.classes != "" {
		if f.options.Classes, err = pipeline.ReadClasses(f.classes); err != nil {
			return fmt.Errorf("--classes: %w", err)
		}
	}
	if f.append {
		if err := f.recognise(stderr); err != nil {
			return err
		}
		if err := f.inherit(c); err != nil {
			return err
		}
	}
	if err := f.Validate(); err != nil {
		return command.Usagef("%w", err)
	}
	if f.options.SplitFraction < 0 || f.options.SplitFraction >= 1 {
		return command.Usagef("--split-fraction %v: choose one from 0 up to, not including, 1", f.options.SplitFraction)
	}
	f.options.Split = f.Split
	f.options.Note = note(stderr)
	return f.recognise(stderr)
}
