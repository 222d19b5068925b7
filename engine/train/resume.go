package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"alexnet/engine"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// begunWith lists the settings that act only at the beginning of a run, with the reason.
var begunWith = []struct{ name, why string }{
	{"batch", "its position counts such batches"},
	{"seed", "its order and its colours follow from that"},
	{"mean", "its checkpoints hold that mean"},
	{"init", "its weights have come from those"},
	{"from", "its weights have come from those"},
	{"from-layers", "its weights have come from those"},
}

// ofMachine lists the settings for where and how fast a run trains. Another machine may
// need other values, even if nothing is left to do.
var ofMachine = []string{"devices", "precision", "deterministic", "threads", "parallel", "wire", "workers", "cache-dir", "cache-size", "no-mmap"}

// besides lists further settings that don't change the result of a step: the length of a
// run, its output, and the place of its data (their hashes are compared).
var besides = []string{
	"recipe", "train", "val", "kernels", "on-bad", "epochs", "steps", "max-time", "early-stop", "log-every", "checkpoint-every", "keep",
}

// Matches returns an error if the run of r learns by other settings than c, so that it
// can't be compared with runs of c.
func (c Config) Matches(r *Record) error {
	saved, err := r.Config()
	if err != nil {
		return err
	}
	if c, err = c.absolute(); err != nil {
		return err
	}
	if c.Shuffle == pipeline.ShuffleDefault.String() {
		c.Shuffle = saved.Shuffle
	}
	differ, err := changes(r.Settings, saved, c)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(differ)) {
		if !slices.Contains(ofMachine, name) && !slices.Contains(besides, name) {
			return setting.Invalidf("%s: %s was begun with %s: give that value, or other folders for other runs", setting.Value(name, differ[name].now), r.Path, differ[name].old)
		}
	}
	return nil
}

// Inherit takes every setting that was not given from the run that c goes on with, if
// there is one. Prepare reports a record that can't be read.
func (c *Config) Inherit(given func(name string) bool) error {
	if !c.Resumes() || c.Run == "" {
		return nil
	}
	r, err := ReadRecord(c.Run)
	if err != nil {
		return nil
	}
	var old map[string]json.RawMessage
	if err := json.Unmarshal(r.Settings, &old); err != nil {
		return fmt.Errorf("%s: settings: %w", r.Path, err)
	}
	maps.DeleteFunc(old, func(name string, _ json.RawMessage) bool { return name == "run" || given(name) }) // the folder may have moved
	merged, err := json.Marshal(old)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(merged, c); err != nil {
		return fmt.Errorf("%s: settings: %w", r.Path, err)
	}
	if kind, err := engine.ScheduleNamed(c.Schedule); err == nil && !given("drop-at") && !kind.DropAt {
		c.DropAt = "" // of the run's own schedule
	}
	return nil
}

// compare finds the settings that differ from the resumed run's, and refuses those
// that cannot act on a run that has begun.
func (j *Job) compare() error {
	saved, err := j.record.Config()
	if err == nil {
		if j.c.Shuffle == pipeline.ShuffleDefault.String() {
			j.c.Shuffle = saved.Shuffle // the default is the run's own
		}
		var now Config
		if now, err = j.c.absolute(); err == nil {
			j.changed, err = changes(j.record.Settings, saved, now)
		}
	}
	if err != nil {
		return err
	}
	if j.c.DropAt == "" && !j.c.scheduleKind().DropAt {
		delete(j.changed, "drop-at") // it was of the run's own schedule
	}
	for _, f := range begunWith {
		if c, ok := j.changed[f.name]; ok {
			return setting.Invalidf("%s: the run was begun with %s, and %s: leave %s out, or begin a new run", setting.Value(f.name, c.now), c.old, f.why, setting.Name(f.name))
		}
	}
	_, noisy := j.c.noiseForm()
	for _, f := range []struct {
		name string
		idle bool
		why  string
	}{
		{"noise", j.c.PCA == "", "the run has no colour statistics"},
		{"pca", !noisy, "the run has no colour noise, and its checkpoints hold the mean"},
		{"patience", !j.c.scheduleKind().Patience, "the learning rate doesn't wait for the validation error"},
	} {
		if c, ok := j.changed[f.name]; ok && f.idle {
			return setting.Invalidf("%s changes nothing: %s: leave %s out", setting.Value(f.name, c.now), f.why, setting.Name(f.name))
		}
	}
	return nil
}

