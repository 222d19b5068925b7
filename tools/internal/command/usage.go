package command

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/internal/printable"
)

// The library's errors about flags. It writes -name for a flag in any form.
var (
	undefined = regexp.MustCompile(`^flag provided but not defined: -+([^=]+)`)
	valueless = regexp.MustCompile(`^flag needs an argument: -+(.+)`)
	refused   = regexp.MustCompile(`^invalid (?:boolean )?value (".*") for (?:flag )?-+([^:]+): `)
)

// usage makes errors about a command line that can't be read.
type usage struct {
	typed []string // the command line, the program first
}

// prepare makes errors about flags and stray words of commands the program's own.
func (u usage) prepare(commands []*cli.Command) {
	for _, c := range commands {
		own := c.OnUsageError
		c.OnUsageError = u.wrong
		if own != nil {
			c.OnUsageError = func(c *cli.Context, err error, sub bool) error { return own(c, u.wrong(c, err, sub), sub) }
		}
		c.HideHelpCommand = true
		c.UsageText = examples(c.UsageText)
		quiet(c.Flags)
		if c.Args || c.ArgsUsage != "" {
			continue
		}
		c.Before = u.strays(c.Before, c.Subcommands)
		u.prepare(c.Subcommands)
	}
}

// wrong describes what is wrong with a flag.
func (u usage) wrong(c *cli.Context, err error, _ bool) error {
	if m := refused.FindStringSubmatch(err.Error()); m != nil {
		return Usagef("--%s %s: want %s (see %s --help)", m[2], m[1], Want(c, m[2]), called(c))
	}
	if m := valueless.FindStringSubmatch(err.Error()); m != nil {
		want := ""
		if kind := Want(c, m[1]); kind != anyValue {
			want = ": " + kind
		}
		return Usagef("%s needs a value%s (see %s --help)", u.flag(m[1]), printable.Verbatim(want), called(c))
	}
	m := undefined.FindStringSubmatch(err.Error())
	if m == nil {
		return Usagef("%w (see %s --help)", err, called(c))
	}
	if word, ok := u.noCommand(c); ok { // the flags may belong to that word
		return u.unknownCommand(word, c.App)
	}
	near := didYouMean(m[1], "--", flagNames(c))
	if near == "" {
		near = itsFlags(c)
	}
	return Usagef("there is no flag %s%s (see %s --help)", u.flag(m[1]), printable.Verbatim(near), called(c))
}

// flag returns a flag as it was typed.
func (u usage) flag(name string) string {
	for _, word := range u.typed[min(1, len(u.typed)):] {
		bare := strings.TrimLeft(word, "-")
		if flag, _, _ := strings.Cut(bare, "="); bare != word && flag == name {
			return strings.TrimSuffix(word, bare) + name
		}
	}
	return "--" + name
}

// noCommand returns the word in a command's place, if it looks like the name of a command
// but is neither a command nor a file.
func (u usage) noCommand(c *cli.Context) (word string, ok bool) {
	if called(c) != c.App.Name || len(u.typed) < 2 || !slices.ContainsFunc(c.App.Commands, ofItsOwn) {
		return "", false
	}
	word = u.typed[1]
	_, err := os.Stat(word)
	return word, err != nil && plainName.MatchString(word) && c.App.Command(word) == nil
}

// plainName matches the characters of commands' names.
var plainName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// unknownCommand is the error about a word in a command's place.
func (u usage) unknownCommand(word string, app *cli.App) error {
	file := ""
	if app.ArgsUsage != "" {
		file = ", and no such file"
	}
	if _, err := os.Stat(word); err == nil {
		return Usagef("unexpected %q: name a command before a file or folder (see %s --help)", word, app.Name)
	}
	return Usagef("there is no command %q%s%s (see %s --help)", word, printable.Verbatim(file), printable.Verbatim(nearCommand(word, app.Commands)), app.Name)
}

// called returns the words that lead to c: the program and, if there is one, the command.
func called(c *cli.Context) string {
	if c.Command == nil || c.Command.Name == "" || c.Command.Name == c.App.Name {
		return c.App.Name
	}
	return c.App.Name + " " + c.Command.Name
}

// ofItsOwn reports whether a command belongs to this tool alone.
func ofItsOwn(c *cli.Command) bool { return !c.Hidden && c.Name != "completion" }

// strays refuses words that are neither flags nor subcommands.
func (u usage) strays(next cli.BeforeFunc, commands []*cli.Command) cli.BeforeFunc {
	return func(c *cli.Context) error {
		word := c.Args().First()
		known := slices.ContainsFunc(commands, func(sub *cli.Command) bool { return sub.HasName(word) })
		switch {
		case word == "" || known:
		case called(c) == c.App.Name && slices.ContainsFunc(commands, ofItsOwn):
			return u.unknownCommand(word, c.App)
		default:
			return Usagef("unexpected %q: %s (see %s --help)", word, printable.Verbatim(u.place(c, word)), called(c))
		}
		if next != nil {
			return next(c)
		}
		return nil
	}
}

// inputs are the flags for a command's inputs. If a command has several, a word without a
// flag is probably meant for the first of them.
var inputs = []string{"run", "checkpoint", "weights", "shards", "in", "train", "data"}

// place says which flag a stray word probably belongs to.
func (u usage) place(c *cli.Context, word string) string {
	known := flagNames(c)
	if near := didYouMean(word, "--", known); near != "" {
		return strings.TrimPrefix(near, ": ")
	}
	if _, err := os.Stat(word); err == nil {
		for _, name := range inputs {
			if slices.Contains(known, name) {
				return "a file or folder is given with a flag, here perhaps --" + name + " " + printable.ShellWord(word)
			}
		}
	}
	return "a file or folder is given with a flag"
}

// Required is the error about a flag that has to be given. An argument that looks as if it
// was meant for the flag --checkpoint is named.
func Required(c *cli.Context, name string) error {
	near, word := "", c.Args().First()
	_, err := os.Stat(filepath.Join(word, "checkpoints"))
	if name == "checkpoint" && word != "" && (err == nil || filepath.Ext(word) == ".safetensors") {
		near = ", here perhaps --" + name + " " + printable.ShellWord(word)
	}
	return Usagef("--%s is required%s (see %s --help)", name, printable.Verbatim(near), called(c))
}
