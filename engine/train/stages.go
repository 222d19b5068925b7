package train

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"alexnet/engine"
	"alexnet/internal/setting"
	"alexnet/pipeline"
)

// StopChange says that a Change with Stop has ended the run.
const StopChange engine.Stop = "a change of the recipe has ended it"

// session trains in stages, from one change of the settings to the next. Between
// stages it makes the model and its feeders again, as for a resumed run. So a change
// has exactly the effect of resuming with other settings.
type session struct {
	*Job
	model *engine.Model // nil once it is closed
	state engine.Checkpoint
	bad   []pipeline.BadSample // pictures that this rank could not read
	began time.Time
	watch *watcher // nil on ranks that aren't the first
}

// begin makes the model for the first stage. The caller closes the session.
func (j *Job) begin(ctx context.Context) (*session, error) {
	m, err := j.model(ctx, nil)
	if err != nil {
		return nil, err
	}
	for _, read := range []*engine.CheckpointFile{j.checkpoint, j.from} {
		if read == nil {
			continue
		}
		if err := read.Close(); err != nil { // Windows can't replace an open file
			return nil, errors.Join(err, m.Close())
		}
	}
	return &session{Job: j, model: m, state: j.begins(m), began: time.Now()}, nil
}

// close closes the model.
func (s *session) close() error {
	if s.model == nil {
		return nil
	}
	m := s.model
	s.model = nil
	return m.Close()
}

// outcome is how a session's training has ended.
type outcome struct {
	stop     engine.Stop // "" after an error
	err      error
	together bool // all ranks have reached this end
}

// train trains to the end of the run. All ranks call it.
func (s *session) train(ctx context.Context) outcome {
	stop, err := s.run(ctx)
	o := outcome{stop, err, ended(err)}
	if s.watch != nil && s.watch.failure != nil {
		o.stop, o.err = "", s.watch.failure
	}
	return o
}

// end returns an outcome for the observer.
func (s *session) end(o outcome) End {
	e := End{Stop: o.stop, Err: o.err, Saved: s.watch.last}
	if ended(o.err) { // else devices may have failed
		e.Model = s.model
	}
	return e
}

// result returns an outcome for the caller of Run. All ranks call it.
func (s *session) result(o outcome) (*Result, error) {
	var bad []pipeline.BadSample
	if o.together {
		var err error
		if bad, err = s.gatherBad(s.bad); err != nil {
			return nil, err
		}
	}
	if o.err != nil {
		return nil, o.err
	}
	r := s.Job.result(o.stop, &s.state)
	r.Skipped = bad
	return r, nil
}

// run trains stage by stage.
func (s *session) run(ctx context.Context) (engine.Stop, error) {
	for {
		if s.made.stops() {
			return StopChange, nil
		}
		if stop, err := s.stage(ctx); err != nil || stop != engine.StopPaused {
			return stop, err
		}
		if err := s.change(ctx); err != nil {
			return "", err
		}
	}
}

// stage trains until a limit is reached or a change is due.
func (s *session) stage(ctx context.Context) (engine.Stop, error) {
	batches := s.trainBatches(s.model)
	defer batches.Close()
	var o engine.Observer = ignored{}
	if s.watch != nil {
		s.watch.model, s.watch.schedule, s.watch.spent = s.model, s.schedule, batches.spent
		o = s.watch
	}
	t := s.trainer(s.model, s.state, batches, o)
	if t.MaxTime > 0 {
		t.MaxTime = max(1, t.MaxTime-time.Since(s.began))
	}
	stop, err := t.Run(ctx)
	s.state = t.Checkpoint
	s.bad = append(s.bad, batches.leftOut()...)
	return stop, err
}

// change makes the changes that are due, and the model for the next stage.
func (s *session) change(ctx context.Context) error {
	before := s.made
	if err := s.enter(s.state.Position, s.state.Schedule); err != nil {
		return err
	}
	s.state.Changes = s.made.texts()
	if s.watch != nil {
		for _, c := range s.made {
			if !slices.Contains(before.texts(), c.String()) {
				s.note("from epoch %d: %s (%s)", s.state.Position.Epoch+1, c.What(), c.When())
			}
		}
		r, err := ReadRecord(s.c.Run)
		if err == nil {
			r.made(s.made, s.state.Position)
			err = r.write(s.c.Run)
		}
		if err != nil {
			return unwritable(s.c.Run, err)
		}
	}
	if s.made.stops() {
		return nil
	}
	weights, err := carry(s.model, s.state.Mean)
	if err := errors.Join(err, s.close()); err != nil {
		return err
	}
	s.model, err = s.Job.model(ctx, weights)
	return err
}

// enter applies the changes that are due at a position.
func (j *Job) enter(at engine.Position, learnt engine.ScheduleState) (err error) {
	j.made = j.c.Changes.due(at, learnt)
	if j.now, err = j.c.after(j.made); err != nil {
		return err
	}
	if j.schedule, err = j.now.schedule(j.StepsPerEpoch(), j.net.Classes); err != nil {
		return err
	}
	j.schedule.Restore(learnt)
	return nil
}

// changeDue implements engine.Trainer.Pause.
func (j *Job) changeDue(at engine.Position, learnt engine.ScheduleState) bool {
	return len(j.c.Changes.due(at, learnt)) != len(j.made)
}

// position returns where the run continues.
func (j *Job) position() engine.Position {
	if j.checkpoint == nil {
		return engine.Position{}
	}
	return j.checkpoint.Position
}

// checkLayers returns an error for layers in current or later settings that the net does
// not have.
func (j *Job) checkLayers() error {
	then := j.c
	for _, one := range append(Changes{{}}, j.c.Changes...) {
		var err error
		if then, err = then.after(Changes{one}); err != nil {
			return err
		}
		rates, err := then.layerRates()
		if err != nil {
			return err
		}
		for name, layers := range map[string][]string{"freeze": SplitList(then.Freeze), "layer-rates": slices.Sorted(maps.Keys(rates))} {
			if err := j.net.HasLayers(layers); err != nil {
				return setting.Invalidf("%s: %w", setting.Name(name), err)
			}
		}
	}
	return nil
}

// carried holds a model's arrays for the model of the next stage.
type carried struct {
	mean   []float32
	fields map[engine.Field]map[string][]float32
}

// carry reads a model's weights and velocities. If a model is split over ranks, all
// ranks call it.
func carry(m *engine.Model, mean []float32) (*carried, error) {
	c := &carried{mean: mean, fields: map[engine.Field]map[string][]float32{engine.Weight: {}, engine.Velocity: {}}}
	for _, p := range m.Parameters() {
		for _, field := range []engine.Field{engine.Weight, engine.Velocity} {
			values, err := m.Read(field, p.Name)
			if err != nil {
				return nil, fmt.Errorf("between two stages: %w", err)
			}
			c.fields[field][p.Name] = values
		}
	}
	return c, nil
}

// restore writes the arrays to a model of the same net.
func (c *carried) restore(m *engine.Model) error {
	for field, arrays := range c.fields {
		for name, values := range arrays {
			if err := m.Write(field, name, values); err != nil {
				return fmt.Errorf("between two stages: %w", err)
			}
		}
	}
	return nil
}
