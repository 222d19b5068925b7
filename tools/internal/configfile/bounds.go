package configfile

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits of a configuration file, at least ten times what people write. The parsers of
// YAML and TOML take time and memory with the square of a line's length and of the
// nesting: 24 KB can take minutes and gigabytes.
const (
	configLimit = 1 << 20 // bytes of JSON, such as another run's run.json
	plainLimit  = 1 << 16 // bytes of YAML and TOML
	plainLines  = 2000
	plainLine   = 2000 // bytes
	plainOpen   = 500  // opening brackets and braces
	plainDots   = 1000 // in TOML; a key of two words is a table in a table
)

// checkPlain refuses YAML or TOML beyond these limits.
func checkPlain(text []byte, isTOML bool) error {
	if len(text) > plainLimit {
		return fmt.Errorf("%d bytes: a configuration has at most %d", len(text), plainLimit)
	}
	n := 0
	for line := range bytes.Lines(text) {
		if n++; n > plainLines {
			return fmt.Errorf("a configuration has at most %d lines", plainLines)
		}
		if len(line) > plainLine {
			return fmt.Errorf("line %d has %d bytes: a line of a configuration has at most %d", n, len(line), plainLine)
		}
	}
	if bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) > plainOpen || isTOML && bytes.Count(text, []byte(".")) > plainDots {
		return errors.New("nested deeply: a configuration is a list of settings, each with a value or a list of values")
	}
	return nil
}
