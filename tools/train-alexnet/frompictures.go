package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/engine/train"
	"alexnet/engine/train/dashboard"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// fromPictures makes the shards and statistics of a run from pictures, and prints the
// commands that do the same. With --dry-run it prints the plan instead.
func (s *settings) fromPictures(c *cli.Context, stdout, stderr io.Writer) (done bool, err error) {
	in := c.Args().First()
	_, notRun := os.Stat(filepath.Join(in, train.RecordName))
	switch _, err := os.Stat(in); {
	case notRun == nil, c.Bool("resume") && s.Run == "":
		return false, command.Usagef("unexpected %q: the folder of a run is given with --run: --run %s --resume goes on with it", in, printable.Verbatim(printable.ShellWord(in)))
	case c.NArg() > 1:
		return false, command.Usagef("unexpected %q: give one folder of pictures", c.Args().Get(1))
	case err != nil && !strings.ContainsAny(in, "{*"):
		return false, command.Usagef("unexpected %q: there is no such command, and no such folder of pictures%s (see %s --help)", in, printable.Verbatim(command.Suggest(c, in)), c.App.Name)
	}
	for _, name := range []string{"train", "val", "pca", "config", "from", "resume"} {
		if c.IsSet(name) {
			return false, command.Usagef("--%s: %s gives the pictures, and a run of them goes on by itself: leave one out", name, in)
		}
	}
	if s.Run == "" {
		base := filepath.Base(filepath.Clean(in))
		s.Run = filepath.Join("runs", strings.TrimSuffix(base, filepath.Ext(base)))
	}
	if _, err := s.recipeFile(); err != nil {
		return false, err
	}
	if s.dashboard != "" {
		if err := dashboard.CheckAddress(s.dashboard); err != nil {
			return false, command.Usagef("--dashboard: %w", err)
		}
	}
	_, err = train.ReadRecord(s.Run)
	begun, dry := err == nil, s.dryRun || s.plan
	line := command.NewLine(stderr)
	shown := time.Now()
	p := train.Pictures{
		In: in, Dry: dry,
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
		return false, setting.In(err, words{given: c.IsSet})
	}
	if made.LeftOut > 0 {
		s.leftOut = command.WithCode(command.Skipped, fmt.Errorf("%d pictures of %s were left out, as report.jsonl in %s says", made.LeftOut, in, filepath.Join(s.Run, "shards")))
	}
	s.AutoResume = true
	if dry && made.Planned != nil {
		for _, note := range made.Notes {
			line.Print("%s", note.In(words{given: c.IsSet}))
		}
		print := made.Planned.Print
		if s.plan {
			print = made.Planned.PrintPlan
		}
		if err := print(stdout); err != nil {
			return false, setting.In(err, words{given: c.IsSet})
		}
	}
	if begun {
		return false, nil
	}
	line.Print("these commands do the same:")
	for i, command := range made.Commands {
		if i == len(made.Commands)-1 {
			command += given(c)
		}
		line.Print("  %s", printable.Verbatim(command))
	}
	return dry, nil
}

// given returns the flags of the command line without those that the printed command
// has already.
func given(c *cli.Context) string {
	text := ""
	for _, name := range c.LocalFlagNames() {
		if !slices.Contains([]string{"run", "net", "dry-run", "plan"}, name) && !strings.Contains(text+" ", " --"+name+" ") {
			text += " --" + name + " " + printable.ShellWord(fmt.Sprint(c.Value(name)))
		}
	}
	return text
}
