package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
)

// A Feeder yields the batches of one pass over a data set.
type Feeder interface {
	// Next returns the next batch, or io.EOF after the last. The batch is valid
	// until the call of Next after the next one, or Close.
	Next(context.Context) (Batch, error)
	// Close stops the pass and frees what it holds.
	Close() error
}

// Score is the result of a net on a data set. Errors are fractions, 0–1.
type Score struct {
	Images    int     `json:"images"`
	Loss      float64 `json:"loss"` // mean cross-entropy, nats
	Top1Error float64 `json:"top1_error"`
	Top5Error float64 `json:"top5_error"`
}

// tally adds up outcomes, image by image and in their order, so that the sum
// does not depend on the batch size.
type tally struct {
	images, miss1, miss5 int
	loss                 float64
}

func (t *tally) add(loss float64, rank int32) {
	t.images++
	t.loss += loss
	if rank >= 1 {
		t.miss1++
	}
	if rank >= 5 {
		t.miss5++
	}
}

func (t *tally) score() Score {
	n := float64(max(t.images, 1))
	return Score{Images: t.images, Loss: t.loss / n, Top1Error: float64(t.miss1) / n, Top5Error: float64(t.miss5) / n}
}

// Evaluate runs m over all batches of f in test mode. views is the number of
// consecutive views of each image, all with the same label; their softmax outputs are
// averaged before the guess. It is 10 for the paper's ten crops (§4.1) and 1 for a
// single crop.
func Evaluate(ctx context.Context, m *Model, f Feeder, views int) (Score, error) {
	t, err := evaluate(ctx, m, f, views)
	if err != nil {
		return Score{}, err
	}
	return t.valid()
}

// ErrNoNumber says that the net's output is NaN: its weights are so large that their
// products overflow.
var ErrNoNumber = errors.New("the net's output is not a number (NaN): its weights are too large to compute with")

// valid returns the score, or an error if some outcome isn't a number.
func (t *tally) valid() (Score, error) {
	s := t.score()
	if math.IsNaN(s.Loss) {
		return Score{}, ErrNoNumber
	}
	return s, nil
}

func evaluate(ctx context.Context, m *Model, f Feeder, views int) (tally, error) {
	if views < 1 {
		return tally{}, fmt.Errorf("%d views an image, want at least 1", views)
	}
	var t tally
	mean := newAverager(views, m.Net.Classes)
	for {
		b, err := f.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return t, err
		}
		o, err := m.Infer(b)
		if err != nil {
			return t, err
		}
		if views == 1 {
			for i, loss := range o.Loss {
				t.add(float64(loss), o.LabelRank[i])
			}
			continue
		}
		for i, label := range b.Labels[:b.Images] {
			if mean.add(o.Probs[i*m.Net.Classes:(i+1)*m.Net.Classes], label) {
				t.add(mean.outcome(label))
			}
		}
		if mean.err != nil {
			return t, mean.err
		}
	}
	if mean.n != 0 {
		return t, fmt.Errorf("the last image has %d of %d views", mean.n, views)
	}
	return t, nil
}

// Mean averages softmax outputs over the views of an image and the nets of an
// ensemble.
type Mean struct {
	sum []float64
	n   int
}

// NewMean returns an empty mean.
func NewMean(classes int) Mean { return Mean{sum: make([]float64, classes)} }

// Add adds one output.
func (m *Mean) Add(probs []float32) {
	for c, p := range probs {
		m.sum[c] += float64(p)
	}
	m.n++
}

// Probabilities returns the mean in a fresh slice.
func (m *Mean) Probabilities() []float64 {
	out := make([]float64, len(m.sum))
	for c, p := range m.sum {
		out[c] = p / float64(m.n)
	}
	return out
}

// averager averages the outputs for consecutive views of an image. Views may continue
// in the next batch.
type averager struct {
	Mean
	outputs int // of each image: its views by all nets
	label   int32
	err     error
}

func newAverager(outputs, classes int) averager {
	return averager{Mean: NewMean(classes), outputs: outputs}
}

// add counts one output and reports whether it completes its image.
func (a *averager) add(probs []float32, label int32) bool {
	if a.n == 0 {
		a.label = label
		clear(a.sum)
	}
	if label != a.label {
		a.err = fmt.Errorf("view %d of an image has label %d, the views before %d", a.n, label, a.label)
	}
	a.Add(probs)
	return a.n == a.outputs
}

// outcome returns the loss and rank of the mean, as SoftmaxLoss defines them, and
// begins the next image. A mean that has underflowed to 0 counts as the smallest
// float32, so that the loss stays a number that JSON can hold.
func (a *averager) outcome(label int32) (loss float64, rank int32) {
	own := a.sum[label]
	for c, p := range a.sum {
		if p > own || p == own && c < int(label) {
			rank++
		}
	}
	if math.IsNaN(own) {
		rank = int32(len(a.sum))
	}
	a.n = 0
	return -math.Log(max(own/float64(a.outputs), math.SmallestNonzeroFloat32)), rank
}
