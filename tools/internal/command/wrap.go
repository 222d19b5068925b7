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

// Columns returns the width of the terminal of w; 0 where there is none, or one of less
// than 40 columns.
func Columns(w io.Writer) int {
	if f, ok := printable.Raw(w).(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n >= 40 {
			return n
		}
	}
	return 0
}

// wrapped prints help with lines that fit the terminal of w. Without a terminal, or in
// one too narrow for two columns, lines aren't wrapped.
func wrapped(w io.Writer, template string, data any) {
	width := Columns(w)
	if width == 0 {
		width = unwrapped
	}
	cli.HelpPrinterCustom(w, template, data, map[string]any{"wrapAt": func() int { return width }})
}
