package train

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"time"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/devices"
	"alexnet/engine/feed"
	"alexnet/internal/file"
	"alexnet/pipeline"
)

// saveAfter is the time between checkpoints within an epoch.
const saveAfter = 10 * time.Minute

// Result is how a run ended.
type Result struct {
	Stop  engine.Stop // why
	Steps uint64      // in all
	// Best is the schedule's state: Best.Epochs validations with Best.Best as the
	// lowest top-1 error.
	Best engine.ScheduleState
	// BestCheckpoint is the file with the weights of that error; "" without a validation,
	// or if somebody removed it.
	BestCheckpoint string
	// Skipped are the pictures of all ranks that could not be read (OnBadSkip).
	Skipped []pipeline.BadSample
	// Before says that the run had ended already, and nothing was done.
	Before bool

	Config  Config // with the devices and the order that were chosen
	Devices string // of this rank
	Options devices.Options
}

// Run trains a net as c says, and reports progress to o, which may be nil. It returns
// when the run has ended, or, after ctx is done, with an error that wraps ctx.Err().
// It then finishes and saves the step under way, and the same call with Resume
// continues.
//
// An error that other settings avoid is a *SettingError. In a group of several ranks,
// rank 0 writes the run folder. collective.IsAgreed reports whether the other ranks
// know of an error. If they do not, the caller must end the job (Group.Abort).
func Run(ctx context.Context, c Config, o Observer) (*Result, error) {
	j, err := Prepare(ctx, c, o)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	return j.Train(ctx)
}

// Train trains, as Run does.
func (j *Job) Train(ctx context.Context) (*Result, error) {
	if r := j.Finished(); r != nil {
		return r, nil
	}
	if j.group.Rank() != 0 {
		r, err := j.follow(ctx)
		return r, decided(err)
	}
	if j.group.Size() > 1 {
		j.note("%s", whereabouts(j.group, j.threads))
	}
	r, err := j.learn(ctx)
	if err == nil && r.Stop != engine.StopTime {
		err = finish(j.c.Run, r.Stop)
	}
	if err != nil {
		return nil, decided(err)
	}
	return r, nil
}

// Finished returns how a resumed run has ended, if nothing is left to do; else nil.
func (j *Job) Finished() *Result {
	if j.over == "" {
		return nil
	}
	r := j.result(j.over, &j.checkpoint.Checkpoint)
	r.Before = true
	return r
}

// result returns the result of a training that ended at a checkpoint.
func (j *Job) result(stop engine.Stop, at *engine.Checkpoint) *Result {
	r := &Result{Stop: stop, Steps: at.Position.Step, Best: at.Schedule, Config: j.c, Devices: cmp.Or(j.ownDevices, j.c.Devices), Options: j.deviceOptions()}
	best := j.Checkpoints().Best()
	if _, err := os.Stat(best); err == nil && r.Best.Epochs > 0 {
		r.BestCheckpoint = best
	}
	return r
}

// Config returns the job's configuration, with the chosen devices and order.
func (j *Job) Config() Config { return j.c }

// Net returns the net to train; nil if the run has ended already.
func (j *Job) Net() *engine.Net { return j.net }

// Training returns the training set. It is open until Close.
func (j *Job) Training() *pipeline.Dataset { return j.trainData }

// Validation returns the validation set, nil for none. It is open until Close.
func (j *Job) Validation() *pipeline.Dataset { return j.valData }

// StepsPerEpoch returns the number of whole batches in the training set.
func (j *Job) StepsPerEpoch() int { return j.images / j.c.Batch }

// Steps returns the number of steps after which the run ends at the latest.
func (j *Job) Steps() uint64 {
	steps := uint64(j.c.Epochs) * uint64(j.StepsPerEpoch())
	if j.c.Steps > 0 {
		steps = min(steps, j.c.Steps)
	}
	return steps
}

