package printable

import (
	"os/exec"
	"strings"
	"testing"
)

// TestShellWord: bash takes the words for what they are, and runs nothing in them.
func TestShellWord(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("no bash")
	}
	for _, path := range []string{"plain/path-1", "my photos", "it's", "$(touch x)`id`", "esc\x1b[2J;$(touch x)", "ünï", "a\nb", `back\slash`, `\x41` + "\x01"} {
		word := ShellWord(path)
		if strings.ContainsFunc(word, func(r rune) bool { return r < ' ' }) {
			t.Errorf("%q is shown raw: %q", path, word)
		}
		if out, err := exec.Command(bash, "-c", "printf %s "+word).Output(); err != nil || string(out) != path {
			t.Errorf("%s is %q to bash, want %q", word, out, path)
		}
	}
}
