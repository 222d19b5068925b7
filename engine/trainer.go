package engine

import (
	"errors"
	"fmt"
	"time"
)

// Trainer trains a model over epochs: steps, validation, schedule, checkpoints. The
// weights depend only on the model's state, on Checkpoint and on the batches. So a
// run that stops at a checkpoint and goes on from it ends with the same bits as one
// that never stopped.
//
// In a job of several ranks (Model.Config.Group) a done context or MaxTime on one
// rank stops all of them, Train and Validate open this rank's share, and only rank 0
// saves.
type Trainer struct {
	Model    *Model
	Schedule Schedule
	Momentum float32 // 0.9 in the paper

	// Checkpoint is where training begins. Its position, seed and schedule state are
	// used; its net, classes and mean are stored. Run keeps it up to date.
	Checkpoint Checkpoint
	// Checkpoints is where to save.
	Checkpoints Checkpoints
	// SaveSteps saves after that many steps, as well as at the end of every epoch and
	// when Run returns; 0 does not.
	SaveSteps uint64
	// SaveAfter saves at the first step this long after the last save; 0 does not. It
	// changes when checkpoints are made, never their contents.
	SaveAfter time.Duration

	Epochs  int           // stop after this many in all; required
	Steps   uint64        // stop after this many in all; 0 sets no limit
	MaxTime time.Duration // stop at the first step after this time in Run; 0 sets no limit
	// EarlyStop stops after that many validated epochs in a row without a lower
	// error, counted from the end of the warm-up; 0 does not.
	EarlyStop int

	// Pause is called before every epoch. If it returns true, Run ends with StopPaused,
	// so that the caller may go on with another model. All ranks must get the same
	// answer. It may be nil.
	Pause func(Position, ScheduleState) bool

	// Train opens the batches of an epoch (from 0), without the first ones. Required.
	// Batches must depend on epoch and place alone.
	Train func(epoch, first int) (Feeder, error)
	// Validate opens the validation batches; nil for no validation.
	Validate func() (Feeder, error)

	// LogEvery is the number of steps whose mean makes one Log call; 0 means
	// 10.
	LogEvery int
	Observer Observer // required
}

// Observer receives the progress of training, in the goroutine that trains.
type Observer interface {
	Step(Metrics)             // after every step; means over the steps since the last Log
	Log(Metrics)              // every LogEvery steps, over these
	Validating()              // an epoch's training is done
	Validated(Metrics)        // its validation is done
	Saved(path string)        // a checkpoint is complete
	Hint(message string)      // something a person may want to change
	RateChanged(rate float64) // the schedule has dropped the learning rate
}

// Metrics are the figures of some steps, or of an epoch's validation. Errors are
// fractions.
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
	Waiting      float64 `json:"waiting"`      // part of the time, 0–1, in which the devices had nothing to do but wait for batches
}

// Stop is the reason why Run ended without an error.
type Stop string

const (
	// StopEpochs: all epochs are done.
	StopEpochs Stop = "all epochs are done"
	// StopSteps: the limit on steps is reached.
	StopSteps Stop = "the limit on steps is reached"
	// StopTime: the limit on time is reached.
	StopTime Stop = "the limit on time is reached"
	// StopEarly: EarlyStop has ended the run.
	StopEarly Stop = "the validation error has stopped falling"
	// StopPaused: Pause has ended Run.
	StopPaused Stop = "paused"
)

// ErrDiverged is the cause of Run's error when the loss is no longer a number, or has
// been far above chance for long.
var ErrDiverged = errors.New("training has diverged")

// Limits end a run by what it has done, whatever the time. The fields are those of
// Trainer.
type Limits struct {
	Epochs    int
	Steps     uint64
	EarlyStop int
}

// Reached returns why a run ends at a position, with its schedule in state learnt; ""
// if it goes on.
func (l Limits) Reached(at Position, learnt ScheduleState) Stop {
	switch {
	case at.Epoch >= l.Epochs:
		return StopEpochs
	case l.Steps > 0 && at.Step >= l.Steps:
		return StopSteps
	case l.EarlyStop > 0 && learnt.SinceBest >= l.EarlyStop:
		return StopEarly
	}
	return ""
}

// StoppedError is Run's error when its context is done.
type StoppedError struct {
	Step uint64 // updates done
	Err  error  // ctx.Err()
	Also error  // what failed just then; usually nil
}

func (e *StoppedError) Error() string {
	text := fmt.Sprintf("stopped after step %d", e.Step)
	if e.Also != nil {
		text += fmt.Sprintf("; just then: %v", e.Also)
	}
	return text
}

// Unwrap returns the context's error.
func (e *StoppedError) Unwrap() error { return e.Err }
