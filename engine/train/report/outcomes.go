package report

import (
	"context"
	"errors"
	"io"

	"alexnet/engine"
	"alexnet/engine/feed"
	"alexnet/engine/infer"
	"alexnet/pipeline"
)

// mostOutcomes is the size of the largest data set that the report classifies as a
// whole.
const mostOutcomes = 20_000

// outcome is the net's guess for a picture.
type outcome struct {
	truth, guess int
	confidence   float64 // the probability of the guess
}

// classified returns the net's guess for every picture, in stored order; nil for a
// large data set. Several sections share one pass.
func (s *Subject) classified(ctx context.Context) ([]outcome, error) {
	if s.outcomes != nil || s.Pictures.Len() > mostOutcomes {
		return s.outcomes, nil
	}
	m := s.Model
	f, err := feed.OnePass(m, s.Pictures, pipeline.LoaderConfig{Batch: m.Config.Batch, Crop: m.Net.Input.Size, SkipBad: true})
	if err != nil {
		return nil, err
	}
	defer f.Close()
	tell := s.progress("guessed")
	for {
		b, err := f.Next(ctx)
		if errors.Is(err, io.EOF) {
			return s.outcomes, nil
		}
		if err != nil {
			return nil, err
		}
		o, err := m.Infer(b)
		if err != nil {
			return nil, err
		}
		if !infer.Finite(o.Probs) {
			return nil, engine.ErrNoNumber
		}
		s.outcomes = append(s.outcomes, outcomesOf(b.Labels[:b.Images], o.Probs)...)
		tell(len(s.outcomes), s.Pictures.Len())
	}
}

// outcomesOf returns the most probable class of each picture, the first one among
// equals. probs holds one row for each picture.
func outcomesOf(labels []int32, probs []float32) []outcome {
	all := make([]outcome, len(labels))
	for i, truth := range labels {
		k := len(probs) / len(labels)
		row, guess := probs[i*k:(i+1)*k], 0
		for j, p := range row {
			if p > row[guess] {
				guess = j
			}
		}
		all[i] = outcome{int(truth), guess, float64(row[guess])}
	}
	return all
}