// Rate returns the learning rate of a step, from 0. It does not include drops and
// changes that depend on later validations.
func (j *Job) Rate(step uint64) float64 {
	learnt := j.learnt()
	then, err := j.c.InForce(engine.Position{Epoch: int(step / uint64(max(j.StepsPerEpoch(), 1)))}, learnt)
	if err != nil {
		return math.NaN() // which Prepare would have refused
	}
	s, err := then.schedule(j.StepsPerEpoch(), j.net.Classes)
	if err != nil {
		return math.NaN()
	}
	s.Restore(learnt)
	return s.Rate(step)
}

// learnt is the schedule's state of the run so far.
func (j *Job) learnt() engine.ScheduleState {
	if j.checkpoint == nil {
		return engine.ScheduleState{}
	}
	return j.checkpoint.Schedule
}

// Begins returns the checkpoint that the run resumes from, with its steps, or the
// checkpoint of its first weights (Config.From), with 0; "" for neither.
func (j *Job) Begins() (path string, step uint64) {
	switch {
	case j.checkpoint != nil:
		return j.checkpoint.Path, j.checkpoint.Position.Step
	case j.from != nil:
		return j.from.Path, 0
	}
	return "", 0
}

// deviceOptions returns the options of this rank's device contexts.
func (j *Job) deviceOptions() devices.Options {
	kernels := j.c.Kernels
	if j.kernels != "" {
		kernels = j.kernels
	}
	return devices.Options{Threads: j.threads, Precision: j.c.Precision, Kernels: kernels, Deterministic: j.c.Deterministic, Wire: j.c.Wire, RankTimeout: j.c.RankTimeout}
}

// openDevices opens device contexts and notes what they can't use.
func (j *Job) openDevices(list string, o devices.Options) ([]engine.Context, error) {
	o.Note = func(line string) { j.note("%s", line) }
	contexts, err := devices.Open(list, o)
	return contexts, devices.SettingError(err)
}

// Checkpoints returns the checkpoints in the run folder.
func (j *Job) Checkpoints() engine.Checkpoints {
	return engine.Checkpoints{Dir: filepath.Join(j.c.Run, CheckpointsName), Keep: j.c.Keep}
}

// modelConfig returns how this rank runs the net on its devices.
func (j *Job) modelConfig(mean []float32) engine.ModelConfig {
	_, noisy := j.noise()
	rates, _ := j.now.layerRates() // validate has seen that they are some
	return engine.ModelConfig{
		Batch: j.share(), Accumulate: j.c.Accumulate, Mean: mean, ColourNoise: noisy, Decay: j.now.decay(), Smoothing: float32(j.now.Smoothing), Freeze: SplitList(j.now.Freeze), Rates: rates,
		Group: collective.Several(j.group), Hybrid: j.c.Parallel == ParallelHybrid,
		Lean: j.kernels != "", // a GPU updates all weights at once
	}
}

// model makes the model with its first or saved weights, or with those of the stage
// before, on all ranks or none.
func (j *Job) model(ctx context.Context, before *carried) (*engine.Model, error) {
	m, err := j.build(ctx, before)
	if err = collective.Agree(j.group, err); err == nil {
		err = m.Join()
	}
	if err != nil && m != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, err
}

