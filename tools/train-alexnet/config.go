package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/goccy/go-yaml"
	"github.com/urfave/cli/v2"

	"alexnet/internal/file"
	"alexnet/tools/internal/command"
)

// notInConfig are the flags that a configuration file doesn't hold.
var notInConfig = []string{"config", "resume", "autoresume", "plan", "dry-run", "dashboard", "help"}

// configure sets the flags that the command line leaves out from a file with
// the flags' names as keys. The run.json of another run holds them under
// "settings".
func configure(c *cli.Context, path string) error {
	values, err := readConfig(path)
	if err != nil {
		return err
	}
	if inner, ok := values["settings"].(map[string]any); ok {
		values = inner
	}
	known := configurable(c)
	for name, value := range values {
		if !slices.Contains(known, name) {
			return command.Usagef("%s: no setting is called %q: the names are those of the flags, %s", path, name, strings.Join(known, ", "))
		}
		if value == nil || c.IsSet(name) {
			continue
		}
		word, err := flagText(value)
		if err == nil {
			err = c.Set(name, word)
		}
		if err != nil {
			return command.Usagef("%s: %s: %w", path, name, err)
		}
	}
	return nil
}

// readConfig reads TOML from a file that is called .toml, and YAML, of which
// JSON is a part, from any other.
func readConfig(path string) (map[string]any, error) {
	text, err := file.ReadAll(path, configLimit)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	values := map[string]any{}
	isTOML := strings.EqualFold(filepath.Ext(path), ".toml")
	if !isTOML && json.Valid(text) {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&values); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return values, nil
	}
	if err := checkPlain(text, isTOML); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if isTOML {
		err := toml.Unmarshal(text, &values)
		if at := (toml.ParseError{}); errors.As(err, &at) {
			err = errors.New(strings.TrimSpace(at.ErrorWithPosition()))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return values, nil
	}
	if err := yaml.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("%s: %s", path, strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	return values, nil
}

// configurable are the names that a configuration file may hold.
func configurable(c *cli.Context) []string {
	flags := c.App.Flags
	if c.Command != nil && len(c.Command.Flags) > 0 {
		flags = c.Command.Flags
	}
	var names []string
	for _, f := range flags {
		if name := f.Names()[0]; !slices.Contains(notInConfig, name) {
			names = append(names, name)
		}
	}
	return names
}

// flagText is a value as it would stand on the command line; a list becomes
// words with commas between.
func flagText(value any) (string, error) {
	switch v := value.(type) {
	case []any:
		words := make([]string, len(v))
		for i, item := range v {
			words[i] = fmt.Sprint(item)
		}
		return strings.Join(words, ","), nil
	case map[string]any:
		return "", fmt.Errorf("is a table of its own, want one value")
	}
	return fmt.Sprint(value), nil
}
