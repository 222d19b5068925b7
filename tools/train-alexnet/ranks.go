package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/collective/launch"
	"alexnet/engine/feed"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/ranks"
)

// Values of --wire.
const (
	wireFloat32  = "fp32"
	wireBFloat16 = "bf16"
)

// Values of --parallel.
const (
	parallelData   = "data"
	parallelHybrid = "hybrid"
	wireUsage      = "`FORMAT` of gradients between ranks: fp32, or bf16, half the bytes for slow networks"
	parallelUsage  = "`FORM` of sharing a step out over ranks: data adds up all gradients; hybrid splits the fully connected layers over the ranks, so that their activations travel instead (Krizhevsky 2014), which is less where a step has fewer than some 3,000 pictures"
)

// inheritWire takes the wire format of a run that is resumed, which is wanted
// before everything else of it: ranks join first.
func (s *settings) inheritWire(isSet func(flag string) bool) error {
	if !s.Resume || s.Run == "" || isSet("wire") {
		return nil
	}
	r, err := readRun(s.Run)
	if err != nil {
		return nil // prepare says what is wrong
	}
	var old struct{ Wire string }
	if err := json.Unmarshal(r.Settings, &old); err != nil {
		return fmt.Errorf("%s: settings: %w", filepath.Join(s.Run, runName), err)
	}
	if old.Wire != "" {
		s.Wire = old.Wire
	}
	return nil
}

// rankOptions are what joins the ranks of a job. Ranks with the same flags that
// resume the same run take over the same settings.
func (s *settings) rankOptions(c *cli.Context) (ranks.Options, error) {
	wire, err := wireOf(s.Wire)
	k := ranks.Kinds{Data: []string{"train", "val", "pca"}, Path: []string{"run"}, Own: []string{"from"}} // checkData compares --from
	if s.isFile() {
		k.Data = append(k.Data, "net")
	}
	return ranks.Options{Timeout: s.RankTimeout, Wire: wire, Terms: ranks.Terms(c, k)}, err
}

func wireOf(name string) (collective.Wire, error) {
	switch name {
	case wireFloat32:
		return collective.Float32, nil
	case wireBFloat16:
		return collective.BFloat16, nil
	}
	return 0, command.Usagef("--wire %s: want %s or %s", name, wireFloat32, wireBFloat16)
}

// shareOut fits the settings to a job of several ranks: each takes an equal share
// of every batch, and of its host's processors. The settings keep what was asked
// for, which another number of ranks goes on with.
func (j *job) shareOut() error {
	size := j.group.Size()
	j.threads, j.workers = j.Threads, j.Workers
	if size == 1 {
		return nil
	}
	if j.Batch%size != 0 || j.Batch/size%j.Accumulate != 0 {
		return command.Usagef("%s is that of all ranks together: it doesn't divide into %d equal shares of %d pieces", j.flag("batch", j.Batch), size, j.Accumulate)
	}
	if j.Parallel == parallelHybrid && j.Accumulate > 1 {
		return command.Usagef("%s computes whole batches%s", j.flag("parallel", parallelHybrid), cmp.Or(j.leaveOut("accumulate"), ": give --accumulate 1"))
	}
	if j.threads == 0 {
		j.threads = launch.Processors(j.group)
	}
	if j.workers == 0 {
		j.workers = launch.Processors(j.group)
	}
	return nil
}

// share is a rank's part of a batch.
func (j *job) share() int { return j.Batch / j.group.Size() }

// communicatorOf joins the ranks' contexts; nil when there is one rank.
func communicatorOf(group collective.Collective) engine.Communicator {
	if group.Size() == 1 {
		return nil
	}
	return communicator{group}
}

// communicator is a collective as the engine wants it.
type communicator struct{ collective.Collective }

func (c communicator) AllReduce(values []float32) func() error {
	return c.Collective.AllReduce(values).Wait
}

func (c communicator) AllGather(values []float32) func() error {
	return c.Collective.AllGather(values).Wait
}

func (c communicator) AllToAll(dst, src []float32) func() error {
	return c.Collective.AllToAll(dst, src).Wait
}

// validationBatches opens this rank's part of the validation set for m.
func (j *job) validationBatches(m *engine.Model) (engine.Feeder, error) {
	return feed.OnePass(m, j.valData, pipeline.LoaderConfig{
		Batch: j.share(), Rank: j.group.Rank(), Ranks: j.group.Size(),
		Crop: j.net.Input.Size, Workers: j.workers, SkipBad: j.OnBad == onBadSkip,
	})
}

