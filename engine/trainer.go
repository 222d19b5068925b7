package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Trainer trains a model over epochs: steps, validation, schedule, checkpoints.
// Everything that decides the weights is a function of the model's state, of
// Checkpoint and of the batches, so a run that stops at a checkpoint and goes
// on from it ends with the same bits as one that never stopped.
type Trainer struct {
	Model    *Model
	Schedule Schedule
	Momentum float32 // 0.9 in the paper

	// Checkpoint is where training begins: its position, seed and schedule
	// state count, its net, classes and mean are stored. Run keeps it up to
	// date.
	Checkpoint Checkpoint
	// Checkpoints is where to save.
	Checkpoints Checkpoints
	// SaveSteps saves every so many steps, besides at the end of every epoch
	// and when Run returns; 0 doesn't.
	SaveSteps uint64
	// SaveAfter saves at the first step this long after the last save; 0
	// doesn't. It changes when checkpoints are made, never what is in them.
	SaveAfter time.Duration

	Epochs  int           // stop after this many in all; required
	Steps   uint64        // stop after this many in all; 0 sets no limit
	MaxTime time.Duration // stop at the first step after this time in Run; 0 sets no limit
	// EarlyStop stops after so many validated epochs in a row without a lower
	// error; 0 doesn't.
	EarlyStop int

	// Train opens the batches of an epoch (from 0), leaving out the first so
	// many. Required. Batches must depend on epoch and place alone.
	Train func(epoch, first int) (Feeder, error)
	// Validate opens the validation batches; nil for no validation.
	Validate func() (Feeder, error)

	// LogEvery is the number of steps whose mean makes one Log call; 0 means
	// 10.
	LogEvery int
	Observer Observer // required
}

// Observer is told how training goes, from the goroutine that trains.
type Observer interface {
	Step(Metrics)             // after every step; means over the steps since the last Log
	Log(Metrics)              // every LogEvery steps, over these
	Validating()              // an epoch's training is done
	Validated(Metrics)        // its validation is done
	Saved(path string)        // a checkpoint is complete
	Hint(message string)      // something a person may want to change
	RateChanged(rate float64) // the schedule has dropped the learning rate
}

// Metrics are the figures of some steps, or of an epoch's validation. Errors
// are fractions.
type Metrics struct {
	Split        string  `json:"split"`  // "train" or "val"
	Epoch        int     `json:"epoch"`  // from 1
	Step         uint64  `json:"step"`   // updates done since the start of the run
	Images       uint64  `json:"images"` // trained on since the start of the run
	Loss         float64 `json:"loss"`
	Top1Error    float64 `json:"top1_error"`
	Top5Error    float64 `json:"top5_error"`
	Rate         float64 `json:"lr"`
	ImagesPerSec float64 `json:"images_per_s"` // of this split; a train rate leaves out validation and saving
	Waiting      float64 `json:"waiting"`      // part of the time, 0–1, that went by waiting for batches
}

// Stop says why Run came back without an error.
type Stop string

const (
	// StopEpochs is the end of the last epoch.
	StopEpochs Stop = "all epochs are done"
	// StopSteps is the limit on steps.
	StopSteps Stop = "the limit on steps is reached"
	// StopTime is the limit on time.
	StopTime Stop = "the limit on time is reached"
	// StopEarly is EarlyStop.
	StopEarly Stop = "the validation error has stopped falling"
)

// ErrDiverged is the cause of the error that Run returns when the loss is no
// longer a number, or has long been far above chance.
var ErrDiverged = errors.New("training has diverged")

// StoppedError says that Run's context was done.
type StoppedError struct {
	Step uint64 // updates done
	Err  error  // ctx.Err()
}

func (e *StoppedError) Error() string { return fmt.Sprintf("stopped after step %d", e.Step) }

// Unwrap gives the context's error.
func (e *StoppedError) Unwrap() error { return e.Err }

// Run trains until a limit is reached, ctx is done, or something fails. It
// always finishes the step it is in, and saves before it returns: in the first
// two cases, and also when the batches or the loss are bad. After ctx is done
// the error wraps ctx.Err().
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
			return stop, r.save(false)
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
	broken bool // a device or a save has failed: there is nothing good to save, or nowhere
	recent recent
	flat   flatLoss
	blast  explodingLoss
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
	switch {
	case r.at.Epoch >= r.Epochs:
		return StopEpochs
	case r.Steps > 0 && r.at.Step >= r.Steps:
		return StopSteps
	case r.MaxTime > 0 && time.Since(r.began) >= r.MaxTime:
		return StopTime
	case r.EarlyStop > 0 && r.Schedule.State().SinceBest >= r.EarlyStop:
		return StopEarly
	}
	return ""
}

