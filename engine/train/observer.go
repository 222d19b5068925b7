package train

import (
	"fmt"
	"io"
	"os"

	"alexnet/engine"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
)

// Note is a line for people. String names settings by their keys in run.json; a
// command that has flags for them calls In.
type Note = setting.Text

// SettingError reports settings with bad values (Invalid), or an error that other
// settings avoid. It names them by their keys in run.json.
type SettingError = setting.Error

// Observer receives the progress of a run, on rank 0, by one goroutine at a time. The
// training waits until a call returns.
type Observer interface {
	// Note receives a line for people.
	Note(Note)
	// Begun is called when the run folder is in place, before the first step.
	Begun(*Job)
	// Progress is called after every step and every validation.
	Progress(Progress)
	// Validated is called after the Progress of a validation. Until it returns, the
	// model may be read and may classify pictures.
	Validated(*engine.Model)
	// Ended is called when training has ended or failed, before Run returns.
	Ended(End)
}

// End says how training ended.
type End struct {
	Stop  engine.Stop   // "" after an error
	Err   error         // also that of a context that is done
	Saved string        // the last checkpoint of this session; "" is none
	Model *engine.Model // to be read until Ended returns; nil if devices may have failed
}

// Leaves says from which checkpoint the job can continue after an error or a stop, and
// that it has no best one if nothing was validated yet.
func (e End) Leaves(j *Job) Note {
	saved, kept := "saved ", j.Checkpoints()
	if e.Saved == "" {
		saved = "nothing was saved after "
		var err error
		if e.Saved, err = kept.Latest(); err != nil || e.Saved == "" {
			return setting.Textf("nothing was saved yet")
		}
	}
	best := ""
	if _, err := os.Stat(kept.Best()); err != nil {
		best = " (nothing was validated yet, so there is no best checkpoint)"
	}
	how := any(setting.Textf("go on with: train-alexnet %s %s", setting.Suggest("run", printable.ShellWord(j.c.Run)), setting.Name("resume")))
	if j.c.AutoResume {
		how = printable.Verbatim("the same command goes on")
	}
	return setting.Notef("%s%s%s; %s", printable.Verbatim(saved), e.Saved, printable.Verbatim(best), how)
}

// Silent is an Observer that does nothing. A type that embeds it needs to define only
// the methods that it uses.
type Silent struct{}

func (Silent) Note(Note)               {}
func (Silent) Begun(*Job)              {}
func (Silent) Progress(Progress)       {}
func (Silent) Validated(*engine.Model) {}
func (Silent) Ended(End)               {}

// Lines returns an Observer that writes notes, a line every Config.LogEvery steps,
// and a line for every validation.
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
