package script

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"alexnet/engine"
)

// TestUsingPage: docs/using.md prints the module that export writes for alexnet.
func TestUsingPage(t *testing.T) {
	net, err := engine.Preset("alexnet", 1000)
	if err != nil {
		t.Fatal(err)
	}
	module, err := Module(net)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../../docs/using.md")
	if err != nil {
		t.Fatal(err)
	}
	want := "```python\nimport torch\nfrom torch import nn\n\n" + module + "```\n"
	before, rest, ok := strings.Cut(string(page), "```python\nimport torch\n")
	if _, after, end := strings.Cut(rest, "```\n"); ok && end && os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile("../../../docs/using.md", []byte(before+want+after), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !strings.Contains(string(page), want) {
		t.Errorf("docs/using.md is stale: UPDATE_DOCS=1 go test ./engine/infer/script")
	}
}

// TestNamesAreLiterals: no name of a net or a file becomes code.
func TestNamesAreLiterals(t *testing.T) {
	net, err := engine.Preset("alexnet-mini", 3)
	if err != nil {
		t.Fatal(err)
	}
	net.Name = "x\nimport os; os.abort()"
	s := Subject{Net: net, Weights: "a\"); os.abort(); (\"\n\u2028ü.onnx", Size: 72}
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return ONNX(b, s) },
		func(b *bytes.Buffer) error { return Torch(b, s) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{Head + `: net "x\nimport os; os.abort()", 3 classes`, `"a\"); os.abort(); (\"\n\u2028ü.onnx")`, "SIZE, CROP = 72, 64"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("no %q in\n%.900s", want, b.String())
			}
		}
	}
}
