package source

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// TestArchivesOfOthers reads what Python's tarfile, WebDataset's writers, GNU tar and
// the compressors make, and compares every picture's class and bytes. It needs a
// Python with Pillow and, for its forms, webdataset, named by $PEERS_PYTHON.
func TestArchivesOfOthers(t *testing.T) {
	python := os.Getenv("PEERS_PYTHON")
	if python == "" {
		t.Skip("PEERS_PYTHON names no Python with Pillow")
	}
	dir := t.TempDir()
	if out, err := exec.Command(python, "testdata/archives.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var sets map[string]struct {
		In, Split string
		Pictures  [][2]string
	}
	if err := json.Unmarshal(text, &sets); err != nil || len(sets) == 0 {
		t.Fatal(len(sets), err)
	}
	for name, want := range sets {
		t.Run(name, func(t *testing.T) {
			s, err := Open(t.Context(), want.In, Options{Split: want.Split})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var got [][2]string
			for _, it := range s.Items() {
				got = append(got, [2]string{s.Classes()[it.Label].ID, fmt.Sprintf("%x", sha256.Sum256([]byte(read(t, s, it))))})
			}
			slices.SortFunc(got, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
			if !slices.Equal(got, want.Pictures) {
				t.Errorf("%d pictures, want %d:\n%v\n%v", len(got), len(want.Pictures), got, want.Pictures)
			}
		})
	}
}
