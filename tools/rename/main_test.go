package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRename renames a module of a few files: imports, strings that are packages,
// and documents change, and other words that look alike don't.
func TestRename(t *testing.T) {
	root := t.TempDir()
	files := []struct{ name, before, after string }{
		{"go.mod", "module alexnet\n\ngo 1.26.0\n", "module example.org/z/net\n\ngo 1.26.0\n"},
		{"tools/generate/avo.mod", "module alexnet\n\nrequire x v1.0.0\n", "module example.org/z/net\n\nrequire x v1.0.0\n"},
		{"tools/peer/go.mod", "module alexnet/tools/peer\n", "module example.org/z/net/tools/peer\n"},
		{"tools/other/go.mod", "module alexnets\n", "module alexnets\n"},
		{"engine/engine.go", "package engine // of \"alexnet/engine\"\n", "package engine // of \"alexnet/engine\"\n"},
		{"main.go",
			"package main\n\nimport (\n\t\"alexnet/engine\"\n\tb \"example.org/a\"\n)\n\nvar _ = engine.X(\"alexnet\", \"alexnet/none\", `alexnet/engine`, b.Y, '\"')\n",
			"package main\n\nimport (\n\tb \"example.org/a\"\n\t\"example.org/z/net/engine\"\n)\n\nvar _ = engine.X(\"alexnet\", \"alexnet/none\", \"example.org/z/net/engine\", b.Y, '\"')\n"},
		{"docs/library.md", "import \"alexnet/engine\" and alexnet/engine, \"alexnet\"\n", "import \"example.org/z/net/engine\" and alexnet/engine, \"alexnet\"\n"},
		{"notes.txt", "\"alexnet/engine\"\n", "\"alexnet/engine\"\n"},
		{"build/x.go", "package x\n\nimport \"alexnet/engine\"\n", "package x\n\nimport \"alexnet/engine\"\n"},
	}
	for _, f := range files {
		path := filepath.Join(root, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(f.before), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(root, "not a path"); err == nil {
		t.Error("\"not a path\" is accepted")
	}
	for range 2 { // the second time there is nothing to do
		if err := run(root, "example.org/z/net"); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if text, err := os.ReadFile(filepath.Join(root, f.name)); err != nil || string(text) != f.after {
				t.Errorf("%s is %q, %v, want %q", f.name, text, err, f.after)
			}
		}
	}
}
