// Package dynlibtest plants libraries whose loading leaves a trace, for tests
// that nothing is loaded from where strangers can put it.
package dynlibtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Trap is a library that, when it is loaded, makes the file whose name is in
// $PLANTED.
type Trap struct {
	library []byte
	// Mark is the file that loading makes. Variable is PLANTED=Mark, for a
	// process's environment.
	Mark, Variable string
}

const source = `#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void run(void) {
	const char *mark = getenv("PLANTED");
	FILE *f = mark ? fopen(mark, "w") : NULL;
	if (f) fclose(f);
}
`

// New builds a trap. Without a C compiler the test is skipped.
func New(t *testing.T) *Trap {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler to build a planted library")
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "trap.c"), filepath.Join(dir, "trap.so")
	if err := os.WriteFile(in, []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command(cc, "-shared", "-fPIC", "-o", out, in).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	library, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(dir, "mark")
	return &Trap{library: library, Mark: mark, Variable: "PLANTED=" + mark}
}

// Plant puts the library into a folder, which it makes, under each of the names.
func (p *Trap) Plant(t *testing.T, folder string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(folder, name), p.library, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// Sprung reports whether the library has been loaded since it was last asked.
func (p *Trap) Sprung() bool { return os.Remove(p.Mark) == nil }

// Child reports whether the test runs in a process that Run started.
func Child() bool { return os.Getenv("PLANTED") != "" }

// Run runs the calling test again in a process of its own, in a folder and with
// further variables, and returns what it printed.
func (p *Trap) Run(t *testing.T, dir string, variables ...string) string {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	c.Dir = dir
	c.Env = append(append(os.Environ(), variables...), p.Variable)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
