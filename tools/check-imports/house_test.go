package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rooms are the boxes of the drawing in docs/architecture.md; a package belongs to
// the longest that it lies under.
var rooms = []string{
	"augment", "pipeline", "engine", "engine/cpu", "engine/cuda", "engine/vulkan", "engine/bridge", "engine/devices",
	"engine/collective", "engine/feed", "engine/train", "engine/infer", "tools",
}

// room of a local package, "" for those that every room may use.
func room(pkg string) string {
	best := ""
	for _, r := range rooms {
		if under(pkg, "./"+r) && len(r) > len(best) {
			best = r
		}
	}
	return best
}

// TestHouse holds the drawing of rooms in docs/architecture.md against what packages
// import, tests left out. UPDATE_DOCS=1 draws it anew.
func TestHouse(t *testing.T) {
	list, err := exec.Command("go", "list", "-json=ImportPath,Imports", "../../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	name, err := exec.Command("go", "list", "-m").Output()
	if err != nil {
		t.Fatal(err)
	}
	module := strings.TrimSpace(string(name))
	arrows := map[string]map[string]bool{}
	for d := json.NewDecoder(bytes.NewReader(list)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		from := room(local(p.ImportPath, module))
		if from == "" || strings.HasSuffix(p.ImportPath, "test") || strings.Contains(p.ImportPath, "enginetest") {
			continue
		}
		if arrows[from] == nil {
			arrows[from] = map[string]bool{}
		}
		for _, i := range p.Imports {
			if to := room(local(i, module)); to != "" && to != from {
				arrows[from][to] = true
			}
		}
	}
	var drawn strings.Builder
	drawn.WriteString("```mermaid\ngraph TD\n")
	for _, from := range rooms {
		for _, to := range slices.Sorted(maps.Keys(arrows[from])) {
			drawn.WriteString("  " + from + " --> " + to + "\n")
		}
	}
	drawn.WriteString("```\n")
	const page, begin, end = "../../docs/architecture.md", "<!-- house -->\n", "<!-- end -->\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(text), begin)
	have, tail, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no drawing between %q and %q", page, begin, end)
	}
	if have == drawn.String() {
		return
	}
	if os.Getenv("UPDATE_DOCS") == "" {
		t.Fatalf("%s draws\n%s\nand packages import\n%s\nUPDATE_DOCS=1 go test ./tools/check-imports draws it anew", page, have, drawn.String())
	}
	if err := os.WriteFile(page, []byte(head+begin+drawn.String()+end+tail), 0o666); err != nil {
		t.Fatal(err)
	}
}