// change is a setting with another value than in the run.
type change struct{ old, now string }

// changes returns the settings that differ between two configurations, by name. It
// leaves out settings that text, an older program's record of old, does not have.
func changes(text json.RawMessage, old, now Config) (map[string]change, error) {
	var known map[string]json.RawMessage
	was, err1 := values(old)
	is, err2 := values(now)
	if err := errors.Join(json.Unmarshal(text, &known), err1, err2); err != nil {
		return nil, err
	}
	word := func(text json.RawMessage) string {
		if bytes.Equal(text, []byte(`""`)) {
			return "none"
		}
		return string(bytes.Trim(text, `"`))
	}
	all := map[string]change{}
	for name, value := range is {
		if _, ok := known[name]; ok && name != "run" && !bytes.Equal(was[name], value) { // the folder may have moved
			all[name] = change{word(was[name]), word(value)}
		}
	}
	return all, nil
}

// values returns the settings by name.
func values(c Config) (v map[string]json.RawMessage, err error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return v, json.Unmarshal(text, &v)
}

// openLatest opens the latest checkpoint, if there is one.
func (j *Job) openLatest() error {
	if j.checkpoint != nil {
		return nil
	}
	path, err := j.Checkpoints().Latest()
	if err != nil || path == "" {
		return err
	}
	if j.checkpoint, err = engine.OpenCheckpoint(path); err != nil {
		return fmt.Errorf("%w: if the file is damaged, remove it and resume from the one before", err)
	}
	j.closers = append(j.closers, j.checkpoint.Close)
	return nil
}

// findEnd sets over if a run is finished and the settings do not take it further. It
// then refuses settings that would need more steps to act.
func (j *Job) findEnd() error {
	if j.record.Finished == "" || j.c.Dry {
		return nil
	}
	if err := j.openLatest(); err != nil || j.checkpoint == nil {
		return err
	}
	at := j.checkpoint.Position
	j.over = engine.Limits{Epochs: j.c.Epochs, Steps: j.c.Steps, EarlyStop: j.c.EarlyStop}.Reached(at, j.checkpoint.Schedule)
	if j.over == "" && j.c.Changes.due(at, j.checkpoint.Schedule).stops() {
		j.over = StopChange
	}
	if j.over == "" {
		return nil
	}
	var idle []string
	for name := range j.changed {
		if !slices.Contains(ofMachine, name) {
			idle = append(idle, name)
		}
	}
	if len(idle) == 0 {
		return nil
	}
	slices.Sort(idle)
	var what []any
	for _, name := range idle {
		what = append(what, setting.Value(name, j.changed[name].now))
	}
	more := map[engine.Stop]string{engine.StopEpochs: "epochs", engine.StopSteps: "steps", engine.StopEarly: "early-stop", StopChange: "changes"}[j.over]
	return setting.Invalidf("%s: the run is finished (%s after %s), so that changes nothing: give more %s too, or begin a new run",
		setting.All(what...), j.over, printable.Count(int(at.Step), "step"), setting.Name(more))
}

// chooseSchedule makes the schedule. For a resumed run it notes where the rate
// differs from the run's own settings, and refuses a warm-up that is over.
func (j *Job) chooseSchedule() (err error) {
	if err = j.enter(j.position(), j.learnt()); err != nil || j.checkpoint == nil {
		return err
	}
	old, err := j.record.Config()
	if err != nil {
		return err
	}
	at := j.checkpoint.Position.Step
	if c, ok := j.changed["warmup"]; ok && !j.c.scheduleKind().Steps && at >= max(old.Warmup, j.c.Warmup) {
		return setting.Invalidf("%s changes nothing: the run is at step %d, and its warm-up of %s steps is over: leave %s out", setting.Value("warmup", c.now), at, c.old, setting.Name("warmup"))
	}
	if old, err = old.InForce(j.position(), j.learnt()); err != nil {
		return err
	}
	before, err := old.schedule(j.StepsPerEpoch(), j.net.Classes)
	if err != nil {
		return nil // of an older program's record
	}
	before.Restore(j.checkpoint.Schedule)
	if was, is := before.Rate(at), j.schedule.Rate(at); was != is {
		j.note("note: the learning rate goes on at %.3g, where the run's own settings have %.3g", is, was)
	}
	return nil
}
