package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// flush logs the recent steps, if there are any.
func (r *run) flush() {
	if r.recent.images > 0 {
		m := r.metrics()
		r.Observer.Log(m)
		if r.flat.add(m.Loss, r.recent.images, r.Model.Net.Classes) {
			r.Observer.Hint(r.flat.message(r.Model.Net.Classes))
		}
	}
	r.recent = recent{began: time.Now()}
}

// metrics are the figures of the recent steps.
func (r *run) metrics() Metrics {
	s := r.recent.score()
	seconds := time.Since(r.recent.began).Seconds()
	return Metrics{
		Split: "train", Epoch: r.at.Epoch + 1, Step: r.at.Step, Images: r.at.Images,
		Loss: s.Loss, Top1Error: s.Top1Error, Top5Error: s.Top5Error,
		Rate: r.recent.rate, ImagesPerSec: float64(s.Images) / max(seconds, 1e-9),
		Waiting: min(1, r.recent.waiting.Seconds()/max(seconds, 1e-9)),
	}
}

// finishEpoch validates, updates the schedule, and begins the next epoch.
func (r *run) finishEpoch(ctx context.Context) error {
	r.flush()
	defer func() { r.recent.began = time.Now() }()
	began := time.Now()
	rate := r.Schedule.Rate(r.at.Step)
	before := r.Schedule.State()
	validation := math.NaN()
	if r.Validate != nil {
		r.Observer.Validating()
		feeder, err := r.Validate()
		if err != nil {
			return err
		}
		defer feeder.Close()
		score, err := r.evaluate(ctx, feeder)
		if err != nil {
			return err
		}
		if score.Images == 0 {
			return errors.New("the validation set has no pictures")
		}
		if math.IsNaN(score.Loss) {
			return fmt.Errorf("%w: after epoch %d the validation loss is not a number", ErrDiverged, r.at.Epoch+1)
		}
		validation = score.Top1Error
		r.Observer.Validated(Metrics{
			Split: "val", Epoch: r.at.Epoch + 1, Step: r.at.Step, Images: r.at.Images,
			Loss: score.Loss, Top1Error: score.Top1Error, Top5Error: score.Top5Error,
			Rate: rate, ImagesPerSec: float64(score.Images) / max(time.Since(began).Seconds(), 1e-9),
		})
	}
	r.Schedule.EpochDone(r.at.Step, validation)
	after := r.Schedule.State()
	if now := r.Schedule.Rate(r.at.Step); now != rate {
		r.Observer.RateChanged(now)
	}
	r.at.Epoch++
	r.at.EpochStep = 0
	r.dirty = true
	if r.blast.steps > 0 {
		return nil // the last good state stays the last checkpoint
	}
	return r.save(after.Epochs > before.Epochs && (before.Epochs == 0 || after.Best < before.Best))
}

// save writes a checkpoint, unless the last one has the same state.
func (r *run) save(best bool) error {
	r.agreed &^= requestSave
	if !r.dirty {
		return nil
	}
	r.flush()
	c := &r.Checkpoint
	c.Schedule = r.Schedule.State()
	c.Rate = r.Schedule.Rate(c.Position.Step)
	if !r.writes() {
		r.dirty = false
		return giveParts(r.Model)
	}
	path, err := r.Checkpoints.Save(r.Model, c, best)
	if errors.As(err, new(*NumberError)) && r.alone() { // otherwise the other ranks would not know
		return fmt.Errorf("%w: %w", ErrDiverged, err)
	}
	if err != nil {
		r.broken = true
		return err
	}
	r.dirty = false
	r.saved = time.Now()
	r.recent.began = r.saved
	r.Observer.Saved(path)
	return nil
}

// last saves at a limit, and removes the incomplete file of a run that was killed in its
// last save.
func (r *run) last() error {
	err := r.save(false)
	if err == nil && r.writes() {
		err = r.Checkpoints.prune()
	}
	return err
}

// diverged saves the state before the step that diverged, if that state is good, and adds
// advice to the error.
func (r *run) diverged(err error) error {
	const advice = "lower the learning rate, warm up for longer, or check the input scale"
	if r.blast.steps > 0 {
		latest, listErr := r.Checkpoints.Latest()
		if latest == "" {
			return errors.Join(fmt.Errorf("%w; nothing was saved before: %s and begin again", err, advice), listErr)
		}
		return fmt.Errorf("%w; nothing more was saved: %s, and resume from %s", err, advice, latest)
	}
	ok, readErr := finite(r.Model)
	if readErr != nil {
		return r.afterSaving(err, readErr)
	}
	if !ok {
		latest, listErr := r.Checkpoints.Latest()
		if latest == "" {
			return errors.Join(fmt.Errorf("%w; weights are no longer numbers and nothing was saved before: %s and begin again", err, advice), listErr)
		}
		return fmt.Errorf("%w; weights are no longer numbers, so nothing more was saved: %s and resume from %s", err, advice, latest)
	}
	r.dirty = true // even before the first step
	if saveErr := r.save(false); saveErr != nil {
		return r.afterSaving(err, saveErr)
	}
	return fmt.Errorf("%w; the state before this step is saved: %s, and resume, or begin again", err, advice)
}
