package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Member is one net of an ensemble with its own pass over the data. The images are
// cropped to this net's input size.
type Member struct {
	Model  *Model
	Feeder Feeder
}

// EvaluateEnsemble evaluates nets together. It averages the softmax outputs of all
// members and all views of an image before the guess, as the paper does with five and
// seven nets (table 2). Every member's feeder yields the same images in batches of
// the same size; views is as for Evaluate. With one member the result is that of
// Evaluate.
func EvaluateEnsemble(ctx context.Context, members []Member, views int) (Score, error) {
	switch {
	case len(members) == 0:
		return Score{}, errors.New("an ensemble of no nets")
	case len(members) == 1:
		return Evaluate(ctx, members[0].Model, members[0].Feeder, views)
	case views < 1:
		return Score{}, fmt.Errorf("%d views an image, want at least 1", views)
	}
	classes := members[0].Model.Net.Classes
	for i, m := range members {
		if m.Model.Net.Classes != classes {
			return Score{}, fmt.Errorf("net %d of the ensemble has %d classes, the first %d", i+1, m.Model.Net.Classes, classes)
		}
	}
	var t tally
	mean := newAverager(views*len(members), classes)
	for {
		labels, outputs, err := batchOf(ctx, members)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Score{}, err
		}
		for i, label := range labels {
			for _, probs := range outputs {
				if mean.add(probs[i*classes:(i+1)*classes], label) {
					t.add(mean.outcome(label))
				}
			}
		}
		if mean.err != nil {
			return Score{}, mean.err
		}
	}
	if mean.n != 0 {
		return Score{}, fmt.Errorf("the last image has %d of %d views", mean.n/len(members), views)
	}
	return t.valid()
}

// batchOf takes the next batch of every member and returns its labels and each
// member's softmax outputs (images, classes), which are valid until the next call.
func batchOf(ctx context.Context, members []Member) (labels []int32, outputs [][]float32, err error) {
	for k, m := range members {
		b, err := m.Feeder.Next(ctx)
		if err != nil {
			return nil, nil, err
		}
		if k == 0 {
			labels = append(labels, b.Labels[:b.Images]...)
		}
		if b.Images != len(labels) {
			return nil, nil, fmt.Errorf("net %d of the ensemble was given %d images, the first %d", k+1, b.Images, len(labels))
		}
		o, err := m.Model.Infer(b)
		if err != nil {
			return nil, nil, err
		}
		outputs = append(outputs, o.Probs)
	}
	return labels, outputs, nil
}
