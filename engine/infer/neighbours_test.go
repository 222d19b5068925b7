package infer

import (
	"slices"
	"testing"

	"alexnet/engine"
)

func TestNearestKeepsFiveInOrder(t *testing.T) {
	n := nearest{query: []float32{1, 1}, itself: 7 + 1}
	for sample, v := range [][]float32{{5, 1}, {1, 2}, {1, 0}, {9, 9}, {4, 1}, {3, 1}, {2, 2}, {1, 1}, {1, 1}} {
		n.offer(sample, v)
	}
	want := []hit{{8, 0}, {1, 1}, {2, 1}, {6, 2}, {5, 4}} // 7 is the query itself; 1 came before 2
	if !slices.Equal(n.hits, want) {
		t.Errorf("nearest %v, want %v", n.hits, want)
	}
}

func TestPenultimate(t *testing.T) {
	for name, want := range map[string]string{"alexnet": "fc7", "alexnet-145": "fc7", "alexnet-mini": "fc7", "cifar-13pct": "local4"} {
		n, err := engine.Preset(name, 10)
		if err != nil {
			t.Fatal(err)
		}
		if got := Penultimate(n); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := Penultimate(&engine.Net{Layers: []engine.Layer{{Name: "fc1", Dense: &engine.DenseSpec{}}}}); got != "" {
		t.Errorf("a single layer: %q", got)
	}
}
