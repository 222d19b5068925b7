package setting

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

// few are words of a command to which a and b were given.
type few struct{ Flags }

func (few) Given(names []string) (given []string) {
	for _, n := range names {
		if n == "a" || n == "b" {
			given = append(given, n)
		}
	}
	return given
}

// An error calls settings by their names, a command by its flags, however deep the
// error lies in others and whatever it wraps itself.
func TestIn(t *testing.T) {
	inner := Errorf("give another %s: %w", Name("run"), fs.ErrPermission)
	for _, c := range []struct {
		err          error
		plain, flags string
		invalid      bool
	}{
		{errors.New("disk full"), "disk full", "disk full", false},
		{Invalidf("%s: %s has 6 pictures", Value("batch", 7), "x"), "batch 7: x has 6 pictures", "--batch 7: x has 6 pictures", true},
		{fmt.Errorf("run: %w", inner), `run: give another "run": permission denied`, "run: give another --run: permission denied", false},
		{Invalidf("%s: %w", Name("out"), inner), `"out": give another "run": permission denied`, "--out: give another --run: permission denied", true},
		{errors.Join(inner, Errorf("too large%s", LeaveOut("a", "c", "b"))), "give another \"run\": permission denied\ntoo large: leave \"a\", \"c\" and \"b\" out",
			"give another --run: permission denied\ntoo large: leave --a and --b out", false},
		{Errorf("too large%s", LeaveOut("c")), `too large: leave "c" out`, "too large", false},
	} {
		said := In(c.err, few{})
		if c.err.Error() != c.plain || said.Error() != c.flags || Invalid(said) != c.invalid {
			t.Errorf("%q, %q, invalid %v; want %q, %q, %v", c.err, said, Invalid(said), c.plain, c.flags, c.invalid)
		}
		if again := In(fmt.Errorf("x: %w", said), plain{}); again.Error() != "x: "+c.flags {
			t.Errorf("said again as %q", again)
		}
	}
	if !errors.Is(In(fmt.Errorf("run: %w", inner), few{}), fs.ErrPermission) || In(nil, few{}) != nil {
		t.Error("what was wrapped is lost, or nil became an error")
	}
}

// A command that makes runs in its own folder has no flag of theirs.
func TestInstead(t *testing.T) {
	words := Instead{few{}, map[string]string{"run": "--out"}}
	err := Errorf("%s: give another %s, %s or %s", Value("run", "x"), Name("run"), Name("a"), Value("b", 1))
	if got, want := In(err, words).Error(), "--out x: give another --out, --a or --b 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestNote(t *testing.T) {
	if got := Notef("%s: no %s", "a\x1b[1m", Name("pca")).In(Flags{}); got != `"a\x1b[1m": no --pca` {
		t.Error(got)
	}
}
