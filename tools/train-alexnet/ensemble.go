package main

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/engine/infer"
	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/tools/internal/command"
)

// modelFlags are the flags of every command that uses trained nets.
func modelFlags() []cli.Flag {
	const category = "Net"
	return append([]cli.Flag{
		&cli.StringSliceFlag{Name: "checkpoint", Category: category, Usage: "checkpoint `FILE`, or a run folder for its best one; given several times, the nets' softmax outputs are averaged"},
	}, deviceFlags(category)...)
}

// pictureFlags returns the flags of the commands that read picture files.
func pictureFlags(maxMegapixels float64) []cli.Flag {
	const category = "Pictures"
	return append(modelFlags(),
		&cli.IntFlag{Name: "size", Category: category, Usage: "bring pictures to squares of `PIXELS` a side first; 0 is the size of the shards that the net was trained on"},
		&cli.Float64Flag{Name: "max-megapixels", Category: category, Value: maxMegapixels, Usage: "refuse larger pictures unread: `N` million pixels"},
		&cli.BoolFlag{Name: "ten-crop", Category: category, Usage: "average over the paper's ten crops instead of the centre alone"},
		&cli.PathFlag{Name: "names", Category: category, Usage: "`FILE` with a line \"id name\" for each class, such as Kaggle's LOC_synset_mapping.txt, in place of the checkpoint's names"},
	)
}

// openEnsemble opens the checkpoints that the flags name. The models take batch crops
// at once; layer names the layer for Features, if any.
func openEnsemble(c *cli.Context, batch int, layer string) (*infer.Ensemble, error) {
	f := infer.Config{
		Checkpoints: c.StringSlice("checkpoint"), Batch: batch, TenCrop: c.Bool("ten-crop"), Size: c.Int("size"), Layer: layer,
	}
	switch {
	case len(f.Checkpoints) == 0:
		return nil, command.Required(c, "checkpoint")
	case c.IsSet("max-megapixels") && !(c.Float64("max-megapixels") > 0):
		return nil, command.Usagef("--max-megapixels %v: want a number above 0", c.Float64("max-megapixels"))
	case batch < 1:
		return nil, command.Usagef("--batch %d: want at least 1", batch)
	}
	if path := c.Path("names"); path != "" {
		var err error
		if f.Names, err = infer.ReadNames(path); err != nil {
			return nil, fmt.Errorf("--names: %w", err)
		}
	}
	f.Devices, f.Options = chosenDevices(c)
	e, err := infer.Open(f)
	if errors.As(err, new(*infer.NamesError)) {
		err = fmt.Errorf("--names: %s: %w", printable.Name(c.Path("names")), err)
	}
	return e, err
}

// flagged makes the error of a wrong list a usage error, and names the command that makes
// shards of other classes.
func flagged(err error) error {
	switch {
	case errors.As(err, new(*infer.ListError)):
		return command.WithCode(command.BadUsage, err)
	case errors.As(err, new(*infer.ClassesError)):
		return fmt.Errorf("%w, which prep-imagenet shard --classes makes of pictures of some of them", err)
	}
	return err
}

// pictureFiles returns the files in the arguments, to be read for e as the flags say. It
// names on line those that can't be read, which bad receives too, and those that take long.
func pictureFiles(c *cli.Context, e *infer.Ensemble, line *command.Line, bad func(infer.BadPicture)) (f infer.Files, err error) {
	if f.Names, err = infer.List(c.Args().Slice(), c.App.Reader); err != nil {
		return f, flagged(err)
	}
	f.Reader, err = infer.NewReader(e.Size(), c.Float64("max-megapixels"), runtime.GOMAXPROCS(0))
	if err != nil {
		return f, err
	}
	f.Reader.Slow = func(name string, took time.Duration) {
		line.Print("%s has taken %.0f s so far", name, took.Seconds())
	}
	f.Bad = func(b infer.BadPicture) {
		b.Err = command.Address(b.Err)
		line.Print("%s", file.Doing(printable.Name(b.File), b.Err).Error())
		bad(b)
	}
	f.Progress = func(done int) { line.Update("%d of %s", done, printable.Count(len(f.Names), "picture")) }
	return f, nil
}
