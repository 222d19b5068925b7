package command

import (
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

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

// Prose returns a writer of whole lines to w that wraps those too long for the terminal of
// w between words; without a terminal it is w.
func Prose(w io.Writer) io.Writer {
	if columns := Columns(w); columns > 0 {
		return prose{w, columns}
	}
	return w
}

type prose struct {
	to      io.Writer
	columns int
}

func (p prose) Write(b []byte) (int, error) {
	for line := range strings.Lines(string(b)) {
		if _, err := io.WriteString(p.to, fold(line, p.columns)); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// fold breaks a line between words so that it fits so many columns; the terminal breaks a
// longer word. What people paste stays in one piece: a command up to the end of its clause,
// and flags that follow each other with their values. A line that begins with a space is
// such a command, or a row of a table, and stays whole.
func fold(line string, columns int) string {
	if strings.HasPrefix(line, " ") || utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) <= columns {
		return line
	}
	const indent = "  "
	text, end := strings.CutSuffix(line, "\n")
	var b strings.Builder
	at := 0
	for i, piece := range pieces(text) {
		n := utf8.RuneCountInString(piece)
		switch {
		case i == 0:
		case at+1+n > columns:
			b.WriteString("\n" + indent)
			at = len(indent)
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(piece)
		at += n
	}
	if end {
		b.WriteByte('\n')
	}
	return b.String()
}

// pieces cuts a line where it may be broken.
func pieces(text string) (all []string) {
	var piece []string
	command, flags := false, false // piece is of one, or of some
	for _, word := range strings.Split(text, " ") {
		begins := slices.Contains(programs, word)
		flag := strings.HasPrefix(word, "--")
		value := flags && strings.HasPrefix(piece[len(piece)-1], "--") && !strings.Contains(piece[len(piece)-1], "=")
		if len(piece) > 0 && !(command || flags && (flag || value)) {
			all, piece, flags = append(all, strings.Join(piece, " ")), nil, false
		}
		piece = append(piece, word)
		command, flags = command || begins, flags || flag
		if strings.ContainsAny(word[max(0, len(word)-1):], ";:,)") {
			all, piece, command, flags = append(all, strings.Join(piece, " ")), nil, false, false
		}
	}
	if len(piece) > 0 {
		all = append(all, strings.Join(piece, " "))
	}
	return all
}

// programs are the commands that lines tell people to type.
var programs = []string{"train-alexnet", "prep-imagenet", "compute-pca"}