// trainer makes what trains m from where it stands.
func (j *job) trainer(m *engine.Model, at engine.Checkpoint, batches *epochs, o engine.Observer) *engine.Trainer {
	t := &engine.Trainer{
		Model: m, Schedule: j.schedule, Momentum: float32(j.Momentum), Peers: j.group,
		Checkpoint: at, Checkpoints: j.checkpoints(), SaveSteps: j.CheckpointEvery, SaveAfter: saveAfter,
		Epochs: j.Epochs, Steps: j.Steps, MaxTime: j.MaxTime, EarlyStop: j.EarlyStop,
		Train: batches.open, LogEvery: j.LogEvery, Observer: o,
	}
	if j.valData != nil {
		t.Validate = func() (engine.Feeder, error) { return j.validationBatches(m) }
	}
	return t
}

// begins is the state that training begins with.
func (j *job) begins(m *engine.Model) engine.Checkpoint {
	state := engine.Checkpoint{Net: j.net, Mean: m.Config.Mean, Classes: j.classes, Seed: j.Seed}
	if j.checkpoint != nil {
		state = j.checkpoint.Checkpoint
	}
	state.PictureSize, state.Kernels = j.trainData.Meta().Size, j.kernels
	return state
}

// follow trains on a rank that isn't the first: it writes nothing.
func (j *job) follow(ctx context.Context) (err error) {
	m, err := j.model(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	batches := j.trainBatches(m)
	defer batches.Close()
	_, err = j.trainer(m, j.begins(m), batches, silent{}).Run(ctx)
	if ended(err) {
		if _, lost := j.gatherBad(batches.leftOut()); lost != nil {
			return lost
		}
	}
	return err
}

// gatherBad returns the pictures that all ranks have left out. All ranks call it
// when they have come to the same end and rank 0 has drawn it: so they close their
// models together, since NCCL waits for all ranks of a host for some seconds.
func (j *job) gatherBad(own []pipeline.BadSample) ([]pipeline.BadSample, error) {
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

// ended says of a trainer's error that all ranks have come to this end together.
func ended(err error) bool {
	return err == nil || errors.As(err, new(*engine.StoppedError)) || errors.Is(err, engine.ErrDiverged)
}

// decided marks such ends, so that no rank cuts another short: rank 0 still has to
// save.
func decided(err error) error {
	if err != nil && ended(err) {
		return collective.Agreed(err)
	}
	return err
}

// silent is an observer that tells nobody.
type silent struct{}

func (silent) Step(engine.Metrics)      {}
func (silent) Log(engine.Metrics)       {}
func (silent) Validating()              {}
func (silent) Validated(engine.Metrics) {}
func (silent) Saved(string)             {}
func (silent) Hint(string)              {}
func (silent) RateChanged(float64)      {}

// together says how many ranks train, where, and on how many threads: launchers
// may bind ranks to few of a host's processors.
func together(group collective.Collective, threads int) string {
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
	return fmt.Sprintf("%d ranks: %s; rank 0 has %d CPU threads", group.Size(), strings.Join(order, ", "), threads)
}

// checkFolder reports a run folder that the other ranks don't see.
func (j *job) checkFolder() error {
	if j.Run == "" || j.group.Size() == 1 || !j.Resume {
		return nil
	}
	latest := ""
	if j.checkpoint != nil {
		latest = filepath.Base(j.checkpoint.Path)
	}
	all, err := j.group.Gather([]byte(latest))
	if err != nil {
		return err
	}
	for rank, other := range all {
		if string(other) != string(all[0]) {
			return fmt.Errorf("%s: rank 0 goes on from %q and rank %d on %s from %q: the run folder has to lie on a file system that all ranks see",
				j.Run, all[0], rank, j.group.Hosts()[rank], other)
		}
	}
	return nil
}

// checkData reports ranks that don't see the same pictures, of which one that has
// fewer would end its epochs before the others, or that begin with other colours
// or weights.
func (j *job) checkData() error {
	if j.group.Size() == 1 {
		return nil
	}
	train, err := describeData(j.Train, j.trainData)
	own := train.Index
	if err == nil && j.valData != nil {
		var val dataRecord
		val, err = describeData(j.Val, j.valData)
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
	all, lost := j.group.Gather([]byte(own))
	if err := errors.Join(err, lost); err != nil {
		return err
	}
	for rank, other := range all {
		if string(other) != string(all[0]) {
			return fmt.Errorf("rank 0 on %s and rank %d on %s have different pictures in %s or %s, or another --pca or --from: give all ranks the same files",
				j.group.Hosts()[0], rank, j.group.Hosts()[rank], j.Train, j.Val)
		}
	}
	return nil
}
