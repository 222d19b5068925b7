package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Run trains until a limit is reached, ctx is done, or something fails. It computes
// one step while it looks at the outcome of the step before. It always finishes the
// steps that it has started. It saves before it returns: at a limit, when ctx is
// done, and when the batches or the loss are bad. After ctx is done the error wraps
// ctx.Err().
func (t *Trainer) Run(ctx context.Context) (Stop, error) {
	r := &run{Trainer: t, at: &t.Checkpoint.Position, began: time.Now()}
	r.saved, r.recent.began = r.began, r.began
	t.Schedule.Restore(t.Checkpoint.Schedule)
	t.Checkpoint.Random = RandomStreams
	if t.LogEvery <= 0 {
		t.LogEvery = 10
	}
	for {
		if stop := r.limit(); stop != "" {
			return stop, r.last()
		}
		if err := r.epoch(ctx); err != nil {
			return r.stopped(ctx, err)
		}
	}
}

// run is one call of Run.
type run struct {
	*Trainer
	at     *Position
	began  time.Time
	saved  time.Time
	dirty  bool // something has changed since the last save
	broken bool // a device or a save has failed, so nothing can be saved
	recent recent
	waited time.Duration // for the last batch
	flat   flatLoss
	blast  explodingLoss

	underway []ahead  // oldest first
	agreed   requests // of any rank
}

// recent is the steps since the last Log.
type recent struct {
	tally
	rate    float64 // of the last step
	began   time.Time
	waiting time.Duration // for batches
}

// errLimit ends an epoch early.
var errLimit = errors.New("limit reached")

func (r *run) limit() Stop {
	if stop := (Limits{r.Epochs, r.Steps, r.EarlyStop}).Reached(*r.at, r.Schedule.State()); stop != "" {
		return stop
	}
	if r.at.EpochStep == 0 && r.Pause != nil && r.Pause(*r.at, r.Schedule.State()) {
		return StopPaused
	}
	if r.late() {
		return StopTime
	}
	return ""
}

// stopped handles an epoch's error: it saves whatever state is good.
func (r *run) stopped(ctx context.Context, err error) (Stop, error) {
	switch {
	case errors.Is(err, errLimit):
		return r.limit(), r.last()
	case errors.Is(err, ErrDiverged):
		return "", r.diverged(err)
	case r.broken:
		return "", err
	}
	if stopped := r.interruption(ctx, err); stopped != nil {
		return "", r.afterSaving(stopped, r.save(false))
	}
	if r.Model.Split() {
		return "", err // the other ranks don't know of it, and saving needs all of them
	}
	return "", errors.Join(err, r.save(false))
}

// interruption returns the error of a run that was asked to stop, or nil if err has
// another cause. A single rank that fails after the request has stopped too.
func (r *run) interruption(ctx context.Context, err error) *StoppedError {
	asked := r.interrupted(ctx)
	switch {
	case asked == nil:
		return nil
	case errors.Is(err, asked):
		return &StoppedError{Step: r.at.Step, Err: asked}
	case r.alone():
		return &StoppedError{Step: r.at.Step, Err: asked, Also: err}
	}
	// Although the ranks have agreed to stop, the others may have started a step that needs
	// this rank.
	return nil
}

// afterSaving joins the reason why all ranks have ended and the result of saving.
func (r *run) afterSaving(ended, failure error) error {
	if failure != nil && r.Model.Split() {
		return &unsavedError{ended: ended, failure: failure}
	}
	return errors.Join(ended, failure)
}

// unsavedError means that all ranks have ended and this one could not save. Saving needs
// all ranks, so the others still wait in it. So the error wraps only the failure: it must
// not look like an end that all ranks have reached.
type unsavedError struct{ ended, failure error }

func (e *unsavedError) Error() string { return fmt.Sprintf("%v; %v", e.ended, e.failure) }

func (e *unsavedError) Unwrap() error { return e.failure }

// epoch runs the rest of the current epoch.
func (r *run) epoch(ctx context.Context) error {
	feeder, err := r.Train(r.at.Epoch, r.at.EpochStep)
	if err != nil {
		return err
	}
	defer feeder.Close()
	for {
		b, err := r.batch(ctx, feeder)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return cmp.Or(r.drain(ctx), err)
		}
		if err := r.start(ctx, b); err != nil {
			return err
		}
		if !r.pausing() {
			continue
		}
		if err := r.pause(ctx); err != nil {
			return err
		}
		if r.limit() != "" {
			// The last step of an epoch is followed by its validation.
			if _, err := feeder.Next(r.uninterruptible(ctx)); !errors.Is(err, io.EOF) {
				return errLimit
			}
			break
		}
	}
	if err := r.drain(ctx); err != nil {
		return err
	}
	if r.at.EpochStep == 0 {
		return fmt.Errorf("epoch %d has no batch: the training set is smaller than one batch of %d images", r.at.Epoch+1, r.Model.Config.Batch)
	}
	return r.finishEpoch(ctx)
}

