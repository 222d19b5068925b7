package engine_test

import (
	"math"
	"strings"
	"testing"

	"alexnet/engine"
)

// TestEnsembleAverages compares an ensemble of two nets on two images of two
// views, across batches, with the mean of their softmax outputs.
func TestEnsembleAverages(t *testing.T) {
	a, b := tinyModel(t, "cpu", true), tinyModel(t, "cpu", true)
	for i, m := range []*engine.Model{a, b} {
		if err := m.Initialize(engine.InitHe, uint64(i+3)); err != nil {
			t.Fatal(err)
		}
	}
	labels := []int{1, 2}
	grey := []byte{10, 20, 30, 40}
	var want engine.Score
	for i, label := range labels {
		mean := make([]float64, 3)
		for _, m := range []*engine.Model{a, b} {
			for _, g := range grey[2*i : 2*i+2] {
				o, err := m.Infer(views([]int32{0}, g))
				if err != nil {
					t.Fatal(err)
				}
				for c, p := range o.Probs {
					mean[c] += float64(p) / 4
				}
			}
		}
		want.Loss -= math.Log(mean[label]) / 2
		for c, p := range mean {
			if c != label && p > mean[label] {
				want.Top1Error += 0.5
				break
			}
		}
	}
	feed := func() *list {
		return &list{views([]int32{1, 1, 2}, 10, 20, 30), views([]int32{2}, 40)}
	}
	got, err := engine.EvaluateEnsemble(t.Context(), []engine.Member{{a, feed()}, {b, feed()}}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got.Images != 2 || got.Top1Error != want.Top1Error || math.Abs(got.Loss-want.Loss) > 1e-6 {
		t.Errorf("score %+v, want %+v", got, want)
	}
	one, err := engine.EvaluateEnsemble(t.Context(), []engine.Member{{a, feed()}}, 2)
	if err != nil {
		t.Fatal(err)
	}
	alone, err := engine.Evaluate(t.Context(), a, feed(), 2)
	if err != nil || one != alone {
		t.Errorf("one net: %+v, %+v alone, %v", one, alone, err)
	}
	if one == got {
		t.Error("the second net changed nothing")
	}
}

func TestEnsembleRefuses(t *testing.T) {
	a, b := tinyModel(t, "cpu", true), tinyModel(t, "cpu", true)
	for _, m := range []*engine.Model{a, b} {
		if err := m.Initialize(engine.InitHe, 3); err != nil {
			t.Fatal(err)
		}
	}
	two, one := views([]int32{1, 1}, 10, 20), views([]int32{1}, 10)
	for want, c := range map[string]struct {
		members []engine.Member
		views   int
	}{
		"an ensemble of no nets":          {nil, 1},
		"0 views":                         {[]engine.Member{{a, &list{two}}, {b, &list{two}}}, 0},
		"was given 1 images, the first 2": {[]engine.Member{{a, &list{two}}, {b, &list{one}}}, 1},
		"1 of 2 views":                    {[]engine.Member{{a, &list{one}}, {b, &list{one}}}, 2},
	} {
		if _, err := engine.EvaluateEnsemble(t.Context(), c.members, c.views); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}
