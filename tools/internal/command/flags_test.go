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
