// Command prep-imagenet makes shards of 256×256 pictures from folders of labelled
// photographs, and checks and shows such shards.
package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/urfave/cli/v2"

	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/pipeline/codec"
	"alexnet/pipeline/decode"
	"alexnet/pipeline/source"
	"alexnet/tools/internal/command"
)

func main() { command.Main(run) }

const description = `Turns labelled photographs into shards that compute-pca and train-alexnet read: decoded, upright, RGB,
short side scaled to 256 pixels, centre 256×256 kept. Shards are in MosaicML's MDS format.

With --json a command prints one JSON object on standard output; text for people goes to standard error.

Exit codes: 0 done, 1 failed, 2 bad usage, 3 done but with pictures left out (named in a report),
130 interrupted.`

const examples = `prep-imagenet shard --in imagenet/train --out shards/train
   prep-imagenet shard --in imagenet/val --out shards/val --split val
   prep-imagenet sample --out practice
   prep-imagenet stats imagenet/train
   prep-imagenet verify shards/train
   prep-imagenet inspect --sheet sheet.png shards/train`

// run is the whole command, without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	app := &cli.App{
		Name:        "prep-imagenet",
		Usage:       "make, check, join, mend and export shards of labelled photographs",
		UsageText:   examples,
		Description: description,
		Commands: []*cli.Command{
			shardCommand(stdout, stderr),
			sampleCommand(stdout, stderr),
			verifyCommand(stdout, stderr),
			inspectCommand(stdout, stderr),
			previewCommand(stdout, stderr),
			streamCommand(stdout, stderr),
			statsCommand(stdout, stderr),
			mergeCommand(stdout, stderr),
			repairCommand(stdout, stderr),
			exportCommand(stdout, stderr),
		},
	}
	command.Complete(app, command.Values{
		"layout":        func() []string { return append([]string{"auto"}, source.Layouts()...) },
		"stream layout": command.These(layouts...),
		"split":         command.These("train", "val"),
		"codec":         codec.Names,
		"decoder":       command.These(decode.Auto, "turbo", "go"),
		"to":            pipeline.ExportForms,
	})
	return command.Run(ctx, app, args, stdout, stderr)
}

// jsonFlag is the --json of every command.
func jsonFlag(into *bool) cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print one JSON object on standard output", Destination: into}
}

// printJSON writes v on one line.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// oneFolder returns the single argument of a command that reads shards.
func oneFolder(c *cli.Context) (string, error) {
	if c.NArg() != 1 {
		return "", command.Usagef("%s takes one folder of shards; got %d (see %s %s --help)",
			c.Command.Name, c.NArg(), c.App.Name, c.Command.Name)
	}
	return c.Args().First(), nil
}

// note prints a message to the user.
func note(stderr io.Writer) func(text string) {
	return func(text string) { printable.Fprintf(command.Prose(stderr), "note: %s\n", text) }
}
