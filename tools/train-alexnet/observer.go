package main

import (
	"fmt"
	"sync/atomic"
	"time"

	"alexnet/engine"
	"alexnet/engine/train"
	"alexnet/engine/train/dashboard"
	"alexnet/engine/train/report"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/tools/internal/command"
)

// observer shows a run to the user: lines, pictures in the run folder, and the
// dashboard.
type observer struct {
	line  *command.Line
	words setting.Words
	live  dashboard.Observer
	job   *train.Job
	step  atomic.Int64 // nanoseconds of a step; 0 until it is known
	shown time.Time    // when a validation's line last stayed on the terminal
}

// finishing describes what the run finishes after Ctrl-C.
func (o *observer) finishing() string {
	switch d := time.Duration(o.step.Load()); {
	case d == 0:
		return ""
	case d < 2*time.Second:
		return "finishing this step"
	case d < time.Minute:
		return fmt.Sprintf("finishing this step, about %.0f s", d.Seconds())
	default:
		return "finishing this step, about " + printable.Span(d)
	}
}

// Note prints a line.
func (o *observer) Note(n train.Note) { o.line.Print("%s", printable.Verbatim(n.In(o.words))) }

// Begun sends earlier metrics to the dashboard.
func (o *observer) Begun(j *train.Job) {
	o.job = j
	o.live.Begun(j)
}

// Progress shows how training goes.
func (o *observer) Progress(p train.Progress) {
	if p.Event == train.Stepped && p.ImagesPerSec > 0 {
		o.step.Store(int64(float64(o.job.Config().Batch) / p.ImagesPerSec * float64(time.Second)))
	}
	switch {
	case p.Event == train.Validated && o.folds(p):
		o.line.UpdateFitting(p.Forms()...)
	case p.Event == train.Validated:
		o.shown = time.Now()
		o.line.PrintFitting(p.Forms()...)
	case p.Event != train.Logged:
		o.line.UpdateFitting(p.Forms()...)
	case !o.line.Terminal():
		o.line.Print("%s", printable.Verbatim(p.String()))
	}
	o.live.Progress(p)
}

// folds reports whether a validation's line is overwritten by the next one on a terminal:
// if epochs are short, one line stays for several seconds. The first and the last lines
// always stay.
func (o *observer) folds(p train.Progress) bool {
	return o.line.Terminal() && p.Epoch > 1 && p.Step < p.Steps && time.Since(o.shown) < foldTime
}

// foldTime is the shortest time between two lines of validations that stay on a terminal.
const foldTime = 10 * time.Second

// Validated draws pictures.
func (o *observer) Validated(m *engine.Model) {
	o.pictures().Draw(m)
	o.pictures().Guesses(o.job.Validation(), m)
}

// pictures returns the drawer of the pictures in the run folder.
func (o *observer) pictures() report.Pictures {
	return report.Pictures{Dir: o.job.Config().Run, Warn: undrawn(o.line)}
}

// Ended says how to continue a run that failed or was stopped.
func (o *observer) Ended(e train.End) {
	o.live.Ended(e)
	o.line.Clear()
	if e.Err != nil {
		o.Note(e.Leaves(o.job))
	}
	o.pictures().Draw(e.Model)
}

// show starts the dashboard of a run at an address; "" is none.
func (o *observer) show(address, run string) error {
	if address == "" {
		return nil
	}
	server, err := dashboard.Listen(address, run)
	if err != nil {
		return command.Usagef("--dashboard: %w", err)
	}
	o.line.Print("dashboard: %s", printable.Verbatim(server.URL())) // with its token
	o.live.Server = server
	return nil
}
