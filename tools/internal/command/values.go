package command

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/internal/printable"
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

// propose prints proposals for a value at the end of a command line: of the last flag, or
// of the command's argument. It reports whether there is such a value.
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
			if values := known.of(name, f); slices.Contains(f.Names(), flag) && values != nil {
				printLines(w, values())
			}
		}
		return true // with no output shells propose files
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

// of returns the values of a command's flag, or nil.
func (v Values) of(command string, f cli.Flag) func() []string {
	if values := v[command+" "+f.Names()[0]]; values != nil {
		return values
	}
	return v[f.Names()[0]]
}

// nearValue adds the nearest known value to an error about a flag's value, or a command's
// argument, if the error is about that and a value is near.
func nearValue(app *cli.App, args []string, err error) error {
	known, _ := app.Metadata["values"].(Values)
	if err == nil || known == nil || len(args) == 0 {
		return err
	}
	near := func(values func() []string, given string) printable.Verbatim {
		for _, value := range strings.Split(given, ",") {
			if values == nil || value == "" || slices.Contains(values(), value) || !strings.Contains(err.Error(), value) {
				continue
			}
			if near := didYouMean(value, "", values()); near != "" {
				return printable.Verbatim(near)
			}
		}
		return ""
	}
	c, name := &cli.Command{Flags: app.Flags}, ""
	for i, word := range args[1:] {
		if sub := app.Command(word); sub != nil && name == "" {
			c, name = sub, word
		}
		flag, value, ok := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if !strings.HasPrefix(word, "-") {
			if n := near(known[name], word); name != "" && n != "" {
				return fmt.Errorf("%w%s", err, n)
			}
			continue
		}
		if !ok && i+2 < len(args) {
			value = args[i+2]
		}
		for _, f := range c.Flags {
			if !slices.Contains(f.Names(), flag) {
				continue
			}
			if n := near(known.of(name, f), value); n != "" {
				return fmt.Errorf("%w%s", err, n)
			}
		}
	}
	return err
}
