package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"alexnet/engine"
	"alexnet/tools/internal/command"
)

// begunWith are the flags that act when a run begins and never again, with the
// reason.
var begunWith = []struct{ flag, why string }{
	{"batch", "its position counts such batches"},
	{"seed", "its order and its colours follow from that"},
	{"mean", "its checkpoints hold that mean"},
	{"init", "its weights have come from those"},
	{"from", "its weights have come from those"},
}

// ofMachine are the flags that say where and how fast, which another machine may
// want otherwise even when nothing is left to do.
var ofMachine = []string{"devices", "precision", "deterministic", "threads", "parallel", "wire", "workers", "cache-dir", "cache-size", "no-mmap"}

// inherit fills in what the command line leaves out from the run's own
// settings, and refuses flags that can't act on a run that has begun.
func (j *job) inherit() error {
	given := *j.settings
	failed := func(err error) error { return fmt.Errorf("%s: settings: %w", filepath.Join(j.Run, runName), err) }
	if err := j.settings.inherit(j.record.Settings, j.isSet); err != nil {
		return failed(err)
	}
	j.Run = given.Run // the folder may have moved
	if !j.isSet("drop-at") && j.Schedule != scheduleStep {
		j.DropAt = "" // of the run's own schedule
	}
	var err error
	if j.changed, err = changes(j.record.Settings, &given, j.isSet); err != nil {
		return failed(err)
	}
	for _, f := range begunWith {
		if c, ok := j.changed[f.flag]; ok {
			return command.Usagef("--%s %s: the run was begun with %s, and %s: leave --%s out, or begin a new run", f.flag, c.now, c.old, f.why, f.flag)
		}
	}
	_, noisy := j.noiseForm()
	for _, f := range []struct {
		flag string
		idle bool
		why  string
	}{
		{"noise", j.PCA == "", "the run has no colour statistics"},
		{"pca", !noisy, "the run has no colour noise, and its checkpoints hold the mean"},
		{"patience", j.Schedule != schedulePlateau, "the learning rate doesn't wait for the validation error"},
	} {
		if c, ok := j.changed[f.flag]; ok && f.idle {
			return command.Usagef("--%s %s changes nothing: %s: leave --%s out", f.flag, c.now, f.why, f.flag)
		}
	}
	return nil
}

// change is a flag that was given with another value than the run's.
type change struct{ old, now string }

// changes are the flags among the settings that were given and differ from the
// saved ones.
func changes(saved json.RawMessage, given *settings, isSet func(flag string) bool) (map[string]change, error) {
	var old, now map[string]json.RawMessage
	text, err := json.Marshal(given)
	if err := errors.Join(err, json.Unmarshal(saved, &old), json.Unmarshal(text, &now)); err != nil {
		return nil, err
	}
	word := func(text json.RawMessage) string {
		if bytes.Equal(text, []byte(`""`)) {
			return "none"
		}
		return string(bytes.Trim(text, `"`))
	}
	all := map[string]change{}
	for flag, value := range now {
		if was, ok := old[flag]; ok && isSet(flag) && flag != "run" && !bytes.Equal(was, value) {
			all[flag] = change{word(was), word(value)}
		}
	}
	return all, nil
}

// openLatest opens the latest checkpoint, if there is one.
func (j *job) openLatest() error {
	if j.checkpoint != nil {
		return nil
	}
	path, err := j.checkpoints().Latest()
	if err != nil || path == "" {
		return err
	}
	if j.checkpoint, err = engine.OpenCheckpoint(path); err != nil {
		return fmt.Errorf("%w: if the file is damaged, remove it and resume from the one before", err)
	}
	j.closers = append(j.closers, j.checkpoint.Close)
	return nil
}

// findEnd sets over for a run that is finished, unless the settings now take it
// further. Flags that would need more steps to act are refused then.
func (j *job) findEnd() error {
	if j.record.Finished == "" || j.DryRun || j.Plan {
		return nil
	}
	if err := j.openLatest(); err != nil || j.checkpoint == nil {
		return err
	}
	at := j.checkpoint.Position
	j.over = engine.Limits{Epochs: j.Epochs, Steps: j.Steps, EarlyStop: j.EarlyStop}.Reached(at, j.checkpoint.Schedule)
	if j.over == "" {
		return nil
	}
	var idle []string
	for flag, c := range j.changed {
		if !slices.Contains(ofMachine, flag) {
			idle = append(idle, "--"+flag+" "+c.now)
		}
	}
	if len(idle) == 0 {
		return nil
	}
	slices.Sort(idle)
	return command.Usagef("%s: the run is finished (%s after %d steps), so that changes nothing: give more --%s too, or begin a new run",
		enumerate(idle), j.over, at.Step, map[engine.Stop]string{engine.StopEpochs: "epochs", engine.StopSteps: "steps", engine.StopEarly: "early-stop"}[j.over])
}

// leaveBe says how a finished run went. It makes its report if that is missing,
// and changes nothing else.
func (j *job) leaveBe(ctx context.Context, stdout io.Writer) error {
	if j.group.Rank() != 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(j.Run, reportName)); errors.Is(err, fs.ErrNotExist) {
		if err := j.report(ctx, reportOptions{devices: j.Devices, options: j.deviceOptions()}); err != nil {
			return err
		}
	}
	j.tell(stdout, &learnt{stop: j.over, steps: j.checkpoint.Position.Step, best: j.checkpoint.Schedule})
	return nil
}

// chooseSchedule makes the schedule. Of a run that is resumed it says where the
// rate goes on otherwise than the run's own settings have it, and refuses a
// warm-up that is over.
func (j *job) chooseSchedule() (err error) {
	steps := j.trainData.Len() / j.Batch
	if j.schedule, err = j.settings.schedule(steps); err != nil || j.checkpoint == nil {
		return err
	}
	var old settings
	if err := json.Unmarshal(j.record.Settings, &old); err != nil {
		return fmt.Errorf("%s: settings: %w", filepath.Join(j.Run, runName), err)
	}
	at := j.checkpoint.Position.Step
	if c, ok := j.changed["warmup"]; ok && j.Schedule != scheduleCosine && at >= max(old.Warmup, j.Warmup) {
		return command.Usagef("--warmup %s changes nothing: the run is at step %d, and its warm-up of %s steps is over: leave --warmup out", c.now, at, c.old)
	}
	before, err := old.schedule(steps)
	if err != nil {
		return nil // of an older program's record
	}
	before.Restore(j.checkpoint.Schedule)
	j.schedule.Restore(j.checkpoint.Schedule)
	if was, is := before.Rate(at), j.schedule.Rate(at); was != is {
		j.line.Print("note: the learning rate goes on at %.3g, where the run's own settings have %.3g", is, was)
	}
	return nil
}
