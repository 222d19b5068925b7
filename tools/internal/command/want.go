package command

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// Want says what a flag's value must be: "a whole number".
func Want(c *cli.Context, name string) string {
	for _, lineage := range c.Lineage() {
		var flags []cli.Flag
		if lineage.Command != nil {
			flags = lineage.Command.Flags
		}
		if lineage.App != nil {
			flags = append(flags[:len(flags):len(flags)], lineage.App.Flags...)
		}
		for _, f := range flags {
			for _, n := range f.Names() {
				if n == name {
					return want(f)
				}
			}
		}
	}
	return anyValue
}

const (
	wholeNumber = "a whole number"
	anyValue    = "a value"
)

func want(f cli.Flag) string {
	switch f.(type) {
	case *cli.IntFlag, *cli.Int64Flag:
		return wholeNumber
	case *cli.UintFlag, *cli.Uint64Flag:
		return wholeNumber + " from 0 on"
	case *cli.Float64Flag:
		return "a number"
	case *cli.DurationFlag:
		return "a time such as 90s, 10m or 8h"
	case *cli.BoolFlag:
		return "true or false"
	}
	return anyValue
}

// Set sets a flag as the command line would. Its error says what the value must be.
func Set(c *cli.Context, name, value string) error {
	kind := Want(c, name)
	if strings.HasPrefix(kind, wholeNumber) {
		value = octal.ReplaceAllString(value, "$1$2")
	}
	if c.Set(name, value) != nil {
		return fmt.Errorf("%q isn't %s", value, kind)
	}
	return nil
}

// octal matches a number that the library would read as octal.
var octal = regexp.MustCompile(`^([+-]?)0+([0-9][0-9_]*)$`)

// decimal removes leading zeros from whole numbers, so that 010 is ten.
func decimal(app *cli.App, args []string) []string {
	out := slices.Clone(args)
	flags := app.Flags
	for i := 1; i < len(out) && out[i] != "--"; i++ {
		word := strings.TrimLeft(out[i], "-")
		if word == out[i] {
			if c := app.Command(word); c != nil {
				flags = c.Flags
			}
			continue
		}
		name, value, given := strings.Cut(word, "=")
		for _, f := range flags {
			if !slices.Contains(f.Names(), name) || !strings.HasPrefix(want(f), wholeNumber) {
				continue
			}
			if given {
				out[i] = strings.TrimSuffix(out[i], value) + octal.ReplaceAllString(value, "$1$2")
			} else if i+1 < len(out) {
				i++
				out[i] = octal.ReplaceAllString(out[i], "$1$2")
			}
			break
		}
	}
	return out
}

// address matches the beginning of an address, also if it has become part of a path.
var address = regexp.MustCompile(`(?:^|[/ "])(?:https?|ftp|file|hdfs|s3|gs|gcs|az|abfs)://?[^/ ]`)

// Address adds a remark to the error of a missing file whose name is an address. Only
// folders of shards may be addresses.
func Address(err error) error {
	if err != nil && errors.Is(err, fs.ErrNotExist) && address.MatchString(err.Error()) {
		return fmt.Errorf("%w: that is an address, and only folders of shards are read from one: fetch the file and give its path", err)
	}
	return err
}
