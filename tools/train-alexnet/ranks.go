package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"alexnet/engine"
	"alexnet/engine/collective"
	"alexnet/engine/collective/mpi"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
	"alexnet/tools/internal/ranks"
)

// Values of --wire.
const (
	wireFloat32  = "fp32"
	wireBFloat16 = "bf16"
)

// rankOptions are what joins the ranks of a job.
func (s *settings) rankOptions() (ranks.Options, error) {
	o := ranks.Options{Timeout: s.RankTimeout}
	switch s.Wire {
	case wireFloat32:
	case wireBFloat16:
		o.Wire = mpi.BFloat16
	default:
		return o, command.Usagef("--wire %s: want %s or %s", s.Wire, wireFloat32, wireBFloat16)
	}
	return o, nil
}

// shareOut fits the settings to a job of several ranks: each takes an equal share
// of every batch, and of its host's processors.
func (j *job) shareOut() error {
	size := j.group.Size()
	if size == 1 {
		return nil
	}
	if j.Batch%size != 0 || j.Batch/size%j.Accumulate != 0 {
		return command.Usagef("--batch %d is that of all ranks together: it doesn't divide into %d equal shares of --accumulate %d pieces", j.Batch, size, j.Accumulate)
	}
	for _, device := range strings.Split(j.Devices, ",") {
		if device != "cpu" && device != "" {
			return command.Usagef("--devices %s: several ranks train on the CPU only, so far", j.Devices)
		}
	}
	if j.Threads == 0 {
		j.Threads = ranks.Processors(j.group)
	}
	if j.Workers == 0 {
		j.Workers = ranks.Processors(j.group)
	}
	return nil
}

// share is a rank's part of a batch.
func (j *job) share() int { return j.Batch / j.group.Size() }

// reducer adds up gradients over the ranks; nil when there is one.
func (j *job) reducer() engine.Reducer {
	if j.group.Size() == 1 {
		return nil
	}
	return reducer{j.group}
}

// reducer is a collective as the engine wants it.
type reducer struct{ collective.Collective }

func (r reducer) Sum(values []float32) func() error { return r.Collective.Sum(values).Wait }

// validationBatches opens this rank's part of the validation set.
func (j *job) validationBatches() (engine.Feeder, error) {
	return onePass(j.valData, pipeline.LoaderConfig{
		Batch: j.share(), Rank: j.group.Rank(), Ranks: j.group.Size(),
		Crop: j.net.Input.Size, Workers: j.Workers, SkipBad: j.OnBad == onBadSkip,
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
		t.Validate = j.validationBatches
	}
	return t
}

// begins is the state that training begins with.
func (j *job) begins(m *engine.Model) engine.Checkpoint {
	state := engine.Checkpoint{Net: j.net, Mean: m.Config.Mean, Classes: j.classes, Seed: j.Seed}
	if j.checkpoint != nil {
		state = j.checkpoint.Checkpoint
	}
	state.PictureSize = j.trainData.Meta().Size
	return state
}

// follow trains on a rank that isn't the first: it writes nothing.
func (j *job) follow(ctx context.Context) (err error) {
	m, err := j.model(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	batches := j.trainBatches()
	defer batches.Close()
	_, err = j.trainer(m, j.begins(m), batches, silent{}).Run(ctx)
	return err
}

// decided marks the ends that all ranks have come to together, so that none cuts
// another short: rank 0 still has to save.
func decided(err error) error {
	var stopped *engine.StoppedError
	if errors.As(err, &stopped) || errors.Is(err, engine.ErrDiverged) {
		return ranks.Agreed(err)
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

// together says how many ranks train, and where.
func together(group collective.Collective) string {
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
	return fmt.Sprintf("%d ranks: %s", group.Size(), strings.Join(order, ", "))
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
