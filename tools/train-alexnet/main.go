// Command train-alexnet trains AlexNet on folders of shards made by prep-imagenet,
// evaluates it, and draws reports.
package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"alexnet/engine/train"
	"alexnet/internal/setting"
	"alexnet/tools/internal/command"
)

func main() { command.Main(run) }

const description = `Trains the two-tower AlexNet of Krizhevsky, Sutskever and Hinton (2012), or another net given as data,
on shards made by "prep-imagenet shard", with the colour statistics made by "compute-pca".

With PICTURES, a folder of class folders or another source that "prep-imagenet shard" reads, it first makes the shards and the
statistics in the run folder, chooses a recipe and a net that fit, and prints the commands that do the same.

The folder given by --run receives run.json (the whole configuration), metrics.jsonl (one object per
log step and per validation), checkpoints/ (the last few and the best, in safetensors), curve.png, kernels.png,
guesses.png, tensorboard/ and report.html. Ctrl-C finishes the step, saves, and exits with code 130, as do
SIGTERM and a terminal that closes; the same command with --resume continues as if nothing had happened, bit for bit on the CPU.

If you don't choose a recipe, the size of the training set does: small up to 20,000 pictures, medium up to
300,000, else paper. The defaults below are the paper's. A recipe changes these settings if they aren't given:

%s
Exit codes: 0 done, 1 failed, 2 bad usage, 3 done but with unreadable pictures left out, 130 interrupted after saving.`

const short = `train-alexnet trains a net that tells your pictures apart, and uses it.

  train-alexnet PICTURES        the whole way from a folder with a folder for each class, to a net in runs/PICTURES
  train-alexnet eval            measure a net:        train-alexnet eval --checkpoint runs/pets --data shards/val
  train-alexnet predict         say what is on it:    train-alexnet predict --checkpoint runs/pets photo.jpg
  train-alexnet serve           answer to a browser:  train-alexnet serve --checkpoint runs/pets
  train-alexnet runs            compare runs:         train-alexnet runs runs
  train-alexnet --resume        go on:                train-alexnet --run runs/pets --resume

All commands and flags: train-alexnet --help; those of one: train-alexnet eval --help.
The steps one by one: prep-imagenet shard --help, compute-pca --help.
`

const examples = `train-alexnet photos
   train-alexnet --train shards/train --val shards/val --pca pca.json --run runs/first
   train-alexnet --run runs/first --resume
   train-alexnet --config runs/first/run.json --run runs/second --lr 0.005 --dashboard :8080
   train-alexnet --train shards/train --val shards/val --run runs/paper --recipe paper
   train-alexnet eval --checkpoint runs/first/checkpoints/best.safetensors --data shards/val --ten-crop`

// Categories of the commands; the help sorts them.
const (
	inUse      = "Measure and predict"
	inExchange = "Move weights"
	inRuns     = "Runs and reports"
	inMachine  = "This machine"
)

// run is the whole command, without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	app := &cli.App{
		Name:        "train-alexnet",
		Usage:       "train AlexNet on shards of pictures",
		UsageText:   examples,
		ArgsUsage:   "[PICTURES]",
		Description: fmt.Sprintf(description, train.RecipeTable(setting.Flags{})),
		Commands: []*cli.Command{
			evalCommand(stdout, stderr), predictCommand(stdout, stderr), featuresCommand(stderr), serveCommand(stderr),
			exportCommand(stderr), importCommand(stderr),
			reportCommand(stderr), runsCommand(stdout), ablateCommand(stdout, stderr), figure1Command(stdout, stderr), netCommand(stdout),
			devicesCommand(stdout), benchCommand(stdout),
		},
	}
	s := new(settings)
	app.Flags = append(s.flags(), &cli.PathFlag{Name: "classes", Category: "Data", Usage: "of PICTURES, take only the classes in `FILE`, one ID and name a line, or those of a folder of shards", Destination: &s.classes})
	app.Action = func(c *cli.Context) error { return trainCommand(c, s, stdout, stderr) }
	command.Complete(app, values())
	return command.Run(ctx, app, args, stdout, stderr)
}
