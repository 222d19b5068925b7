package infer_test

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"alexnet/engine"
	"alexnet/engine/infer"
)

// TestLongNames: names that a stranger's checkpoint may hold are drawn as far as they
// fit. Measuring the whole name once a letter took hours.
func TestLongNames(t *testing.T) {
	long := infer.Guess{Class: strings.Repeat("W", 1<<20), Probability: 1}
	s := infer.Sheet{Size: 1, Cells: []infer.Cell{{Name: strings.Repeat("i", 1<<20), Crop: make([]byte, 3), Guesses: []infer.Guess{long}}}}
	if _, err := s.Draw(); err != nil {
		t.Error(err)
	}
}

// TestVectorsAreNumbers: a row with a value that isn't finite is refused by its name.
func TestVectorsAreNumbers(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		v, err := infer.NewVectorFile(filepath.Join(t.TempDir(), "x.npy"))
		if err != nil {
			t.Fatal(err)
		}
		defer v.Abandon()
		if err := v.Add([]float32{1, 2, math.MaxFloat32, float32(bad)}, []string{"a.jpg", "b\x1b.jpg"}); !errors.Is(err, engine.ErrNoNumber) || !strings.Contains(err.Error(), `"b\x1b.jpg"`) {
			t.Errorf("%g: error %v", bad, err)
		}
	}
}
