package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// plainEvery is the time between progress lines without a terminal.
const plainEvery = 10 * time.Second

// progress shows the progress of a job: on a terminal a bar that is rewritten in place,
// elsewhere occasional lines.
type progress struct {
	line    *command.Line
	what    string
	started time.Time
	printed time.Time
}

func newProgress(w io.Writer, what string) *progress {
	now := time.Now()
	return &progress{line: command.NewLine(w), what: what, started: now, printed: now}
}

// update shows that done of total are done; note is appended.
func (p *progress) update(done, total int, note string) {
	now := time.Now()
	if p.line.Terminal() {
		p.line.Update("%s", p.text(now, done, total, note))
	} else if now.Sub(p.printed) >= plainEvery {
		p.line.Print("%s", p.text(now, done, total, note))
		p.printed = now
	}
}

// slow names the picture that the job waits for, if there is one.
func (p *progress) slow(s pipeline.Slow) {
	if s.Name != "" {
		p.line.Print("%s has taken %.0f s so far", s.Name, s.Seconds)
	}
}

func (p *progress) text(now time.Time, done, total int, note string) string {
	const width = 24
	rate := float64(done) / max(now.Sub(p.started).Seconds(), 1e-3)
	left := time.Duration(float64(total-done) / max(rate, 1e-9) * float64(time.Second))
	bar := ""
	if p.line.Terminal() {
		full := width * done / max(total, 1)
		bar = " [" + strings.Repeat("=", full) + strings.Repeat(" ", width-full) + "]"
	}
	return fmt.Sprintf("%s%s %d/%d  %.0f images/s  %s left%s", p.what, bar, done, total, rate, printable.Span(left), note)
}

// end clears the bar and returns the images per second of the whole job.
func (p *progress) end(done int) float64 {
	p.line.Clear()
	return float64(done) / max(time.Since(p.started).Seconds(), 1e-3)
}
