// Package printable prepares strings of unknown origin for people: names of files,
// classes and layers, messages of a server, errors of other programs. Such a string
// may hold bytes that a terminal acts on, or that forge a line of a log.
//
// Name is for a string within a message, Fprintf for a message made of strings and
// errors, Error for an error's text. Writer is the last defence: its output acts on
// no terminal.
package printable

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"alexnet/internal/redact"
)

// Name returns s unchanged if all of its characters can be printed; otherwise it
// quotes and escapes s as Go does.
func Name(s string) string {
	if printable(s) {
		return s
	}
	return strconv.Quote(s)
}

// Count returns a number with its noun, in the plural if needed: "1 shard", "2
// shards".
func Count(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "s"):
		noun += "es"
	default:
		noun += "s"
	}
	return strconv.Itoa(n) + " " + noun
}

// Verbatim is the program's own text among values, printed as it is.
type Verbatim string

// Names returns the Name of each string, joined by commas.
func Names(all []string) string {
	shown := make([]string, len(all))
	for i, s := range all {
		shown[i] = Name(s)
	}
	return strings.Join(shown, ", ")
}

func printable(s string) bool {
	for i, r := range s {
		if !strconv.IsPrint(r) || invalid(r, s[i:]) {
			return false
		}
	}
	return true
}

// invalid reports whether r, read from the beginning of s, stands for a byte that isn't
// valid UTF-8.
func invalid(r rune, s string) bool { return r == utf8.RuneError && !strings.HasPrefix(s, "\uFFFD") }

// Fprintf is fmt.Fprintf with the Name of each string among the values and the
// Error of each error. The format is printed as it is.
func Fprintf(w io.Writer, format string, values ...any) (int, error) {
	return fmt.Fprintf(w, format, Values(values)...)
}

// Values prepares values for formatting: strings by Name, slices of strings by Name
// of each, errors by Error. Secrets in addresses are removed.
func Values(values []any) []any {
	shown := make([]any, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case string:
			shown[i] = Name(redact.Text(v))
		case []string:
			names := make([]string, len(v))
			for k, s := range v {
				names[k] = Name(redact.Text(s))
			}
			shown[i] = names
		case error:
			shown[i] = Error(v)
		default:
			shown[i] = v
		}
	}
	return shown
}

// Error returns an error's text. File names in it are shown by Name, if errors of
// package os name them; characters that cannot be printed are escaped; secrets in
// addresses are removed. Lines after the first are indented, so that they are seen to
// belong to it.
func Error(err error) string {
	text := err.Error()
	for _, name := range names(err) {
		if shown := Name(name); shown != name {
			text = strings.ReplaceAll(text, name, shown)
		}
	}
	return strings.ReplaceAll(Text(redact.Text(text)), "\n", "\n  ")
}

// names returns the file names in an error and in those that it wraps.
func names(err error) []string {
	var all []string
	switch e := err.(type) {
	case nil:
		return nil
	case *fs.PathError:
		all = append(all, e.Path)
	case *os.LinkError:
		all = append(all, e.Old, e.New)
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		all = append(all, names(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			all = append(all, names(err)...)
		}
	}
	return all
}

// Text escapes the characters of s that a terminal would act on, except line feeds
// and tabs: control characters, characters that change the direction of writing, and
// bytes that are not UTF-8. In a JSON text the escapes have the meaning of the
// characters.
func Text(s string) string {
	clean := true
	for i, r := range s {
		clean = clean && !acts(r) && !invalid(r, s[i:])
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case invalid(r, s[i:]):
			fmt.Fprintf(&b, `\ufffd`)
		case acts(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// acts reports whether r does more on a terminal than draw a character.
func acts(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case r < ' ', 0x7f <= r && r < 0xa0: // C0, DEL, C1
		return true
	case 0x200e <= r && r <= 0x200f, 0x2028 <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069: // directions, line ends
		return true
	}
	return false
}

// Writer writes the Text of its input to another writer.
type Writer struct {
	to   io.Writer
	mu   sync.Mutex
	tail []byte // an incomplete character
}

// NewWriter returns a Writer to w, which several goroutines may use.
func NewWriter(w io.Writer) *Writer { return &Writer{to: w} }

func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := p
	if len(w.tail) > 0 {
		text = append(w.tail, p...)
	}
	n := whole(text)
	w.tail = append([]byte(nil), text[n:]...)
	if _, err := io.WriteString(w.to, Text(string(text[:n]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// whole returns the length of b without an incomplete last character.
func whole(b []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return len(b) - i
			}
			break
		}
	}
	return len(b)
}

// Raw returns the writer below a Writer, or w itself. A program sends its own
// terminal commands to it.
func Raw(w io.Writer) io.Writer {
	if p, ok := w.(*Writer); ok {
		return p.to
	}
	return w
}
