package command

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/internal/printable"
)

// flagsFirst moves the flags of a command before its arguments, so that "inspect DIR
// --sheet FILE" works: the library stops reading flags at the first argument. Words after
// "--" stay unchanged.
func flagsFirst(app *cli.App, args []string) []string {
	at := slices.IndexFunc(args, func(a string) bool {
		return slices.ContainsFunc(app.Commands, func(c *cli.Command) bool { return c.HasName(a) })
	})
	if len(args) == 0 || args[len(args)-1] == completing {
		return args
	}
	c := &cli.Command{Flags: app.Flags, ArgsUsage: app.ArgsUsage}
	if at >= 1 {
		c = app.Command(args[at])
	} else {
		at = 0
	}
	if !c.Args && c.ArgsUsage == "" {
		return args
	}
	var flags, words []string
	rest := args[at+1:]
	for i := 0; i < len(rest); i++ {
		a := rest[i]
		if a == "--" {
			words = append(words, rest[i:]...)
			break
		}
		if len(a) < 2 || a[0] != '-' {
			words = append(words, a)
			continue
		}
		flags = append(flags, a)
		if takesValue(c, strings.TrimLeft(a, "-")) && i+1 < len(rest) {
			i++
			flags = append(flags, rest[i])
		}
	}
	return slices.Concat(args[:at+1], flags, words)
}

// takesValue reports whether the word after the flag is its value.
func takesValue(c *cli.Command, name string) bool {
	for _, f := range c.Flags {
		if slices.Contains(f.Names(), name) {
			d, ok := f.(cli.DocGenerationFlag)
			return ok && d.TakesValue()
		}
	}
	return false
}

// GivenFlags returns the flags of the command line, each with a space before it, as a
// shell takes them: " --batch 16". It leaves out those that are named.
func GivenFlags(c *cli.Context, without ...string) (text string) {
	for _, name := range c.LocalFlagNames() {
		if !slices.Contains(without, name) && !strings.Contains(text+" ", " --"+name+" ") {
			value := " "
			if _, ok := c.Value(name).(bool); ok { // a separate word would be an argument
				value = "="
			}
			text += " --" + name + value + printable.ShellWord(fmt.Sprint(c.Value(name)))
		}
	}
	return text
}

// Print prints a result as one JSON object with --json, and else by text.
func Print(c *cli.Context, w io.Writer, result any, text func(io.Writer) error) error {
	if c.Bool("json") {
		return json.NewEncoder(w).Encode(result)
	}
	return text(w)
}
