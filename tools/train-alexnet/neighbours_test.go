package main

import (
	"bytes"
	"io"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"alexnet/engine"
	"alexnet/pipeline"
	"alexnet/tools/internal/command"
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
	for name, want := range map[string]string{"alexnet": "fc7", "alexnet-145": "fc7", "alexnet-mini": "fc7", "cifar-4": "conv3"} {
		n, err := engine.Preset(name, 10)
		if err != nil {
			t.Fatal(err)
		}
		if got := penultimate(n); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := penultimate(&engine.Net{Layers: []engine.Layer{{Name: "fc1", Dense: &engine.DenseSpec{}}}}); got != "" {
		t.Errorf("a single layer: %q", got)
	}
}

// neighboursAreNearest compares with a search through the vectors that features
// writes.
func neighboursAreNearest(t *testing.T, w trained) {
	vectors := map[string][]float32{}
	for name, c := range map[string]struct{ dir, shape string }{"train": {w.train, "(60, 16)"}, "val": {w.val, "(21, 16)"}} {
		out := filepath.Join(w.dir, name+"-features.npy")
		call("train-alexnet", "features", "--checkpoint", w.checkpoint, "--layer", "fc3", "--data", c.dir, "--out", out).must(t, 0)
		vectors[name] = readVectors(t, out, c.shape)
	}
	m, _, err := openModel(w.checkpoint, "cpu", 8, 1, "fc3")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, queries := range []string{"val", "train"} {
		base := openShards(t, w.train)
		d := base
		if queries == "val" {
			d = openShards(t, w.val)
		}
		rows, err := neighbours(t.Context(), m, d, base, command.NewLine(io.Discard))
		if err != nil || len(rows) != queryPictures {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for i, row := range rows {
			sample := i * d.Len() / queryPictures
			query := vectors[queries][sample*16 : (sample+1)*16]
			var distances []float64
			for at := range base.Len() {
				var sum float64
				for k, v := range vectors["train"][at*16 : (at+1)*16] {
					sum += math.Pow(float64(v)-float64(query[k]), 2)
				}
				if queries == "val" || at != sample {
					distances = append(distances, math.Sqrt(sum))
				}
			}
			slices.Sort(distances)
			for k, near := range row.Nearest {
				if math.Abs(near.Distance-distances[k]) > 1e-5 {
					t.Errorf("%s picture %d: neighbour %d at %g, want %g", queries, sample, k, near.Distance, distances[k])
				}
			}
			if len(row.Nearest) != nearestPictures || bytes.Equal(row.Query.PNG, row.Nearest[0].PNG) {
				t.Errorf("%s picture %d: %d neighbours, or itself", queries, sample, len(row.Nearest))
			}
		}
	}
}

func openShards(t *testing.T, dir string) *pipeline.Dataset {
	t.Helper()
	d, err := pipeline.OpenDataset(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}
