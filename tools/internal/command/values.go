package command

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Values are the values that shells propose for flags and for the arguments of
// commands, by the name of the flag or of the command. For other flags shells propose
// files.
type Values map[string]func() []string

// These returns constant values.
func These(values ...string) func() []string { return func() []string { return values } }

// Complete makes shell completion of an app's flags propose values.
func Complete(app *cli.App, v Values) {
	if app.Metadata == nil {
		app.Metadata = map[string]any{}
	}
	app.Metadata["values"] = v
}

// propose prints what may follow the words of a command line where that is a value: of
// the flag before, or the argument of a command. It says whether it has.
func propose(app *cli.App, args []string, w io.Writer) bool {
	if len(args) < 2 || args[len(args)-1] != completing {
		return false
	}
	words := args[1 : len(args)-1]
	known, _ := app.Metadata["values"].(Values)
	c := &cli.Command{Flags: app.Flags}
	name := ""
	for _, word := range words {
		if sub := app.Command(word); sub != nil {
			c, name = sub, word
			break
		}
	}
	if len(words) > 0 && strings.HasPrefix(words[len(words)-1], "-") {
		flag := strings.TrimLeft(words[len(words)-1], "-")
		if !takesValue(c, flag) {
			return false
		}
		for _, f := range c.Flags {
			if values := known[f.Names()[0]]; slices.Contains(f.Names(), flag) && values != nil {
				printLines(w, values())
			}
		}
		return true // with nothing printed shells propose files
	}
	if values := known[name]; name != "" && values != nil {
		printLines(w, values())
		return true
	}
	if _, words, ok := strings.Cut(c.ArgsUsage, "|"); ok && name != "" && !strings.Contains(words, " ") {
		printLines(w, strings.Split(c.ArgsUsage, "|"))
		return true
	}
	return false
}

func printLines(w io.Writer, lines []string) {
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
}
