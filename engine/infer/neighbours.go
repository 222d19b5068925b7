package infer

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"

	"alexnet/engine"
	"alexnet/engine/feed"
	"alexnet/pipeline"
)

const (
	queryPictures     = 6
	nearestPictures   = 5
	neighbourPictures = 10_000 // the number of the shards' first pictures that are searched
)

// Penultimate returns the name of the last but one layer with weights, fc7 of
// alexnet; "" for a net with a single layer.
func Penultimate(n *engine.Net) string {
	var names []string
	for _, l := range n.Layers {
		if l.Weighted() {
			names = append(names, l.Name)
		}
	}
	if len(names) < 2 {
		return ""
	}
	return names[len(names)-2]
}

// Neighbours is a picture with the pictures whose features are nearest to its own.
type Neighbours struct {
	Query   Crop
	Nearest []Neighbour // nearest first
}

// Neighbour is a picture and its Euclidean distance from the query.
type Neighbour struct {
	Crop
	Distance float64
}

// FindNeighbours finds, for a few pictures of queries, the pictures of base with the
// nearest features, as in figure 4 (right) of the paper. m taps the layer; without a
// tapped layer the result is empty. progress, if not nil, receives the number of
// pictures compared.
func FindNeighbours(ctx context.Context, m *engine.Model, queries, base *pipeline.Dataset, progress func(done, total int)) ([]Neighbours, error) {
	if m.Config.Tap == "" {
		return nil, nil
	}
	crops, err := Evenly(queries, m.Net.Input.Size, queryPictures)
	if err != nil {
		return nil, err
	}
	var found []nearest
	for part := range slices.Chunk(crops, m.Config.Batch) {
		_, vectors, err := m.Features(Batch(part))
		if err != nil {
			return nil, err
		}
		width := len(vectors) / len(part)
		for i, c := range part {
			q := nearest{query: vectors[i*width : (i+1)*width]}
			if queries == base {
				q.itself = c.Sample + 1
			}
			found = append(found, q)
		}
	}
	if err := search(ctx, m, base, found, progress); err != nil {
		return nil, err
	}
	rows := make([]Neighbours, len(found))
	for i, f := range found {
		rows[i].Query = crops[i]
		for _, hit := range f.hits {
			c, err := centreCrop(base, m.Net.Input.Size, hit.sample)
			if err != nil {
				return nil, err
			}
			rows[i].Nearest = append(rows[i].Nearest, Neighbour{c, math.Sqrt(hit.distance)})
		}
	}
	return rows, nil
}

// search reads base once, and keeps the nearest pictures of every query.
func search(ctx context.Context, m *engine.Model, base *pipeline.Dataset, queries []nearest, progress func(done, total int)) error {
	f, err := feed.OnePass(m, base, pipeline.LoaderConfig{Batch: m.Config.Batch, Crop: m.Net.Input.Size, SkipBad: true})
	if err != nil {
		return err
	}
	defer f.Close()
	total := min(base.Len(), neighbourPictures)
	for seen := 0; seen < total; {
		b, err := f.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		_, vectors, err := m.Features(b)
		if err != nil {
			return err
		}
		width := len(vectors) / b.Images
		for i, sample := range f.Samples() {
			for q := range queries {
				queries[q].offer(sample, vectors[i*width:(i+1)*width])
			}
		}
		seen += b.Images
		if progress != nil {
			progress(min(seen, total), total)
		}
	}
	return nil
}

// nearest keeps the samples with features nearest to the query's.
type nearest struct {
	query  []float32
	itself int // the query's own sample, plus one; 0 if it isn't among them
	hits   []hit
}

// hit is a sample and its squared Euclidean distance.
type hit struct {
	sample   int
	distance float64
}

func (n *nearest) offer(sample int, vector []float32) {
	if sample+1 == n.itself {
		return
	}
	var distance float64
	for i, v := range vector {
		d := float64(v) - float64(n.query[i])
		distance += d * d
	}
	at := len(n.hits)
	for at > 0 && distance < n.hits[at-1].distance {
		at--
	}
	if at < nearestPictures {
		n.hits = slices.Insert(n.hits, at, hit{sample, distance})
		n.hits = n.hits[:min(len(n.hits), nearestPictures)]
	}
}
