// Command bench times this project's commands and their peers side by side, on
// the same pictures, in one run. It is run from the root of the module.
package main

import (
	"context"
	"io"

	"github.com/urfave/cli/v2"

	"alexnet/tools/internal/command"
)

func main() { command.Main(run) }

// run is the whole command, without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	app := &cli.App{
		Name:     "bench",
		Usage:    "time ours and the peers side by side",
		Commands: []*cli.Command{shardCommand(stdout, stderr)},
	}
	return command.Run(ctx, app, args, stdout, stderr)
}
