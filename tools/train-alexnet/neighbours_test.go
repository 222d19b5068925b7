package main

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"alexnet/engine/devices"
	"alexnet/engine/infer"
	"alexnet/pipeline"
)

// neighboursAreNearest compares with a search through the vectors that features
// writes.
func neighboursAreNearest(t *testing.T, w trained) {
	vectors := map[string][]float32{}
	for name, c := range map[string]struct{ dir, shape string }{"train": {w.train, "(60, 16)"}, "val": {w.val, "(21, 16)"}} {
		out := filepath.Join(w.dir, name+"-features.npy")
		call("train-alexnet", "features", "--checkpoint", w.checkpoint, "--layer", "fc3", "--data", c.dir, "--out", out).must(t, 0)
		vectors[name] = readVectors(t, out, c.shape)
	}
	const pictures, nearest = 6, 5
	e, err := openModel(w.checkpoint, "cpu", devices.Options{Threads: 1}, 8, "fc3")
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, queries := range []string{"val", "train"} {
		base := openShards(t, w.train)
		d := base
		if queries == "val" {
			d = openShards(t, w.val)
		}
		rows, err := infer.FindNeighbours(t.Context(), e.Models()[0], d, base, nil)
		if err != nil || len(rows) != pictures {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		for i, row := range rows {
			sample := i * d.Len() / pictures
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
			if len(row.Nearest) != nearest || bytes.Equal(row.Query.RGB, row.Nearest[0].RGB) {
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
