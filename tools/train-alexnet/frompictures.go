package main

import (
	"fmt"
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

// fromPictures makes the shards and statistics of a run from pictures, and prints the
// commands that do the same.
func (s *settings) fromPictures(c *cli.Context, stderr io.Writer) error {
	in := c.Args().First()
	switch _, err := os.Stat(in); {
	case c.NArg() > 1:
		return command.Usagef("unexpected %q: give one folder of pictures", c.Args().Get(1))
	case err != nil && !strings.ContainsAny(in, "{*"):
		return command.Usagef("unexpected %q: there is no such command, and no such folder of pictures%s (see %s --help)", in, printable.Verbatim(command.Suggest(c, in)), c.App.Name)
	}
	for _, name := range []string{"train", "val", "pca", "config", "from", "resume"} {
		if c.IsSet(name) {
			return command.Usagef("--%s: %s gives the pictures, and a run of them goes on by itself: leave one out", name, in)
		}
	}
	for _, name := range []string{"dry-run", "plan"} {
		if c.IsSet(name) {
			return command.Usagef("--%s works on shards, and %s holds pictures: prep-imagenet shard --in PICTURES --dry-run checks those; give shards with --train", name, in)
		}
	}
	if s.Run == "" {
		base := filepath.Base(filepath.Clean(in))
		s.Run = filepath.Join("runs", strings.TrimSuffix(base, filepath.Ext(base)))
	}
	if _, err := s.recipeFile(); err != nil {
		return err
	}
	_, err := train.ReadRecord(s.Run)
	begun := err == nil
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
	made, err := p.Make(c.Context, &s.Config, c.IsSet)
	line.Clear()
	if err != nil {
		return setting.In(err, words{given: c.IsSet})
	}
	if made.LeftOut > 0 {
		s.leftOut = command.WithCode(command.Skipped, fmt.Errorf("%d pictures of %s were left out, as report.jsonl in %s says", made.LeftOut, in, filepath.Join(s.Run, "shards")))
	}
	s.AutoResume = true
	if begun {
		return nil
	}
	line.Print("these commands do the same:")
	for i, command := range made.Commands {
		if i == len(made.Commands)-1 {
			command += given(c)
		}
		line.Print("  %s", printable.Verbatim(command))
	}
	return nil
}

// given returns the flags of the command line without those that the printed command
// has already.
func given(c *cli.Context) string {
	text := ""
	for _, name := range c.LocalFlagNames() {
		if name != "run" && name != "net" && !strings.Contains(text+" ", " --"+name+" ") {
			text += " --" + name + " " + train.ShellWord(fmt.Sprint(c.Value(name)))
		}
	}
	return text
}
