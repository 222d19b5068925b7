package infer

import (
	"context"
	"fmt"
	"slices"

	"alexnet/engine"
	"alexnet/engine/feed"
	"alexnet/pipeline"
)

// ClassesError says that a checkpoint and shards have different classes.
type ClassesError struct {
	Checkpoint string
	Trained    []string // the checkpoint's
	Shards     string
	Classes    []string // the shards'
}

func (e *ClassesError) Error() string {
	return fmt.Sprintf("checkpoint %s was trained on %d classes (%s …), %s has %d (%s …%s): give shards of the same classes",
		e.Checkpoint, len(e.Trained), first(e.Trained), e.Shards, len(e.Classes), first(e.Classes), pipeline.ClassDifference(e.Trained, e.Classes))
}

// SameClasses returns a *ClassesError if d has other classes than those that the
// checkpoint at path was trained on.
func SameClasses(path string, classes []string, d *pipeline.Dataset) error {
	if ids := d.ClassIDs(); !slices.Equal(classes, ids) {
		return &ClassesError{path, classes, d.Dir(), ids}
	}
	return nil
}

// Fits returns a *ClassesError if d has other classes than the nets.
func (e *Ensemble) Fits(d *pipeline.Dataset) error {
	return SameClasses(e.config.Checkpoints[0], e.classes, d)
}

// Evaluate measures the nets on every picture of d: on the centre crop, or on ten
// crops. workers goroutines decode; 0 means one for each core. progress, if not nil,
// receives the number of pictures done. Shards with other classes are a
// *ClassesError.
func (e *Ensemble) Evaluate(ctx context.Context, d *pipeline.Dataset, workers int, progress func(done, total int)) (engine.Score, error) {
	if err := e.Fits(d); err != nil {
		return engine.Score{}, err
	}
	var members []engine.Member
	leaders := map[int]*leader{} // by input size: pictures are decoded once for all nets of a size
	for _, m := range e.models {
		if l := leaders[m.Net.Input.Size]; l != nil {
			members = append(members, engine.Member{Model: m, Feeder: follower{l}})
			continue
		}
		f, err := feed.OnePass(m, d, pipeline.LoaderConfig{
			Batch: e.config.Batch, Crop: m.Net.Input.Size, TenCrop: e.config.TenCrop, Workers: workers,
		})
		if err != nil {
			return engine.Score{}, err
		}
		defer f.Close()
		l := &leader{Feeder: f}
		if len(leaders) == 0 && progress != nil {
			l.Feeder = &counter{Feeder: f, progress: progress, total: d.Len(), views: e.config.views()}
		}
		leaders[m.Net.Input.Size] = l
		members = append(members, engine.Member{Model: m, Feeder: l})
	}
	return engine.EvaluateEnsemble(ctx, members, e.config.views())
}

// leader is the feeder of the first net with an input size. It keeps its last batch for
// the other nets of that size, which read it before it takes the next one.
type leader struct {
	engine.Feeder
	batch engine.Batch
	err   error
}

// Next passes the feeder's batch on.
func (l *leader) Next(ctx context.Context) (engine.Batch, error) {
	l.batch, l.err = l.Feeder.Next(ctx)
	return l.batch, l.err
}

// follower feeds the leader's batch to another net.
type follower struct{ *leader }

// Next returns the leader's last batch.
func (f follower) Next(context.Context) (engine.Batch, error) { return f.batch, f.err }

// counter counts the pictures of a pass.
type counter struct {
	engine.Feeder
	progress     func(done, total int)
	rows         int
	total, views int
}

// Next passes the feeder's batch on.
func (c *counter) Next(ctx context.Context) (engine.Batch, error) {
	b, err := c.Feeder.Next(ctx)
	if err == nil {
		c.progress(c.rows/c.views, c.total)
		c.rows += b.Images
	}
	return b, err
}
