// Package configfile sets a command's flags from a file in YAML, TOML or JSON.
package configfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/urfave/cli/v2"

	"alexnet/internal/file"
	"alexnet/internal/jsontext"
	"alexnet/internal/plaintext"
	"alexnet/tools/internal/command"
)

// Apply sets the flags that are missing from the command line, from a file with the
// flags' names as keys. not lists flags that the file may not hold. The run.json of
// another run holds them under "settings". Errors name the file.
func Apply(c *cli.Context, path string, not ...string) error {
	values, err := readConfig(path)
	if err != nil {
		return err
	}
	if inner, ok := values["settings"].(map[string]any); ok {
		values = inner
	}
	known := configurable(c, not)
	for name, value := range values {
		if !slices.Contains(known, name) {
			return command.Usagef("%s: no setting is called %q: the names are those of the flags, %s", path, name, strings.Join(known, ", "))
		}
		if c.IsSet(name) {
			continue
		}
		if value == nil {
			return command.Usagef("%s: %s: has no value: give %s, or leave the line out", path, name, command.Want(c, name))
		}
		word, err := flagText(value)
		if err == nil {
			err = command.Set(c, name, word)
		}
		if err != nil {
			return command.Usagef("%s: %s: %w", path, name, err)
		}
	}
	return nil
}

// readConfig reads TOML from a file with the ending .toml, and from any other YAML, which
// includes JSON.
func readConfig(path string) (map[string]any, error) {
	text, err := file.ReadAll(path, configLimit)
	if err != nil {
		return nil, err
	}
	if text, err = plaintext.Bytes(text); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	values := map[string]any{}
	isTOML := strings.EqualFold(filepath.Ext(path), ".toml")
	if !isTOML && json.Valid(text) {
		if err := jsontext.UnmarshalNumbers(text, &values); err != nil {
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
	err = yaml.Unmarshal(text, &values)
	if err == nil {
		err = checkYAML(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %s", path, strings.TrimSpace(yaml.FormatError(err, false, true)))
	}
	return values, nil
}

// checkYAML refuses a second document, which would be ignored, and numbers such as 010,
// which some versions of YAML read as eight and some as ten.
func checkYAML(text []byte) error {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return err
	}
	if len(tree.Docs) > 1 {
		return fmt.Errorf("holds %d documents, divided by ---: give one", len(tree.Docs))
	}
	var found octals
	for _, doc := range tree.Docs {
		if doc.Body != nil {
			ast.Walk(&found, doc.Body)
		}
	}
	return found.err
}

type octals struct{ err error }

// Visit looks at a node.
func (o *octals) Visit(n ast.Node) ast.Visitor {
	if number, ok := n.(*ast.IntegerNode); ok && o.err == nil {
		word := strings.TrimLeft(number.GetToken().Value, "+-")
		if digits := strings.TrimLeft(word, "0"); len(word) > 1 && word[0] == '0' && strings.Trim(digits, "0123456789_") == "" {
			o.err = fmt.Errorf("line %d: %s may be eight or ten in YAML: write it without the leading zero", number.GetToken().Position.Line, number.GetToken().Value)
		}
	}
	return o
}

// configurable returns the allowed names in a configuration file.
func configurable(c *cli.Context, not []string) []string {
	flags := c.App.Flags
	if c.Command != nil && len(c.Command.Flags) > 0 {
		flags = c.Command.Flags
	}
	var names []string
	for _, f := range flags {
		if name := f.Names()[0]; !slices.Contains(not, name) {
			names = append(names, name)
		}
	}
	return names
}

// flagText returns a value in the form of the command line. A list becomes words with
// commas, and a list of tables JSON.
func flagText(value any) (string, error) {
	switch v := value.(type) {
	case []any:
		words := make([]string, len(v))
		for i, item := range v {
			if _, ok := item.(map[string]any); ok {
				text, err := json.Marshal(v) // a list of tables
				return string(text), err
			}
			words[i] = fmt.Sprint(item)
		}
		return strings.Join(words, ","), nil
	case []map[string]any: // TOML's
		text, err := json.Marshal(v)
		return string(text), err
	case map[string]any:
		return "", fmt.Errorf("is a table of its own, want one value")
	}
	return fmt.Sprint(value), nil
}
