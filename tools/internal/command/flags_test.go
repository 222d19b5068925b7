package command

import (
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestFlagsFirst(t *testing.T) {
	app := &cli.App{Name: "tool", Commands: []*cli.Command{
		{Name: "view", ArgsUsage: "DIR…", Flags: []cli.Flag{&cli.StringFlag{Name: "sheet", Aliases: []string{"s"}}, &cli.BoolFlag{Name: "json"}}},
		{Name: "make", Flags: []cli.Flag{&cli.StringFlag{Name: "out"}}},
	}}
	for args, want := range map[string]string{
		"tool view DIR --sheet FILE":               "tool view --sheet FILE DIR",
		"tool view A --json B -s FILE":             "tool view --json -s FILE A B",
		"tool view --sheet=FILE DIR --json":        "tool view --sheet=FILE --json DIR",
		"tool view DIR -- --sheet":                 "tool view DIR -- --sheet",
		"tool view DIR --sheet":                    "tool view --sheet DIR",
		"tool view - --json":                       "tool view --json -",
		"tool make stray --out view":               "tool make stray --out view",
		"tool --help":                              "tool --help",
		"tool other DIR --sheet FILE":              "tool other DIR --sheet FILE",
		"tool view DIR --unknown --sheet X --help": "tool view --unknown --sheet X --help DIR",
	} {
		if got := strings.Join(flagsFirst(app, strings.Fields(args)), " "); got != want {
			t.Errorf("%s: got %s, want %s", args, got, want)
		}
	}
}

// TestGivenFlags: what is printed can be pasted.
func TestGivenFlags(t *testing.T) {
	flags := []cli.Flag{&cli.BoolFlag{Name: "find-lr"}, &cli.IntFlag{Name: "batch"}, &cli.StringFlag{Name: "run"}, &cli.StringFlag{Name: "name"}, &cli.IntFlag{Name: "steps"}}
	app := &cli.App{Flags: flags, Action: func(c *cli.Context) error {
		if got, want := GivenFlags(c, "run"), " --batch 16 --find-lr=true --name 'a b'"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		return nil
	}}
	if err := app.Run([]string{"x", "--run", "r", "--find-lr", "--batch", "16", "--name", "a b"}); err != nil {
		t.Fatal(err)
	}
}
