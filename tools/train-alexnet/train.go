package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"alexnet/augment"
	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/devices"
	"alexnet/engine/feed"
	"alexnet/internal/printable"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/ranks"
)

// saveAfter is the time between checkpoints within an epoch.
const saveAfter = 10 * time.Minute

// train is the command without a subcommand.
func train(c *cli.Context, s *settings, stdout, stderr io.Writer) error {
	if c.NumFlags() == 0 {
		return cli.ShowAppHelp(c)
	}
	if s.Config != "" {
		if err := configure(c, s.Config); err != nil {
			return err
		}
	}
	if err := s.chooseResume(); err != nil {
		return err
	}
	if err := s.inheritWire(c.IsSet); err != nil {
		return err
	}
	o, err := s.rankOptions(c)
	if err != nil {
		return err
	}
	group, err := ranks.Join(o)
	if err != nil {
		return err
	}
	stdout, stderr = ranks.Streams(group, stdout, stderr)
	return ranks.Close(group, trainOn(c, s, group, stdout, stderr))
}

// trainOn is train on the ranks of a job, or on one.
func trainOn(c *cli.Context, s *settings, group collective.Collective, stdout, stderr io.Writer) error {
	j, err := prepare(c.Context, c.IsSet, s, group, command.NewLine(stderr))
	if err == nil {
		defer j.close()
	}
	// Rank 0 writes only when all have looked.
	if err := collective.Agree(group, err); err != nil {
		return err
	}
	if err := collective.Agree(group, j.checkFolder()); err != nil {
		return err
	}
	if j.over != "" {
		return collective.Agree(group, j.leaveBe(c.Context, stdout))
	}
	if err := collective.Agree(group, j.checkAlike()); err != nil {
		return err
	}
	if err := collective.Agree(group, j.checkData()); err != nil {
		return err
	}
	if err := collective.Agree(group, j.agreeOnKernels()); err != nil {
		return err
	}
	switch {
	case s.DryRun:
		return collective.Agree(group, j.dryRun(stdout))
	case s.Plan:
		return collective.Agree(group, j.plan(stdout))
	}
	if group.Rank() != 0 {
		return decided(j.follow(c.Context))
	}
	if group.Size() > 1 {
		j.line.Print("%s", together(group, j.threads))
	}
	return decided(j.run(c.Context, stdout))
}

// job is a prepared training run.
type job struct {
	*settings
	group      collective.Collective
	line       *command.Line
	record     *runRecord        // of the run that is resumed; nil for a new one
	changed    map[string]change // flags that were given with other values than the run's
	over       engine.Stop       // why a run that is resumed has nothing left to do; else ""
	trainData  *pipeline.Dataset
	valData    *pipeline.Dataset // nil without validation
	pca        *augment.PCA      // nil without
	classes    []string
	checkpoint *engine.CheckpointFile // to go on from; nil to begin
	from       *engine.CheckpointFile // to begin with the weights of; nil without
	net        *engine.Net
	schedule   engine.Schedule
	open       func(list string, o devices.Options) ([]engine.Context, error)
	ownDevices string // this rank's, as what follows
	kernels    string // of the CPU, the same on all ranks; "" on GPUs
	threads    int    // 0 is one a core
	workers    int    // likewise
	locked     bool
	closers    []func() error
}

func (j *job) close() {
	slices.Reverse(j.closers)
	for _, f := range j.closers {
		f() // everything was read only
	}
}

func (j *job) deviceOptions() devices.Options {
	kernels := j.Kernels
	if j.kernels != "" {
		kernels = j.kernels
	}
	return devices.Options{Threads: j.threads, Precision: j.Precision, Kernels: kernels, Deterministic: j.Deterministic, Wire: j.Wire, RankTimeout: j.RankTimeout}
}

func (j *job) checkpoints() engine.Checkpoints {
	return engine.Checkpoints{Dir: filepath.Join(j.Run, checkpointsName), Keep: j.Keep}
}

// modelConfig is how this rank puts the net on its devices.
func (j *job) modelConfig(mean []float32) engine.ModelConfig {
	return engine.ModelConfig{
		Batch: j.share(), Accumulate: j.Accumulate, Mean: mean, Decay: float32(j.Decay), Smoothing: float32(j.Smoothing), Freeze: list(j.Freeze),
		Communicator: communicatorOf(j.group), Hybrid: j.Parallel == parallelHybrid,
		Lean: j.kernels != "", // a GPU updates all weights at once
	}
}