// stopped decides what an epoch's error means: whatever state is good is saved.
func (r *run) stopped(ctx context.Context, err error) (Stop, error) {
	switch {
	case errors.Is(err, errLimit):
		return r.limit(), r.save(false)
	case errors.Is(err, ErrDiverged):
		return "", r.diverged(err)
	case r.broken:
		return "", err
	case ctx.Err() != nil:
		return "", errors.Join(&StoppedError{r.at.Step, ctx.Err()}, r.save(false))
	}
	return "", errors.Join(err, r.save(false))
}

// epoch runs what is left of the current epoch.
func (r *run) epoch(ctx context.Context) error {
	feeder, err := r.Train(r.at.Epoch, r.at.EpochStep)
	if err != nil {
		return err
	}
	defer feeder.Close()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		asked := time.Now()
		b, err := feeder.Next(ctx)
		r.recent.waiting += time.Since(asked)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := r.step(b); err != nil {
			return err
		}
		if r.due() {
			if err := r.save(false); err != nil {
				return err
			}
		}
		if r.limit() != "" {
			// The last step of an epoch is followed by its validation.
			if _, err := feeder.Next(ctx); !errors.Is(err, io.EOF) {
				return errLimit
			}
			break
		}
	}
	if r.at.EpochStep == 0 {
		return fmt.Errorf("epoch %d has no batch: the training set is smaller than one batch of %d images", r.at.Epoch+1, r.Model.Config.Batch)
	}
	return r.finishEpoch(ctx)
}

// step is one forward pass, backward pass and update.
func (r *run) step(b Batch) error {
	r.broken = true // until the update is whole
	rate := r.Schedule.Rate(r.at.Step)
	s := Step{Seed: r.Checkpoint.Seed, Number: r.at.Step, LearningRate: float32(rate), Momentum: r.Momentum}
	o, err := r.Model.Gradients(b, s)
	if err != nil {
		return fmt.Errorf("step %d: %w", r.at.Step+1, err)
	}
	for _, loss := range o.Loss {
		if v := float64(loss); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("step %d: the loss is %v: %w", r.at.Step+1, loss, ErrDiverged)
		}
	}
	if err := r.Model.Update(s); err != nil {
		return fmt.Errorf("step %d: %w", r.at.Step+1, err)
	}
	r.broken = false
	r.at.Step++
	r.at.EpochStep++
	r.at.Images += uint64(b.Images)
	r.dirty = true

	var sum float64
	for i, loss := range o.Loss {
		r.recent.add(float64(loss), o.Rank[i])
		sum += float64(loss)
	}
	if r.blast.add(sum/float64(len(o.Loss)), r.Model.Net.Classes) {
		return r.blast.error(r.at.Step, r.Model.Net.Classes)
	}
	r.recent.rate = rate
	r.Observer.Step(r.metrics())
	if r.at.Step%uint64(r.LogEvery) == 0 {
		r.flush()
	}
	return nil
}

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

// finishEpoch validates, tells the schedule, and begins the next epoch.
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
		score, err := Evaluate(ctx, r.Model, feeder, 1)
		if err != nil {
			return err
		}
		if score.Images == 0 {
			return errors.New("the validation set has no pictures")
		}
		validation = score.Top1Error
		r.Observer.Validated(Metrics{
			Split: "val", Epoch: r.at.Epoch + 1, Step: r.at.Step, Images: r.at.Images,
			Loss: score.Loss, Top1Error: score.Top1Error, Top5Error: score.Top5Error,
			Rate: rate, ImagesPerSec: float64(score.Images) / max(time.Since(began).Seconds(), 1e-9),
		})
	}
	r.Schedule.EpochDone(validation)
	after := r.Schedule.State()
	if after.Drops != before.Drops {
		r.Observer.RateChanged(r.Schedule.Rate(r.at.Step))
	}
	r.at.Epoch++
	r.at.EpochStep = 0
	r.dirty = true
	if r.blast.steps > 0 {
		return nil // the last good state stays the last
	}
	return r.save(after.Epochs > before.Epochs && (before.Epochs == 0 || after.Best < before.Best))
}

// due reports whether a checkpoint within the epoch is wanted.
func (r *run) due() bool {
	if r.blast.steps > 0 {
		return false // the last good state stays the last
	}
	return r.SaveSteps > 0 && r.at.Step%r.SaveSteps == 0 || r.SaveAfter > 0 && time.Since(r.saved) >= r.SaveAfter
}

// save writes a checkpoint unless the last one says the same.
func (r *run) save(best bool) error {
	if !r.dirty {
		return nil
	}
	r.flush()
	c := &r.Checkpoint
	c.Schedule = r.Schedule.State()
	c.Rate = r.Schedule.Rate(c.Position.Step)
	path, err := r.Checkpoints.Save(r.Model, c, best)
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

// diverged saves the state before the step that went wrong, if it is good, and
// adds what to do.
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
		return errors.Join(err, readErr)
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
		return errors.Join(err, saveErr)
	}
	return fmt.Errorf("%w; the state before this step is saved: %s, and resume, or begin again", err, advice)
}
