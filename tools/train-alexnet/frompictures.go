package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/engine/train"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// fromPictures makes the shards and statistics of a run out of pictures, and says
// by which commands people do the same.
func (s *settings) fromPictures(c *cli.Context, stderr io.Writer) error {
	in := c.Args().First()
	switch _, err := os.Stat(in); {
	case c.NArg() > 1:
		return command.Usagef("unexpected %q: give one folder of pictures", c.Args().Get(1))
	case err != nil && !strings.ContainsAny(in, "{*"):
		return command.Usagef("unexpected %q: there is no such command, and no such folder of pictures%s (see %s --help)", in, printable.Verbatim(command.Suggest(c, in)), c.App.Name)
	}
	for _, name := range []string{"train", "val", "pca", "config"} {
		if c.IsSet(name) {
			return command.Usagef("--%s: %s gives the pictures: leave one out", name, in)
		}
	}
	if s.Run == "" {
		base := filepath.Base(filepath.Clean(in))
		s.Run = filepath.Join("runs", strings.TrimSuffix(base, filepath.Ext(base)))
	}
	line := command.NewLine(stderr)
	shown := time.Now()
	p := train.Pictures{
		In:   in,
		Note: func(sentence string) { line.Print("note: %s", sentence) },
		Progress: func(split string, p pipeline.ShardProgress) {
			if time.Since(shown) > time.Second/4 {
				shown = time.Now()
				line.Update("making shards/%s: %d of %d pictures", split, p.Done, p.Total)
			}
		},
	}
	commands, err := p.Make(c.Context, &s.Config, !c.IsSet("net"))
	line.Clear()
	if err != nil {
		return setting.In(err, words{given: c.IsSet})
	}
	s.AutoResume = true
	line.Print("these commands do the same:")
	for _, command := range commands {
		line.Print("  %s", printable.Verbatim(command))
	}
	return nil
}
