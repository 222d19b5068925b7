package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestCommand: paths are the system's, also where the folder's name has a blank.
func TestCommand(t *testing.T) {
	out := filepath.Join("a b", "demo")
	for _, s := range steps {
		for _, line := range s.commands {
			c, err := command("bin", out, line)
			if err != nil {
				t.Fatal(err)
			}
			if !filepath.IsAbs(c.Path) {
				t.Errorf("%s: the program is %s", line, c.Path)
			}
			found := 0
			for _, word := range c.Args[1:] {
				if strings.HasPrefix(word, out+string(filepath.Separator)) {
					found++
				}
				if strings.Contains(word, "OUT") {
					t.Errorf("%s: %s", line, word)
				}
			}
			if want := strings.Count(line, "OUT/"); found != want {
				t.Errorf("%s: %d paths in %q, want %d", line, found, c.Args, want)
			}
		}
	}
}
