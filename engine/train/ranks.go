package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/collective/launch"
	"alexnet/engine/feed"
	"alexnet/internal/printable"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// shareOut divides the work among the ranks: each takes an equal share of every
// batch, and of its host's processors. The settings keep the totals, so that another
// number of ranks can resume the run.
func (j *Job) shareOut() error {
	size := j.group.Size()
	j.threads, j.workers = j.c.Threads, j.c.Workers
	if size == 1 {
		return nil
	}
	if j.c.Batch%size != 0 || j.c.Batch/size%j.c.Accumulate != 0 {
		return setting.Invalidf("%s counts the pictures of all ranks: it doesn't divide into %d equal shares of %d pieces", setting.Value("batch", j.c.Batch), size, j.c.Accumulate)
	}
	if j.c.Parallel == ParallelHybrid && j.c.Accumulate > 1 {
		return setting.Invalidf("%s computes whole batches%s", setting.Value("parallel", ParallelHybrid),
			setting.Or(setting.LeaveOut("accumulate"), setting.Textf(": give %s", setting.Suggest("accumulate", 1))))
	}
	if j.threads == 0 {
		j.threads = launch.Processors(j.group)
	}
	if j.workers == 0 {
		j.workers = launch.Processors(j.group)
	}
	return nil
}

// share is the number of images of a batch for each rank.
func (j *Job) share() int { return j.c.Batch / j.group.Size() }

// validationBatches opens this rank's part of the validation set for m.
func (j *Job) validationBatches(m *engine.Model) (engine.Feeder, error) {
	return feed.OnePass(m, j.valData, pipeline.LoaderConfig{
		Batch: j.share(), Rank: j.group.Rank(), Ranks: j.group.Size(),
		Crop: j.net.Input.Size, Workers: j.workers, SkipBad: j.c.OnBad == OnBadSkip,
	})
}

// trainer makes the Trainer that trains m from checkpoint at.
func (j *Job) trainer(m *engine.Model, at engine.Checkpoint, batches *epochs, o engine.Observer) *engine.Trainer {
	t := &engine.Trainer{
		Model: m, Schedule: j.schedule, Momentum: float32(j.now.Momentum),
		Checkpoint: at, Checkpoints: j.Checkpoints(), SaveSteps: j.c.CheckpointEvery, SaveAfter: saveAfter,
		Epochs: j.c.Epochs, Steps: j.c.Steps, MaxTime: j.c.MaxTime, EarlyStop: j.c.EarlyStop, Pause: j.changeDue,
		Train: batches.open, LogEvery: j.c.LogEvery, Observer: o,
	}
	if j.valData != nil {
		t.Validate = func() (engine.Feeder, error) { return j.validationBatches(m) }
	}
	return t
}

// begins returns the state with which training begins.
func (j *Job) begins(m *engine.Model) engine.Checkpoint {
	state := engine.Checkpoint{Net: j.net, Mean: m.Config.Mean, Classes: j.classes, Seed: j.c.Seed}
	if j.checkpoint != nil {
		state = j.checkpoint.Checkpoint
	}
	state.Changes = j.made.texts()
	state.PictureSize, state.Kernels = j.trainData.Meta().Size, j.kernels
	state.ClassNames = pipeline.ClassNames(j.trainData.Meta().Classes)
	return state
}

// follow trains on a rank other than the first. It writes nothing.
func (j *Job) follow(ctx context.Context) (_ *Result, err error) {
	s, err := j.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.result(s.train(ctx))
}

// ignored is an engine.Observer that does nothing.
type ignored struct{}

func (ignored) Step(engine.Metrics)      {}
func (ignored) Log(engine.Metrics)       {}
func (ignored) Validating()              {}
func (ignored) Validated(engine.Metrics) {}
func (ignored) Saved(string)             {}
func (ignored) Hint(string)              {}
func (ignored) RateChanged(float64)      {}

