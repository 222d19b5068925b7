// Package script writes Python programs that run exported nets: one for ONNX Runtime,
// and one that defines the net as a PyTorch module. Each program fits one net, its
// size and its classes, and classifies pictures.
package script

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/template"

	"alexnet/engine"
)

// Head is the first line of every script.
const Head = "# Written by train-alexnet export"

// Subject describes the net that a script is for.
type Subject struct {
	Net     *engine.Net
	Weights string // name of the model's file, which lies beside the script
	Size    int    // pixels a side of the squares that crops are cut from
}

var (
	//go:embed common.py
	commonText string
	//go:embed onnx.py
	onnxText string
	//go:embed torch.py
	torchText string

	onnxTemplate  = template.Must(template.New("onnx").Parse(onnxText))
	torchTemplate = template.Must(template.New("torch").Parse(torchText))
)

// ONNX writes the script that runs an ONNX model.
func ONNX(w io.Writer, s Subject) error { return write(w, onnxTemplate, s, "") }

// Torch writes the script that defines the net as a PyTorch module and loads its
// state dict. A layer without a known module is an error.
func Torch(w io.Writer, s Subject) error {
	module, err := Module(s.Net)
	if err != nil {
		return err
	}
	return write(w, torchTemplate, s, module)
}

func write(w io.Writer, t *template.Template, s Subject, module string) error {
	name, err := literal(s.Weights)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{
		"Head": Head, "Net": fmt.Sprintf("%q", s.Net.Name), "Classes": s.Net.Classes, "Weights": name,
		"Size": s.Size, "Crop": s.Net.Input.Size, "Module": module, "Common": commonText,
	})
}

// literal returns a string as Python source.
func literal(text string) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b) // doesn't escape non-ASCII characters, and Python reads UTF-8
	e.SetEscapeHTML(false)
	err := e.Encode(text)
	return strings.TrimSpace(b.String()), err
}