// batch returns the next batch; io.EOF after the epoch's last one.
func (r *run) batch(ctx context.Context, feeder Feeder) (Batch, error) {
	if err := r.interrupted(ctx); err != nil {
		return Batch{}, err
	}
	asked := time.Now()
	b, err := feeder.Next(r.uninterruptible(ctx))
	r.waited = time.Since(asked)
	return b, err
}

// pause finishes the steps in progress, and saves if a checkpoint is due.
func (r *run) pause(ctx context.Context) error {
	if err := r.drain(ctx); err != nil {
		return err
	}
	if r.due() {
		return r.save(false)
	}
	return nil
}

// ahead is a step that has been started and not finished.
type ahead struct{ rate float64 }

// start starts the next step and then finishes the one before, so that the devices work
// while the host reads the outcome.
func (r *run) start(ctx context.Context, b Batch) error {
	number := r.next()
	rate := r.Schedule.Rate(number)
	s := Step{Seed: r.Checkpoint.Seed, Number: number, LearningRate: float32(rate), Momentum: r.Momentum}
	if err := r.Model.Start(b, s); err != nil {
		r.broken = true
		return joinNew(fmt.Errorf("step %d: %w", number+1, err), r.discard())
	}
	r.underway = append(r.underway, ahead{rate})
	if len(r.underway) == 1 {
		r.recent.waiting += r.waited
		return nil
	}
	return r.finish(ctx)
}

// next is the number of the next step to start.
func (r *run) next() uint64 { return r.at.Step + uint64(len(r.underway)) }

// drain finishes the steps in progress.
func (r *run) drain(ctx context.Context) error {
	r.waited = 0
	for len(r.underway) > 0 {
		if err := r.finish(ctx); err != nil {
			return err
		}
	}
	return nil
}

// discard waits for the steps in progress without counting them.
func (r *run) discard() error {
	var errs []error
	for range r.underway {
		if _, err := r.Model.Finish(); err != nil {
			r.broken = true
			errs = append(errs, err)
		}
	}
	r.underway = nil
	return joinNew(errs...)
}

// finish finishes the oldest step in progress.
func (r *run) finish(ctx context.Context) error {
	step := r.underway[0]
	r.underway = r.underway[1:]
	asked := time.Now()
	o, err := r.Model.Finish()
	if time.Since(asked) < r.waited/10 { // the devices had finished long before
		r.recent.waiting += r.waited
	}
	if err == nil {
		o, err = r.wholeOutcome(ctx, o)
	}
	switch {
	case err != nil:
		r.broken = true
		return joinNew(fmt.Errorf("step %d: %w", r.at.Step+1, err), r.discard())
	case o.Halted:
		return errors.Join(fmt.Errorf("step %d: %s: %w", r.at.Step+1, notFinite(o), ErrDiverged), r.discard())
	}
	r.at.Step++
	r.at.EpochStep++
	r.at.Images += uint64(len(o.Loss))
	r.dirty = true

	var sum float64
	for i, loss := range o.Loss {
		r.recent.add(float64(loss), o.LabelRank[i])
		sum += float64(loss)
	}
	if r.blast.add(sum/float64(len(o.Loss)), r.Model.Net.Classes) {
		return errors.Join(r.blast.error(r.at.Step, r.Model.Net.Classes), r.discard())
	}
	r.recent.rate = step.rate
	r.Observer.Step(r.metrics())
	if r.at.Step%uint64(r.LogEvery) == 0 {
		r.flush()
	}
	return nil
}

// notFinite describes why a step has halted.
func notFinite(o Outcome) string {
	for _, loss := range o.Loss {
		if v := float64(loss); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprintf("the loss is %v", loss)
		}
	}
	return "a loss on another rank is not finite"
}

// pausing reports whether there is work between the last started step and the next
// one.
func (r *run) pausing() bool {
	at := r.next()
	return r.Steps > 0 && at >= r.Steps || r.late() || r.wanted(at)
}

// wanted reports whether a checkpoint within the epoch is wanted after a step.
func (r *run) wanted(step uint64) bool {
	return r.SaveSteps > 0 && step%r.SaveSteps == 0 || r.stale()
}

// due reports whether a checkpoint within the epoch is to be made now.
func (r *run) due() bool {
	return r.blast.steps == 0 && r.wanted(r.at.Step) // the last good state stays the last
}
