package command

import (
	"io"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"alexnet/internal/printable"
)

// unwrapped is longer than any line of a help.
const unwrapped = 10_000

// wrapped prints help with lines that fit the terminal of w; elsewhere, and in a terminal
// that is too narrow for two columns, they stay whole.
func wrapped(w io.Writer, template string, data any) {
	width := unwrapped
	if f, ok := printable.Raw(w).(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n >= 40 {
			width = n
		}
	}
	cli.HelpPrinterCustom(w, template, data, map[string]any{"wrapAt": func() int { return width }})
}
