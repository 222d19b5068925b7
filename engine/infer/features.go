package infer

import (
	"context"
	"errors"
	"io"

	"alexnet/engine/feed"
	"alexnet/pipeline"
)

// Features returns the output of Config.Layer of the first net for at most Pictures()
// squares: (len(squares), values), after the layer's activation and before dropout.
func (e *Ensemble) Features(squares [][]byte) ([]float32, error) {
	m := e.models[0]
	_, vectors, err := m.Features(e.batch(m, squares))
	return vectors, err
}

// DatasetFeatures calls use with the output of Config.Layer for every sample of d, in
// stored order, one batch at a time: rows of vectors, and the samples' names. The
// shards may have other classes than the net.
func (e *Ensemble) DatasetFeatures(ctx context.Context, d *pipeline.Dataset, use func(vectors []float32, names []string) error) error {
	m := e.models[0]
	f, err := feed.OnePass(m, d, pipeline.LoaderConfig{Batch: e.config.Batch, Crop: m.Net.Input.Size})
	if err != nil {
		return err
	}
	defer f.Close()
	for at := 0; ; {
		b, err := f.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		b.Labels = make([]int32, b.Images)
		_, vectors, err := m.Features(b)
		if err != nil {
			return err
		}
		names := make([]string, b.Images)
		for i := range names {
			s, err := d.Sample(at + i)
			if err != nil {
				return err
			}
			names[i] = s.Name
		}
		at += b.Images
		if err := use(vectors, names); err != nil {
			return err
		}
	}
}
