package command

import (
	"io"
	"os"
	"regexp"
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
	var help strings.Builder
	cli.HelpPrinterCustom(&help, template, data, map[string]any{"wrapAt": func() int { return unwrapped }})
	text := help.String()
	if columns := Columns(w); columns > 0 {
		text = wrapHelp(text, columns)
	}
	io.WriteString(w, text)
}

// row is a line of two columns: a flag, command or recipe, and what it does.
var row = regexp.MustCompile(`^( +\S.*?  +)(\S.*)$`)

// wrapHelp breaks the lines of a help between words. The second column of a row stays a
// column, or begins a line of its own where that leaves too little room. In descriptions,
// paragraphs are filled anew. Commands under USAGE stay whole, for pasting.
func wrapHelp(help string, columns int) string {
	const (
		margin = "   " // of descriptions
		filled = 90    // a longer line of a description goes on in the next one
	)
	var lines []string
	section, goesOn := "", false
	for _, line := range strings.Split(help, "\n") {
		if line != "" && line[0] != ' ' {
			section = line
		}
		prose := section == "DESCRIPTION:" && strings.HasPrefix(line, margin) && line[len(margin)] != ' '
		if prose && goesOn {
			lines[len(lines)-1] += " " + strings.TrimSpace(line)
		} else {
			lines = append(lines, line)
		}
		goesOn = prose && utf8.RuneCountInString(line) >= filled
	}
	var b strings.Builder
	for _, line := range lines {
		if line != "" && line[0] != ' ' {
			section = line
		}
		if section == "USAGE:" {
			b.WriteString(line + "\n")
			continue
		}
		first := line[:len(line)-len(strings.TrimLeft(line, " "))]
		rest, text := first, line[len(first):]
		if m := row.FindStringSubmatch(line); m != nil && utf8.RuneCountInString(line) > columns {
			if first, text = m[1], m[2]; 2*utf8.RuneCountInString(first) > columns {
				rest += margin
				b.WriteString(strings.TrimRight(first, " ") + "\n")
				first = rest
			} else {
				rest = strings.Repeat(" ", utf8.RuneCountInString(first))
			}
		}
		b.WriteString(first + wrapPieces(strings.Split(text, " "), utf8.RuneCountInString(first), columns, rest) + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// wrapPieces joins pieces with spaces and breaks lines between them, from column at of the
// first line. Other lines begin with indent.
func wrapPieces(all []string, at, columns int, indent string) string {
	var b strings.Builder
	for i, piece := range all {
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
	return b.String()
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
	text, end := strings.CutSuffix(line, "\n")
	text = wrapPieces(pieces(text), 0, columns, "  ")
	if end {
		text += "\n"
	}
	return text
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
