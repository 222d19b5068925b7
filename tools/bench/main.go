// Command bench measures our programs and other programs (the peers) on the same
// data, in turns within one run.
package main

import (
	"context"
	"io"

	"github.com/urfave/cli/v2"

	"alexnet/tools/internal/command"
)

func main() { command.Main(run) }

const description = `Contestants take turns, round after round, so that a machine that is busy at times is busy for all of them;
the table has medians over the rounds.`

// run is the whole command, without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	app := &cli.App{
		Name:        "bench",
		Usage:       "measure ours and the peers side by side",
		UsageText:   "go run ./tools/bench loader --in imagenet/train --python venv/bin/python",
		Description: description,
		Commands:    []*cli.Command{loaderCommand(stdout, stderr), shardCommand(stdout, stderr), trainCommand(stdout, stderr), enginesCommand(stdout, stderr), curvesCommand(stdout), recipesCommand(stdout, stderr), scaleCommand(stdout)},
	}
	return command.Run(ctx, app, args, stdout, stderr)
}
