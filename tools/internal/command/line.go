package command

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"alexnet/internal/printable"

	"golang.org/x/term"
)

// Line is a progress line. On a terminal it is rewritten in place, at most ten times
// a second; elsewhere only lines of Print appear. Several goroutines may use it.
type Line struct {
	w     io.Writer
	width int // of the terminal at the last measurement; 0: no terminal
	size  func() (width int, err error)
	// reflows means that the terminal wraps lines when it becomes narrower. All current ones
	// do, except xterm, which cuts them.
	reflows bool

	mu       sync.Mutex
	shown    int // characters of the progress on the terminal, or 0
	lastTime time.Time
}

// NewLine makes a progress line on w.
func NewLine(w io.Writer) *Line {
	l := &Line{w: w}
	if f, ok := printable.Raw(w).(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		l.width, l.size = 80, func() (int, error) {
			width, _, err := term.GetSize(int(f.Fd()))
			return width, err
		}
		l.reflows = os.Getenv("XTERM_VERSION") == "" || os.Getenv("TMUX") != ""
	}
	return l
}

// measure reads the terminal's width, because people resize windows.
func (l *Line) measure() {
	if l.size == nil {
		return
	}
	if width, err := l.size(); err == nil && width > 20 {
		l.width = width
	}
}

// Terminal reports whether the line is rewritten in place.
func (l *Line) Terminal() bool { return l.width > 0 }

// Update shows the progress; a call may be skipped. Strings among the values are
// escaped by printable.Name.
func (l *Line) Update(format string, values ...any) {
	l.UpdateFitting(printable.Text(fmt.Sprintf(format, printable.Values(values)...)))
}

// UpdateFitting is Update with the first of several forms that fits the terminal, the
// longest first. Their strings must be printable.
func (l *Line) UpdateFitting(forms ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.Terminal() || l.shown > 0 && time.Since(l.lastTime) < 100*time.Millisecond {
		return
	}
	text := []rune(l.fitting(forms))
	if len(text) >= l.width {
		text = text[:l.width-1]
	}
	fmt.Fprintf(printable.Raw(l.w), "%s%s\x1b[K", l.start(), string(text))
	l.shown, l.lastTime = len(text), time.Now()
}

// fitting is the first form that fits the terminal, or else the last; without a terminal
// it is the first.
func (l *Line) fitting(forms []string) string {
	l.measure()
	for _, form := range forms {
		if !l.Terminal() || utf8.RuneCountInString(form) < l.width {
			return form
		}
	}
	return forms[len(forms)-1]
}

// PrintFitting is Print of the first of several forms that fits the terminal, the longest
// first. Their strings must be printable.
func (l *Line) PrintFitting(forms ...string) {
	l.mu.Lock()
	text := l.fitting(forms)
	l.mu.Unlock()
	l.Print("%s", printable.Verbatim(text))
}

// Print writes a permanent line in place of the progress, with strings as in Update.
func (l *Line) Print(format string, values ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
	text := fmt.Sprintf(strings.TrimSuffix(format, "\n")+"\n", printable.Values(values)...)
	if l.measure(); l.Terminal() {
		text = fold(text, l.width)
	}
	io.WriteString(l.w, text)
}

// Clear removes the progress from a terminal.
func (l *Line) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
}

func (l *Line) clear() {
	if l.shown > 0 {
		l.measure()
		fmt.Fprint(printable.Raw(l.w), l.start()+"\x1b[K")
		l.shown = 0
	}
}

// start moves the cursor to the start of the progress. If the terminal has become
// narrower and wrapped it, all of its rows are erased.
func (l *Line) start() string {
	wrapped := 0
	if l.reflows && l.shown > 0 {
		wrapped = (l.shown - 1) / l.width
	}
	if wrapped == 0 {
		return "\r"
	}
	return fmt.Sprintf("\r\x1b[%dA\x1b[J", wrapped)
}
