package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestExtensions counts the files that know an extension besides its own, as the table in
// docs/contributing.md does: those that name it, without tests, generated files and
// those that only use it.
func TestExtensions(t *testing.T) {
	page, err := os.ReadFile("../../docs/contributing.md")
	if err != nil {
		t.Fatal(err)
	}
	tracked, err := exec.Command("git", "-C", "../..", "ls-files", "-co", "--exclude-standard", "--", "*.go", "*.cu", "*.h", "*.comp").Output()
	if err != nil {
		t.Skipf("git ls-files: %v", err)
	}
	for _, c := range []struct {
		row, word  string // the row of the table, and the extension that shows it
		uses, rows []string
	}{
		{"an augmentation", "erasing", nil, []string{"augment/recipe.go"}},
		{"a section of the report", "calibration", nil, []string{"engine/train/report/page.go"}},
		{"a layer", "avgpool", []string{
			"engine/foreign/chain.go", "engine/onnx/read.go", "engine/presets_cifar.go", "engine/without.go", "engine/enginetest/cases_compile.go",
		}, []string{
			"engine/cpu/lower.go", "engine/cuda/internal/kernels/lower.go", "engine/enginetest/reference.go",
			"engine/infer/script/module.go", "engine/layer.go", "engine/onnx/write.go", "engine/vulkan/lower.go",
		}},
	} {
		var found []string
		for file := range strings.Lines(string(tracked)) {
			file = strings.TrimSpace(file)
			if strings.HasSuffix(file, "_test.go") || strings.Contains(filepath.Base(file), c.word) || slices.Contains(c.uses, file) {
				continue
			}
			text, err := os.ReadFile(filepath.Join("../..", file))
			if err != nil {
				continue // removed, and not yet committed
			}
			if strings.Contains(strings.ToLower(string(text)), c.word) {
				found = append(found, file)
			}
		}
		if slices.Sort(found); !slices.Equal(found, c.rows) {
			t.Errorf("%s: %q is named in %q, want %q", c.row, c.word, found, c.rows)
		}
		line, _, _ := strings.Cut(string(page)[max(0, strings.Index(string(page), "\n| "+c.row+" |"))+1:], "\n")
		if want := fmt.Sprintf("| %d: ", len(c.rows)); !strings.Contains(line, want) {
			t.Errorf("docs/contributing.md, %s: %q, want %q", c.row, line, want)
		}
	}
}
