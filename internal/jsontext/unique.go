package jsontext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"alexnet/internal/printable"
)

// unique returns an error if an object in a JSON text has a key twice. It accepts a
// text that is not JSON.
func unique(text []byte) error {
	type level struct {
		keys  map[string]bool // nil in an array
		key   string          // key of the next value
		begun bool            // a key has been read, and its value is next
	}
	var open []level
	path := func(key string) string {
		var names []string
		for _, l := range open[:len(open)-1] {
			if l.keys != nil {
				names = append(names, l.key)
			}
		}
		return strings.Join(append(names, key), ".")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return nil
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			open = open[:len(open)-1]
			continue
		}
		if n := len(open); n > 0 && open[n-1].keys != nil {
			l := &open[n-1]
			if !l.begun {
				key := token.(string)
				if l.keys[key] {
					return fmt.Errorf("%s is there twice: leave one of the two", printable.Name(path(key)))
				}
				l.keys[key], l.key, l.begun = true, key, true
				continue
			}
			l.begun = false
		}
		switch token {
		case json.Delim('{'):
			open = append(open, level{keys: map[string]bool{}})
		case json.Delim('['):
			open = append(open, level{})
		}
	}
}
