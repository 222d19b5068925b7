package train

import (
	"fmt"
	"io"

	"alexnet/engine"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// Note is a line for people. String calls settings by their names in run.json; a
// command that has flags for them calls In.
type Note = setting.Text

// SettingError is an error of settings that make no sense (Invalid), or that other
// settings mend. It calls them by their names in run.json.
type SettingError = setting.Error

// Observer is told how a run goes, on rank 0, by one goroutine at a time. The
// training waits for it.
type Observer interface {
	// Note tells people something.
	Note(Note)
	// Begun says that the run folder is in place and the first step follows.
	Begun(*Job)
	// Progress follows every step and every validation.
	Progress(Progress)
	// Validated follows the Progress of a validation, once its checkpoint is saved:
	// until it returns, weights may be read and pictures classified.
	Validated(*engine.Model)
	// Ended says that training has ended or failed, before Run returns.
	Ended(End)
}

// End is how training ended.
type End struct {
	Stop  engine.Stop   // "" after an error
	Err   error         // also that of a context that is done
	Saved string        // the last checkpoint of this session; "" is none
	Model *engine.Model // to be read until Ended returns; nil if devices may have failed
}

// Silent is an Observer that does nothing. Embedded in another type it leaves out the
// methods that the type doesn't need.
type Silent struct{}

func (Silent) Note(Note)               {}
func (Silent) Begun(*Job)              {}
func (Silent) Progress(Progress)       {}
func (Silent) Validated(*engine.Model) {}
func (Silent) Ended(End)               {}

// Lines is an Observer that writes notes, a line every Config.LogEvery steps, and a
// line for every validation.
func Lines(w io.Writer) Observer { return lines{w: w} }

type lines struct {
	Silent
	w io.Writer
}

func (l lines) Note(n Note) { fmt.Fprintln(l.w, printable.Text(n.String())) }

func (l lines) Progress(p Progress) {
	if p.Event == Logged || p.Event == Validated {
		fmt.Fprintln(l.w, p)
	}
}
