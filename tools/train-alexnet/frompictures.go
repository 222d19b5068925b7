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
// commands that do the same. With --dry-run it prints the plan instead. done reports that
// nothing is left to do.
func (s *settings) fromPictures(c *cli.Context, stdout, stderr io.Writer) (done bool, err error) {
	if err := s.checkPictures(c); err != nil {
		return false, err
	}
	_, err = train.ReadRecord(s.Run)
	begun, dry := err == nil, s.dryRun || s.plan
	line := command.NewLine(stderr)
	made, said, err := s.makeShards(c, line, dry)
	if err != nil {
		return false, setting.In(err, setting.Renamed{Words: said, As: namesOfShard(c.App.Flags)})
	}
	s.AutoResume = true
	if dry && made.Planned != nil {
		if err := s.printPlan(made, said, line, stdout); err != nil {
			return false, setting.In(err, said)
		}
	}
	if begun {
		return false, nil
	}
	printCommands(c, made.Commands, line)
	return dry, nil
}

// checkPictures checks everything that needs no pictures, and chooses the run folder.
func (s *settings) checkPictures(c *cli.Context) error {
	in := c.Args().First()
	_, notRun := os.Stat(filepath.Join(in, train.RecordName))
	switch _, err := os.Stat(in); {
	case notRun == nil, c.Bool("resume") && s.Run == "":
		return command.Usagef("unexpected %q: the folder of a run is given with --run: --run %s --resume goes on with it", in, printable.Verbatim(printable.ShellWord(in)))
	case err != nil && !strings.ContainsAny(in, "{*"):
		return command.Usagef("unexpected %q: there is no such command, and no such folder of pictures%s (see %s --help)", in, printable.Verbatim(command.Suggest(c, in)), c.App.Name)
	case c.NArg() > 1:
		return command.Usagef("unexpected %q: give one folder of pictures", c.Args().Get(1))
	}
	for _, name := range []string{"train", "val", "pca", "config", "resume"} {
		if c.IsSet(name) {
			return command.Usagef("--%s: %s gives the pictures, and a run of them goes on by itself: leave one out", name, in)
		}
	}
	if s.Run == "" {
		base := filepath.Base(filepath.Clean(in))
		s.Run = filepath.Join("runs", strings.TrimSuffix(base, filepath.Ext(base)))
	}
	if _, err := s.recipeFile(); err != nil {
		return err
	}
	if s.dashboard != "" {
		if err := dashboard.CheckAddress(s.dashboard); err != nil {
			return command.Usagef("--dashboard: %w", err)
		}
	}
	return nil
}

// makeShards makes the shards and statistics, or with dry only counts the pictures. It
// also returns the user's names of settings.
func (s *settings) makeShards(c *cli.Context, line *command.Line, dry bool) (*train.Made, setting.Words, error) {
	in, shown := c.Args().First(), time.Now()
	p := train.Pictures{
		In: in, Classes: s.classes, Dry: dry,
		Note: func(sentence string) { line.Print("note: %s", sentence) },
		Progress: func(split string, p pipeline.ShardProgress) {
			if time.Since(shown) > time.Second/4 {
				shown = time.Now()
				line.Update("making shards/%s: %d of %s", split, p.Done, printable.Count(p.Total, "picture"))
			}
		},
	}
	made, err := p.Make(c.Context, &s.Config, c.IsSet)
	line.Clear()
	named := train.Config{}
	if made != nil {
		named.Recipe = made.Recipe
	}
	if err == nil && made.LeftOut > 0 {
		s.leftOut = command.WithCode(command.Skipped, fmt.Errorf("%s of %s left out, as report.jsonl in %s says", printable.Count(made.LeftOut, "picture"), in, filepath.Join(s.Run, "shards")))
	}
	return made, origins(named, c.IsSet), err
}

// printPlan prints the run that --dry-run or --plan asks for.
func (s *settings) printPlan(made *train.Made, said setting.Words, line *command.Line, stdout io.Writer) error {
	for _, note := range made.Notes {
		line.Print("%s", note.In(said))
	}
	if s.plan {
		return made.Planned.PrintPlan(stdout)
	}
	return made.Planned.Print(stdout)
}

// printCommands prints the commands that do the same; the last one includes the given
// flags.
func printCommands(c *cli.Context, commands []string, line *command.Line) {
	line.Print("these commands do the same:")
	commands[len(commands)-1] += command.GivenFlags(c, "run", "net", "classes", "dry-run", "plan")
	for _, text := range commands {
		line.Print("  %s", printable.Verbatim(text))
	}
}

// namesOfShard names settings of making shards. If this command has no flag for one, it
// uses the flag of prep-imagenet shard.
func namesOfShard(flags []cli.Flag) func(name string) string {
	return func(name string) string {
		if slices.ContainsFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) }) {
			return ""
		}
		return "prep-imagenet shard --" + name
	}
}