// gatherBad returns the pictures that any rank has left out. All ranks call it at the
// end of training, after rank 0 has drawn its pictures. So they close their models
// together: NCCL waits some seconds for all ranks of a host.
func (j *Job) gatherBad(own []pipeline.BadSample) ([]pipeline.BadSample, error) {
	if j.group.Size() == 1 {
		return own, nil
	}
	type bad struct {
		Sample int
		Text   string
	}
	told := make([]bad, len(own))
	for i, b := range own {
		told[i] = bad{b.Sample, b.Err.Error()}
	}
	message, err := json.Marshal(told)
	if err != nil {
		return nil, err
	}
	messages, err := j.group.Gather(message)
	if err != nil {
		return nil, err
	}
	var all []pipeline.BadSample
	for _, message := range messages {
		told = nil
		if err := json.Unmarshal(message, &told); err != nil {
			return nil, err
		}
		for _, b := range told {
			all = append(all, pipeline.BadSample{Sample: b.Sample, Err: errors.New(b.Text)})
		}
	}
	return all, nil
}

// ended reports whether a trainer's error is an end that all ranks have reached
// together.
func ended(err error) bool {
	return err == nil || errors.As(err, new(*engine.StoppedError)) || errors.Is(err, engine.ErrDiverged)
}

// decided marks such an end, so that no rank aborts the others: rank 0 still has to
// save.
func decided(err error) error {
	if err != nil && ended(err) {
		return collective.Agreed(err)
	}
	return err
}

// whereabouts describes the number of ranks, their hosts, and their threads. A launcher
// may bind ranks to a few of a host's processors.
func whereabouts(group collective.Collective, threads int) string {
	counts := map[string]int{}
	var order []string
	for _, h := range group.Hosts() {
		if counts[h] == 0 {
			order = append(order, h)
		}
		counts[h]++
	}
	for i, h := range order {
		order[i] = fmt.Sprintf("%d on %s", counts[h], h)
	}
	return fmt.Sprintf("%d ranks: %s; rank 0 has %s", group.Size(), strings.Join(order, ", "), printable.Count(threads, "CPU thread"))
}

// unlike returns the first rank that gives another text than rank 0, and all texts; rank
// is 0 if they are the same. All ranks call it.
func (j *Job) unlike(text string) (rank int, texts [][]byte, err error) {
	if texts, err = j.group.Gather([]byte(text)); err != nil {
		return 0, nil, err
	}
	for rank, other := range texts {
		if string(other) != string(texts[0]) {
			return rank, texts, nil
		}
	}
	return 0, texts, nil
}

// checkFolder returns an error if the other ranks don't see the run folder.
func (j *Job) checkFolder() error {
	if j.c.Run == "" || !j.c.Resume {
		return nil
	}
	latest := ""
	if j.checkpoint != nil {
		latest = filepath.Base(j.checkpoint.Path)
	}
	rank, all, err := j.unlike(latest)
	if err != nil || rank == 0 {
		return err
	}
	return fmt.Errorf("%s: rank 0 goes on from %q and rank %d on %s from %q: the run folder has to lie on a file system that all ranks see",
		j.c.Run, all[0], rank, j.group.Hosts()[rank], all[rank])
}

// checkAlike returns an error if ranks compute on different kinds of devices: these store
// the exchanged tensors in different orders.
func (j *Job) checkAlike() error {
	kind, _, _ := strings.Cut(j.ownDevices, ":")
	rank, all, err := j.unlike(kind)
	if err != nil || rank == 0 {
		return err
	}
	return setting.Errorf("rank 0 on %s computes on %s and rank %d on %s on %s: give all ranks the same kind with %s",
		j.group.Hosts()[0], all[0], rank, j.group.Hosts()[rank], all[rank], setting.Name("devices"))
}

// checkData returns an error if ranks see different pictures, or begin with different
// colours or weights. A rank with fewer pictures would end its epochs before the others.
func (j *Job) checkData() error {
	if j.group.Size() == 1 {
		return nil
	}
	train, err := describeData(j.c.Train, j.trainData)
	own := train.Index
	if err == nil && j.valData != nil {
		var val DataRecord
		val, err = describeData(j.c.Val, j.valData)
		own += val.Index
	}
	if err == nil && j.pca != nil {
		var text []byte
		text, err = json.Marshal(j.pca)
		own += string(text)
	}
	if j.from != nil {
		own += j.from.Hash()
	}
	rank, _, lost := j.unlike(own)
	if err := errors.Join(err, lost); err != nil || rank == 0 {
		return err
	}
	return setting.Errorf("rank 0 on %s and rank %d on %s have different pictures in %s or %s, or another %s or %s: give all ranks the same files",
		j.group.Hosts()[0], rank, j.group.Hosts()[rank], j.c.Train, j.c.Val, setting.Name("pca"), setting.Name("from"))
}
