package main

import (
	"context"
	"errors"
	"io"

	"alexnet/engine"
	"alexnet/engine/feed"
	"alexnet/engine/train/report"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
)

// confusionPictures is the largest data set whose confusion is counted: it
// takes a pass over all of it.
const confusionPictures = 20_000

// confusion counts which classes of d the net takes for which; nil for a large
// data set.
func confusion(ctx context.Context, m *engine.Model, d *pipeline.Dataset, line *command.Line) (*report.Confusion, error) {
	if d.Len() > confusionPictures {
		return nil, nil
	}
	names := make([]string, m.Net.Classes)
	for i := range names {
		names[i] = d.Meta().Classes[i].Title()
	}
	c := report.NewConfusion(names)
	f, err := feed.OnePass(m, d, pipeline.LoaderConfig{Batch: m.Config.Batch, Crop: m.Net.Input.Size, SkipBad: true})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for seen := 0; ; {
		b, err := f.Next(ctx)
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return nil, err
		}
		o, err := m.Infer(b)
		if err != nil {
			return nil, err
		}
		c.Add(b.Labels[:b.Images], o.Probs)
		seen += b.Images
		line.Update("report: %d of %d pictures guessed", seen, d.Len())
	}
}