// model makes the model with its first or saved weights, on all ranks or none.
func (j *job) model(ctx context.Context) (*engine.Model, error) {
	m, err := j.build(ctx)
	if err = collective.Agree(j.group, err); err == nil {
		err = m.Join()
	}
	if err != nil && m != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, err
}

// build makes this rank's model.
func (j *job) build(ctx context.Context) (*engine.Model, error) {
	var mean []float32
	var err error
	switch {
	case j.checkpoint != nil:
		mean = j.checkpoint.Mean
	case j.from != nil:
		mean = j.from.Mean // what its weights were trained with
	default:
		if mean, err = j.mean(ctx, j.trainData, j.pca, j.net.Input.Size); err != nil {
			return nil, err
		}
	}
	contexts, err := j.open(j.ownDevices, j.deviceOptions())
	if err != nil {
		return nil, err
	}
	m, err := engine.NewModel(j.net, contexts, j.modelConfig(mean))
	if err != nil {
		for _, c := range contexts {
			c.Close()
		}
		return nil, err
	}
	if j.checkpoint == nil {
		err = m.Initialize(engine.Initialization(j.Init), j.Seed)
		if err == nil && j.from != nil {
			err = j.from.Adopt(m)
		}
	} else {
		err = j.checkpoint.Restore(m)
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// learnt is how training ended.
type learnt struct {
	stop  engine.Stop
	steps uint64               // in all
	best  engine.ScheduleState // with the lowest validation error
	bad   []pipeline.BadSample // left out by --on-bad skip
}

// run trains, draws the report, and says how it went.
func (j *job) run(ctx context.Context, stdout io.Writer) error {
	l, err := j.learn(ctx)
	if err != nil {
		return err
	}
	if l.stop != engine.StopTime {
		if err := finish(j.Run, l.stop); err != nil {
			return err
		}
	}
	// Whoever limits the time doesn't want it exceeded by passes over the data.
	o := reportOptions{devices: j.ownDevices, options: j.deviceOptions(), quick: l.stop == engine.StopTime}
	if err := j.report(ctx, o); err != nil {
		return err
	}
	j.tell(stdout, l)
	if len(l.bad) > 0 {
		return command.WithCode(command.Skipped, fmt.Errorf("%d pictures of %s could not be read and were left out (prep-imagenet verify lists them); sample %d: %w",
			len(l.bad), j.Train, l.bad[0].Sample, l.bad[0].Err))
	}
	return nil
}

// tell says how the run went.
func (j *job) tell(stdout io.Writer, l *learnt) {
	printable.Fprintf(stdout, "%s: %s after %d steps", j.Run, l.stop, l.steps)
	if l.best.Epochs > 0 {
		printable.Fprintf(stdout, "; lowest top-1 error %.2f %% in %s", 100*l.best.Best, j.checkpoints().Best())
	}
	fmt.Fprintln(stdout)
}

// report makes the report of a run that has ended. That it can't be made is told
// and no failure of the run.
func (j *job) report(ctx context.Context, o reportOptions) error {
	err := makeReport(ctx, j.Run, o, j.line)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("training is done and saved, but not its report, which train-alexnet report --run %s makes: %w", j.Run, err)
	}
	if err != nil {
		j.line.Print("warning: no report: %v; train-alexnet report --run %s makes it", err, j.Run)
	}
	return nil
}

// learn trains and writes everything but the report into the run folder.
func (j *job) learn(ctx context.Context) (_ *learnt, err error) {
	m, err := j.model(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	state := j.begins(m)
	if j.checkpoint != nil {
		j.line.Print("resuming %s at epoch %d, step %d", j.Run, state.Position.Epoch+1, state.Position.Step)
		if say := j.otherKernels(); say != "" {
			j.line.Print("%s", say)
		}
	}
	live, err := j.watch()
	if err != nil {
		return nil, err
	}
	defer live.Close()
	if err := os.MkdirAll(filepath.Join(j.Run, checkpointsName), 0o777); err != nil {
		return nil, unwritable(j.Run, err)
	}
	if err := j.lock(); err != nil {
		return nil, err
	}
	if err := j.writeRecord(m, state.Position.Step); err != nil {
		return nil, err
	}
	metrics, err := openMetrics(j.Run, state.Position)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, metrics.Close()) }()

	boards, err := openBoards(j.Run, state.Position.Step)
	defer func() {
		for _, b := range boards {
			err = errors.Join(err, b.Close())
		}
	}()
	if err != nil {
		return nil, err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	batches := j.trainBatches(m)
	defer batches.Close()
	o := &observer{
		line: j.line, metrics: metrics, boards: boards, fail: cancel, spent: batches.spent,
		epochs: j.Epochs, steps: uint64(j.Epochs) * uint64(j.trainData.Len()/j.Batch), maxTime: j.MaxTime,
		began: time.Now(), first: state.Position.Step,
	}
	if j.Steps > 0 {
		o.steps = min(o.steps, j.Steps)
	}
	o.validated = func() {
		picture(j.line, curveName, func() error { return drawCurve(j.Run) })
		picture(j.line, kernelsName, func() error { return drawKernels(j.Run, m) })
		picture(j.line, guessesName, func() error { return drawGuesses(j.Run, j.valData, m) })
	}
	if err := live.begin(o, j); err != nil {
		return nil, err
	}
	t := j.trainer(m, state, batches, o)
	stop, err := t.Run(ctx)
	together := ended(err)
	live.end(stop, err)
	j.line.Clear()
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	if err != nil {
		j.line.Print("%s", j.leaves(o.last))
	}
	picture(j.line, curveName, func() error { return drawCurve(j.Run) })
	if ended(err) { // else devices may have failed
		picture(j.line, kernelsName, func() error { return drawKernels(j.Run, m) })
	}
	var bad []pipeline.BadSample
	if together {
		var lost error
		if bad, lost = j.gatherBad(batches.leftOut()); lost != nil {
			return nil, lost
		}
	}
	if err != nil {
		return nil, err
	}
	return &learnt{stop: stop, steps: t.Checkpoint.Position.Step, best: t.Checkpoint.Schedule, bad: bad}, nil
}

// leaves says what a run that failed or was stopped has left to go on from; saved
// is the last checkpoint of this session.
func (j *job) leaves(saved string) string {
	how := "go on with: train-alexnet --run " + j.Run + " --resume"
	if saved != "" {
		return "saved " + saved + "; " + how
	}
	if latest, err := j.checkpoints().Latest(); err == nil && latest != "" {
		return "nothing was saved after " + latest + "; " + how
	}
	return "nothing was saved yet"
}

// trainBatches are the batches that this rank trains m on.
func (j *job) trainBatches(m *engine.Model) *epochs {
	c := pipeline.LoaderConfig{Batch: j.share(), Rank: j.group.Rank(), Ranks: j.group.Size(), Crop: j.net.Input.Size, Train: true, Seed: j.Seed, Workers: j.workers, SkipBad: j.OnBad == onBadSkip}
	c.Shuffle, _ = pipeline.ParseShuffle(j.Shuffle) // validate has seen that it is one
	if form, ok := j.noiseForm(); ok && j.pca != nil {
		c.PCA, c.Noise = j.pca, form
	}
	c.Augment, _ = command.Augmentations(&j.Augment) // validate has seen that they are some
	return &epochs{dataset: j.trainData, config: c, memory: feed.HostMemory{Model: m}}
}

// finish notes in run.json why the run ended by itself.
func finish(dir string, stop engine.Stop) error {
	r, err := readRun(dir)
	if err != nil {
		return err
	}
	r.Finished = string(stop)
	return r.write(dir)
}

// writeRecord writes run.json, with this session added.
func (j *job) writeRecord(m *engine.Model, step uint64) (err error) {
	r := &runRecord{Net: j.net}
	if j.record != nil {
		r.Sessions = j.record.Sessions
	}
	if r.Settings, err = json.Marshal(j.settings); err != nil {
		return err
	}
	session := newSession(step, j.Devices, j.kernels)
	session.Settings = r.Settings
	r.Sessions = append(r.Sessions, session)
	for _, p := range m.Parameters() {
		r.Parameters += p.Len()
	}
	if r.Train, err = describeData(j.Train, j.trainData); err != nil {
		return err
	}
	if j.valData != nil {
		val, err := describeData(j.Val, j.valData)
		if err != nil {
			return err
		}
		r.Val = &val
	}
	if err := r.write(j.Run); err != nil {
		return unwritable(j.Run, err)
	}
	return nil
}
