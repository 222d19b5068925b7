package train

import (
	"fmt"
	"math"
	"time"

	"alexnet/engine"
	"alexnet/internal/file"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// Event is the kind of a Progress.
type Event int

const (
	Stepped    Event = iota // a step is done; the figures are means since the last Logged
	Logged                  // Config.LogEvery steps are done; the figures are written
	Validating              // an epoch's training is done; there are no figures
	Validated               // an epoch's validation is done; the figures are written
)

// Progress is the progress of a run.
type Progress struct {
	Event Event
	Line
	Epochs  int    // of the whole run
	Steps   uint64 // the number of steps after which the run ends at the latest
	Classes int    // of the net
	Pace    Pace   // of training
	Left    time.Duration
	Best    bool // the lowest validation error of the run so far
}

// Line is one line of metrics.jsonl.
type Line struct {
	engine.Metrics
	Bottleneck  string  `json:"bottleneck,omitempty"` // a BoundBy value
	Loader      *Shares `json:"loader,omitempty"`
	SecondsLeft int     `json:"seconds_left"` // of the whole run, as far as known
}

// String returns a line for people.
func (p Progress) String() string {
	switch p.Event {
	case Validating:
		return "validating …"
	case Validated:
		better := ""
		if p.Best {
			better = "  (the best so far)"
		}
		return fmt.Sprintf("epoch %d/%d  validation: loss %s  %s  %.0f images/s%s", p.Epoch, p.Epochs, printable.Fixed(p.Loss, 3), p.errors(), p.ImagesPerSec, better)
	}
	limit := ""
	if p.Pace.Bottleneck != BoundByTraining {
		limit = fmt.Sprintf(" (%v)", p.Pace)
	}
	return fmt.Sprintf("epoch %d/%d  step %d/%d  loss %s  %s  %.1f images/s%s  %s left",
		p.Epoch, p.Epochs, p.Step, p.Steps, printable.Fixed(p.Loss, 3), p.errors(), p.ImagesPerSec, limit, printable.Span(p.Left))
}

// errors formats the top-1 error, and the top-5 error if it can differ from 0.
func (p Progress) errors() string {
	text := fmt.Sprintf("top-1 error %.1f %%", 100*p.Top1Error)
	if engine.Top5Tells(p.Classes) {
		text += fmt.Sprintf("  top-5 error %.1f %%", 100*p.Top5Error)
	}
	return text
}

// Forms returns String and shorter forms: one for a line of 80 columns, one for a
// narrow line. They name the bottleneck if it is not the training itself.
func (p Progress) Forms() []string {
	switch p.Event {
	case Validating:
		return []string{p.String()}
	case Validated:
		best := ""
		if p.Best {
			best = "  (best)"
		}
		return []string{
			p.String(),
			fmt.Sprintf("epoch %d/%d  validation: loss %s  error %.1f %%%s", p.Epoch, p.Epochs, printable.Fixed(p.Loss, 3), 100*p.Top1Error, best),
			fmt.Sprintf("%d/%d  validation error %.1f %%%s", p.Epoch, p.Epochs, 100*p.Top1Error, best),
		}
	}
	limit := ""
	if p.Pace.Bottleneck != BoundByTraining {
		limit = "  limit: " + p.Pace.Bottleneck
	}
	left := printable.Span(p.Left)
	return []string{
		p.String(),
		fmt.Sprintf("epoch %d/%d  step %d  loss %s  error %.1f %%  %.0f images/s  %s left%s", p.Epoch, p.Epochs, p.Step, printable.Fixed(p.Loss, 3), 100*p.Top1Error, p.ImagesPerSec, left, limit),
		fmt.Sprintf("epoch %d/%d  error %.1f %%  %.0f images/s  %s left", p.Epoch, p.Epochs, 100*p.Top1Error, p.ImagesPerSec, left),
		fmt.Sprintf("%d/%d  error %.1f %%  %s left", p.Epoch, p.Epochs, 100*p.Top1Error, left),
	}
}

// watcher receives the trainer's events, writes metrics and calls the observer.
type watcher struct {
	observer Observer
	log      *log
	model    *engine.Model
	schedule engine.Schedule
	stop     func()                                // interrupts the training
	failure  error                                 // why it was interrupted
	spent    func(waiting float64, mark bool) Pace // how the time since the last mark was spent

	epochs  int
	steps   uint64 // at which training ends
	maxTime time.Duration
	began   time.Time
	first   uint64 // step at which this session began

	best  float64 // lowest validation error; NaN before the first
	last  string  // latest checkpoint
	fresh bool    // a validation that the observer hasn't drawn yet
}

// watcher returns the watcher of a session that begins with a state.
func (j *Job) watcher(log *log, state engine.Checkpoint, stop func()) *watcher {
	w := &watcher{
		observer: j.observer, log: log, stop: stop,
		epochs: j.c.Epochs, steps: j.Steps(), maxTime: j.c.MaxTime, began: time.Now(), first: state.Position.Step,
		best: math.NaN(),
	}
	if state.Schedule.Epochs > 0 {
		w.best = state.Schedule.Best
	}
	return w
}

// Step tells how training goes.
func (w *watcher) Step(m engine.Metrics) {
	w.observer.Progress(w.progress(Stepped, m, w.spent(m.Waiting, false)))
}

// Log records the steps since the last Log.
func (w *watcher) Log(m engine.Metrics) {
	p := w.progress(Logged, m, w.spent(m.Waiting, true))
	p.Bottleneck, p.Loader = p.Pace.Bottleneck, &p.Pace.Loader
	w.write(p)
}

// Validating tells what is being waited for.
func (w *watcher) Validating() { w.observer.Progress(Progress{Event: Validating}) }

// Validated records an epoch's validation.
func (w *watcher) Validated(m engine.Metrics) {
	p := w.progress(Validated, m, Pace{})
	if !(m.Top1Error >= w.best) {
		w.best, p.Best = m.Top1Error, true
	}
	w.write(p)
	w.fresh = true
}

// Saved remembers the checkpoint. Only now may the observer draw: where the disk gets
// full, the weights are on it.
func (w *watcher) Saved(path string) {
	w.last = path
	if w.fresh {
		w.fresh = false
		w.observer.Validated(w.model)
	}
}

// Hint tells a person what may be wrong.
func (w *watcher) Hint(message string) { w.note("hint: %s", message) }

// RateChanged tells of a new learning rate.
func (w *watcher) RateChanged(rate float64) {
	floor := ""
	if p, ok := w.schedule.(*engine.Plateau); ok && p.Floor() {
		floor = ", and no lower any more"
	}
	w.note("the validation error has stopped falling: learning rate %.3g from here%s", rate, floor)
}

func (w *watcher) note(format string, values ...any) {
	w.observer.Note(setting.Notef(format, values...))
}

func (w *watcher) progress(e Event, m engine.Metrics, pace Pace) Progress {
	left := w.left(m.Step)
	return Progress{Event: e, Line: Line{Metrics: m, SecondsLeft: int(left.Seconds())}, Epochs: w.epochs, Steps: w.steps, Classes: w.model.Net.Classes, Pace: pace, Left: left}
}

// write records figures and tells the observer.
func (w *watcher) write(p Progress) {
	if err := w.log.write(p.Line); err != nil && w.failure == nil {
		w.failure = file.Doing("write metrics", err)
		w.stop()
	}
	w.observer.Progress(p)
}

// left returns the remaining time at this session's rate, with validation and saving.
func (w *watcher) left(step uint64) time.Duration {
	elapsed := time.Since(w.began)
	if step <= w.first || step >= w.steps {
		return 0
	}
	left := time.Duration(float64(elapsed) / float64(step-w.first) * float64(w.steps-step))
	if w.maxTime > 0 {
		left = max(0, min(left, w.maxTime-elapsed))
	}
	return left
}
