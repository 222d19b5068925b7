package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEncodeName(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"café.jpg", "café.jpg"},
		{"caf\xe9.jpg", `caf\xe9.jpg`},
		{"caf\xe8.jpg", `caf\xe8.jpg`},
		{"\xff\xfe", `\xff\xfe`},
		{"\xe2\x82", `\xe2\x82`}, // a euro sign cut short
		{`caf\xe9.jpg`, `caf\x5cxe9.jpg`},
		{`\x5c`, `\x5cx5c`},
		{`a\xE9`, `a\xE9`}, // no escape: upper case
		{`a\x`, `a\x`},
		{"\ufffd", "\ufffd"},
		{"a\x1b[2J", "a\x1b[2J"}, // UTF-8, if nothing to print
	} {
		if got := EncodeName(c.name); got != c.want {
			t.Errorf("%q is encoded as %q, want %q", c.name, got, c.want)
		}
		if got := DecodeName(c.want); got != c.name {
			t.Errorf("%q is decoded as %q, want %q", c.want, got, c.name)
		}
	}
	if got := DecodeName(`a\x2f..\x00`); got != `a\x2f..\x00` {
		t.Errorf("a slash or a NUL came out of %q", got)
	}
}

// FuzzEncodeName: what is encoded is UTF-8 and comes back, so no two names
// become one.
func FuzzEncodeName(f *testing.F) {
	f.Add("caf\xe9")
	f.Add(`\x5c\xe9` + "\xe9")
	f.Fuzz(func(t *testing.T, name string) {
		encoded := EncodeName(name)
		if !utf8.ValidString(encoded) || DecodeName(encoded) != name {
			t.Errorf("%q, encoded %q, decoded %q", name, encoded, DecodeName(encoded))
		}
		if strings.Count(DecodeName(name), "/") != strings.Count(name, "/") {
			t.Errorf("decoding %q makes a slash", name)
		}
	})
}

// TestNamesThatAreNotUTF8: two classes and two pictures whose names differ in a
// byte that isn't UTF-8 stay two, and can be opened.
func TestNamesThatAreNotUTF8(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"caf\xe8/1.jpg", "caf\xe9/a\xe8.jpg", "caf\xe9/a\xe9.jpg", "z/1.jpg"} {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Skip("this file system takes no such names: ", err)
		}
		if err := os.WriteFile(p, []byte(name), 0o666); err != nil {
			t.Skip("this file system takes no such names: ", err)
		}
	}
	s, err := Open(t.Context(), root, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `caf\xe8:caf\xe8/1.jpg caf\xe9:caf\xe9/a\xe8.jpg caf\xe9:caf\xe9/a\xe9.jpg z:z/1.jpg`
	if got := list(s); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for _, it := range s.Items() {
		if got := read(t, s, it); got != DecodeName(it.Name) {
			t.Errorf("%s holds %q", it.Name, got)
		}
	}
	if s, err = Open(t.Context(), root, Options{Classes: named("z", `caf\xe9`)}); err != nil {
		t.Fatal(err)
	}
	if got, want := list(s), `z:z/1.jpg caf\xe9:caf\xe9/a\xe8.jpg caf\xe9:caf\xe9/a\xe9.jpg`; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	checkOpenError(t, root, Options{Classes: named("ä")}, `it has caf\xe8, caf\xe9, z`)
}
