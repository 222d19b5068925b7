package engine_test

import (
	"context"
	"io"
	"math"
	"strings"
	"testing"

	"alexnet/engine"
)

// list feeds batches that are given.
type list []engine.Batch

func (l *list) Next(context.Context) (engine.Batch, error) {
	if len(*l) == 0 {
		return engine.Batch{}, io.EOF
	}
	b := (*l)[0]
	*l = (*l)[1:]
	return b, nil
}

func (l *list) Close() error { return nil }

// views is one picture a batch image: constant colours, labels given.
func views(labels []int32, grey ...byte) engine.Batch {
	b := engine.Batch{Images: len(grey), Labels: labels, Pixels: make([]byte, len(grey)*tinyPixels)}
	for i, g := range grey {
		for p := range tinyPixels {
			b.Pixels[i*tinyPixels+p] = g * byte(1+p%3)
		}
	}
	return b
}

func TestEvaluateAveragesViews(t *testing.T) {
	m := tinyModel(t, "cpu", true)
	if err := m.Initialize(engine.InitHe, 3); err != nil {
		t.Fatal(err)
	}
	// Softmax outputs of six views, one by one.
	var probs [][]float64
	for _, g := range []byte{10, 20, 30, 40, 50, 60} {
		o, err := m.Infer(views([]int32{0}, g))
		if err != nil {
			t.Fatal(err)
		}
		probs = append(probs, []float64{float64(o.Probs[0]), float64(o.Probs[1]), float64(o.Probs[2])})
	}
	var want engine.Score
	for i, label := range []int{1, 2} { // two images of three views
		mean := make([]float64, 3)
		for _, p := range probs[3*i : 3*i+3] {
			for c := range mean {
				mean[c] += p[c] / 3
			}
		}
		want.Images++
		want.Loss -= math.Log(mean[label]) / 2
		for c, p := range mean {
			if c != label && p > mean[label] {
				want.Top1Error += 0.5
				break
			}
		}
	}
	// The second image's views continue in the next batch.
	got, err := engine.Evaluate(t.Context(), m, &list{views([]int32{1, 1, 1, 2}, 10, 20, 30, 40), views([]int32{2, 2}, 50, 60)}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got.Images != want.Images || got.Top1Error != want.Top1Error || math.Abs(got.Loss-want.Loss) > 1e-6 || got.Top5Error != 0 {
		t.Errorf("score %+v, want %+v", got, want)
	}
}

func TestEvaluateRefusesHalfAnImage(t *testing.T) {
	m := tinyModel(t, "cpu", true)
	if err := m.Initialize(engine.InitHe, 3); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		labels []int32
		want   string
	}{
		{[]int32{1, 1, 1}, "1 of 2 views"},
		{[]int32{1, 2}, "has label 2, the views before 1"},
	} {
		grey := make([]byte, len(c.labels))
		if _, err := engine.Evaluate(t.Context(), m, &list{views(c.labels, grey...)}, 2); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("labels %v: error %v, want one with %q", c.labels, err, c.want)
		}
	}
}
