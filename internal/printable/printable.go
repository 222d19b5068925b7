// Package printable shows people's strings to people: names of files, classes
// and layers, a server's words, other programs' errors. Such a string may hold
// bytes that a terminal acts on or that forge a line of a log.
//
// Name is for a string within a message, Fprintf for a message made of strings
// and errors, Error for an error's text. Writer is the last defence: what passes
// it acts on no terminal.
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

// Name is s as it is if each of its characters can be printed, else quoted and
// escaped as Go writes strings.
func Name(s string) string {
	if printable(s) {
		return s
	}
	return strconv.Quote(s)
}

// Count is a number and what there are so many of, as "1 shard" and "2 shards":
// the noun's plural where there isn't one of it.
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

// Names are the Name of each, joined by commas.
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

// invalid reports whether a rune that was read from the beginning of s stands for
// a byte that isn't part of UTF-8.
func invalid(r rune, s string) bool { return r == utf8.RuneError && !strings.HasPrefix(s, "\uFFFD") }

// Fprintf is fmt.Fprintf with the Name of each string among the values and the
// Error of each error. The format is printed as it is.
func Fprintf(w io.Writer, format string, values ...any) (int, error) {
	return fmt.Fprintf(w, format, Values(values)...)
}

// Values are values to be formatted: strings as their Name, slices of strings as
// those of each, errors as their Error. Addresses lose what is secret in them.
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

// Error is an error's text. Files' names in it are shown as their Name, as far as
// the errors of package os tell them, and characters that can't be printed are
// escaped; addresses lose what is secret in them. A line after the first is indented, so that it is seen to belong to
// the first.
func Error(err error) string {
	text := err.Error()
	for _, name := range names(err) {
		if shown := Name(name); shown != name {
			text = strings.ReplaceAll(text, name, shown)
		}
	}
	return strings.ReplaceAll(Text(redact.Text(text)), "\n", "\n  ")
}

// names are those of files in an error and those that it wraps.
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

// Text is s with what a terminal would act on escaped, but for line feeds and
// tabs: control characters, those that turn the direction of writing, and bytes
// that aren't UTF-8. In a JSON text the escapes mean what they stand for.
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

// acts reports whether a terminal does something other than to draw r.
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

// Writer passes on the Text of what is written to it.
type Writer struct {
	to   io.Writer
	mu   sync.Mutex
	tail []byte // of a character that isn't whole yet
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

// whole is the length of b without a last character that is cut off.
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

// Raw is what a Writer writes to, or w itself: for a program's own orders to a
// terminal.
func Raw(w io.Writer) io.Writer {
	if p, ok := w.(*Writer); ok {
		return p.to
	}
	return w
}
