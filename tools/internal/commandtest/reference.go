// Package commandtest holds the tests that every tool has.
package commandtest

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Reference fails if a tool's page in docs/cli differs from the tool's own help. With
// UPDATE_DOCS=1 in the environment it writes the page.
func Reference(t *testing.T, name string, run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) {
	t.Helper()
	var page bytes.Buffer
	if err := run(t.Context(), []string{name, "reference"}, &page, io.Discard); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("..", "..", "docs", "cli", name+".md")
	if os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile(path, page.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old, page.Bytes()) {
		t.Errorf("%s is stale: UPDATE_DOCS=1 go test -run TestReference ./tools/%s", path, name)
	}
}