// build makes this rank's model.
func (j *Job) build(ctx context.Context, before *carried) (*engine.Model, error) {
	var mean []float32
	var err error
	switch {
	case before != nil:
		mean = before.mean
	case j.checkpoint != nil:
		mean = j.checkpoint.Mean
	case j.from != nil && j.from.Net.Input.Size == j.net.Input.Size:
		mean = j.from.Mean // what its weights were trained with
	default:
		if mean, err = j.c.mean(ctx, j.trainData, j.pca, j.net.Input.Size); err != nil {
			return nil, err
		}
	}
	contexts, err := j.c.Open(j.ownDevices, j.deviceOptions())
	if err != nil {
		return nil, err
	}
	m, err := engine.NewModel(j.net, contexts, j.modelConfig(mean))
	if err != nil {
		return nil, err
	}
	switch {
	case before != nil:
		err = before.restore(m)
	case j.checkpoint != nil:
		err = j.checkpoint.Restore(m)
	default:
		err = m.Initialize(engine.Initialization(j.c.Init), j.c.Seed)
		if err == nil && j.from != nil {
			err = j.from.Adopt(m, j.kept)
		}
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// learn trains and writes into the run folder.
func (j *Job) learn(ctx context.Context) (_ *Result, err error) {
	s, err := j.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	log, err := j.openFolder(s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.watch = j.watcher(log, s.state, cancel)
	j.observer.Begun(j)
	o := s.train(ctx)
	j.observer.Ended(s.end(o))
	return s.result(o)
}

// openFolder prepares the run folder and locks it.
func (j *Job) openFolder(s *session) (*log, error) {
	at := s.state.Position
	if j.checkpoint != nil {
		j.note("resuming %s at epoch %d, step %d", j.c.Run, at.Epoch+1, at.Step)
		j.noteOtherKernels()
	}
	if err := os.MkdirAll(j.Checkpoints().Dir, 0o777); err != nil {
		return nil, unwritable(j.c.Run, err)
	}
	if err := file.Writable(j.Checkpoints().Best()); err != nil { // before the first hour ends
		return nil, unwritable(j.c.Run, err)
	}
	if err := j.lock(); err != nil {
		return nil, err
	}
	if err := j.writeRecord(s.model, at.Step); err != nil {
		return nil, err
	}
	return openLog(j.c.Run, at)
}

// noise is the form of the run's colour noise; ok is false where there is none.
func (j *Job) noise() (form augment.NoiseForm, ok bool) {
	form, ok = j.now.noiseForm()
	return form, ok && j.pca != nil
}

// trainBatches returns the batches on which this rank trains m.
func (j *Job) trainBatches(m *engine.Model) *epochs {
	c := pipeline.LoaderConfig{Batch: j.share(), Rank: j.group.Rank(), Ranks: j.group.Size(), Crop: j.net.Input.Size, Train: true, Seed: j.c.Seed, Workers: j.workers, SkipBad: j.c.OnBad == OnBadSkip}
	c.Centre = j.c.without(WithoutCrops)
	c.Shuffle, _ = pipeline.ParseShuffle(j.c.Shuffle) // validate has seen that it is one
	if form, ok := j.noise(); ok {
		c.PCA, c.Noise = j.pca, form
	}
	c.Augment, _ = j.now.Augment.Recipe() // validate has seen that they are some
	return &epochs{dataset: j.trainData, config: c, memory: feed.HostMemory{Model: m}}
}

// finish writes to run.json why the run ended by itself.
func finish(dir string, stop engine.Stop) error {
	r, err := ReadRecord(dir)
	if err != nil {
		return err
	}
	r.Finished = string(stop)
	return r.write(dir)
}

// writeRecord writes run.json, with this session added.
func (j *Job) writeRecord(m *engine.Model, step uint64) (err error) {
	r := &Record{Net: j.net}
	if j.record != nil {
		r.Sessions = j.record.Sessions
		r.Made = j.record.Made
	}
	r.made(j.made, j.position())
	c, err := j.c.absolute()
	if err != nil {
		return err
	}
	if r.Settings, err = json.Marshal(c); err != nil {
		return err
	}
	session := newSession(step, j.c.Devices, j.kernels)
	session.Settings = r.Settings
	r.Sessions = append(r.Sessions, session)
	for _, p := range m.Parameters() {
		r.Parameters += p.Len()
	}
	if r.Train, err = describeData(c.Train, j.trainData); err != nil {
		return err
	}
	if j.valData != nil {
		val, err := describeData(c.Val, j.valData)
		if err != nil {
			return err
		}
		r.Val = &val
	}
	if err := r.write(j.c.Run); err != nil {
		return unwritable(j.c.Run, err)
	}
	return nil
}
