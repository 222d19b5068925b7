package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"alexnet/engine"
	"alexnet/internal/file"
)

// ReadMetrics reads a metrics.jsonl. A missing file counts as empty. An incomplete
// last line is left out.
func ReadMetrics(path string) ([]engine.Metrics, error) {
	f, err := file.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []engine.Metrics
	var bad error
	for lines, n := bufio.NewScanner(f), 1; ; n++ {
		if !lines.Scan() {
			return all, lines.Err()
		}
		if bad != nil {
			return nil, bad
		}
		var m engine.Metrics
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			bad = fmt.Errorf("%s: line %d: %w", path, n, err)
			continue
		}
		all = append(all, m)
	}
}

// Summary returns the last training figures, the validation with the lowest error,
// and the median training rate; nil and 0 if there are none.
func Summary(metrics []engine.Metrics) (train, lowest *engine.Metrics, imagesPerSec float64) {
	var speed []float64
	for i, m := range metrics {
		switch m.Split {
		case "train":
			train = &metrics[i]
			speed = append(speed, m.ImagesPerSec)
		case "val":
			if lowest == nil || m.Top1Error < lowest.Top1Error {
				lowest = &metrics[i]
			}
		}
	}
	if len(speed) > 0 {
		slices.Sort(speed)
		imagesPerSec = (speed[(len(speed)-1)/2] + speed[len(speed)/2]) / 2
	}
	return train, lowest, imagesPerSec
}

// mostPasses bounds the memory that a line of a damaged metrics.jsonl can request.
const mostPasses = 1 << 20

// TrainingErrors returns the mean top-1 training error of every pass over the
// training set, the unfinished one included. Each line of metrics counts by its
// pictures. Lines of no pass, or of one beyond mostPasses, are left out.
func TrainingErrors(metrics []engine.Metrics) (errors []float64) {
	var sum float64
	var before, n uint64 // pictures: up to the line before, and in this pass
	for _, m := range metrics {
		if m.Split != "train" || m.Epoch < 1 || m.Epoch > mostPasses {
			continue
		}
		for len(errors) < m.Epoch {
			errors, sum, n = append(errors, math.NaN()), 0, 0
		}
		sum += m.Top1Error * float64(m.Images-before)
		n += m.Images - before
		before = m.Images
		errors[m.Epoch-1] = sum / float64(n)
	}
	return errors
}
