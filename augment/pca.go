package augment

import (
	"errors"
	"fmt"
	"math"
	"os"

	"alexnet/internal/file"
	"alexnet/internal/jsontext"
	"alexnet/internal/plaintext"
	"alexnet/internal/setting"

	"gonum.org/v1/gonum/mat"
)

// Units255 is the only value of PCA.Units: colours from 0 to 255.
const Units255 = "0-255"

// PCA holds the colour statistics of a training set and the principal axes of
// its colours, as pca.json does. Colours are in 0–255 units and in the order R,
// G, B. The covariance is the population's, divided by the number of pixels.
type PCA struct {
	Units        string        `json:"units"`        // "0-255"
	Pixels       uint64        `json:"pixels"`       // how many were counted
	Mean         [3]float64    `json:"mean"`         // of R, G, B
	Covariance   [3][3]float64 `json:"covariance"`   // squared units
	Eigenvalues  [3]float64    `json:"eigenvalues"`  // of the covariance, descending
	Eigenvectors [3][3]float64 `json:"eigenvectors"` // row i belongs to eigenvalue i; unit length, largest component positive
}

// ErrOneColour is returned if all pixels have the same colour: their covariance has no
// axes.
var ErrOneColour = errors.New("all pixels have the same colour: their covariance is zero and has no axes; count pictures with at least two colours")

// FromSums finds the axes of the pixels that s has counted. It returns ErrOneColour if
// all pixels have the same colour, and another error if there are no pixels or s can't
// be sums of bytes.
func FromSums(s Sums) (PCA, error) {
	if s.Pixels == 0 {
		return PCA{}, errors.New("no pixels were counted")
	}
	p := PCA{Units: Units255, Pixels: s.Pixels, Mean: s.Mean(), Covariance: s.Covariance()}
	if p.Covariance == ([3][3]float64{}) {
		return PCA{}, ErrOneColour
	}
	c := p.Covariance
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(3, []float64{
		c[0][0], c[0][1], c[0][2],
		c[1][0], c[1][1], c[1][2],
		c[2][0], c[2][1], c[2][2],
	}), true) {
		return PCA{}, fmt.Errorf("the eigenvectors of the covariance %v were not found", c)
	}
	var columns mat.Dense
	eigen.VectorsTo(&columns)
	for i, lambda := range eigen.Values(nil) { // ascending
		row := 2 - i
		// A covariance has no negative eigenvalue, but rounding may give one.
		p.Eigenvalues[row] = max(lambda, 0)
		v := [3]float64{columns.At(0, i), columns.At(1, i), columns.At(2, i)}
		p.Eigenvectors[row] = orient(v)
	}
	return p, p.Validate()
}

// orient makes the component with the largest magnitude, the first among
// equals, positive.
func orient(v [3]float64) [3]float64 {
	k := 0
	for i := range v {
		if math.Abs(v[i]) > math.Abs(v[k]) {
			k = i
		}
	}
	if v[k] < 0 {
		for i := range v {
			v[i] = 0 - v[i] // not −v[i], which would make a negative zero
		}
	}
	return v
}

// tolerance bounds how far the axes of a file may be from orthonormal, and from the axes
// of its covariance, relative to the largest eigenvalue. Numbers shortened to seven
// digits still pass.
const tolerance = 1e-5

// Validate reports wrong numbers: another unit, values that are not finite, eigenvalues
// that are negative or not in descending order, and axes that are not orthogonal, not
// of unit length, or not those of the covariance.
func (p PCA) Validate() error {
	if p.Units != Units255 {
		return fmt.Errorf("units are %q, want %q", p.Units, Units255)
	}
	for i, m := range p.Mean {
		if !(m >= 0 && m <= 255) {
			return fmt.Errorf("mean[%d] is %v, want 0 to 255", i, m)
		}
	}
	for i, lambda := range p.Eigenvalues {
		if !(lambda >= 0 && lambda <= 3*255*255) {
			return fmt.Errorf("eigenvalues[%d] is %v, want 0 to %d", i, lambda, 3*255*255)
		}
		if i > 0 && lambda > p.Eigenvalues[i-1] {
			return fmt.Errorf("eigenvalues %v are not in descending order", p.Eigenvalues)
		}
	}
	for i, v := range p.Eigenvectors {
		if d := dot(v, v); !(math.Abs(d-1) <= tolerance) {
			return fmt.Errorf("eigenvectors[%d] has length %v, want 1", i, math.Sqrt(d))
		}
		if orient(v) != v {
			return fmt.Errorf("eigenvectors[%d] is %v, want its largest component positive", i, v)
		}
	}
	for i, v := range p.Eigenvectors {
		for j, w := range p.Eigenvectors[:i] {
			if d := dot(v, w); !(math.Abs(d) <= tolerance) {
				return fmt.Errorf("eigenvectors[%d] and [%d] are not orthogonal: their product is %v", j, i, d)
			}
		}
	}
	for i, row := range p.Covariance {
		for j, c := range row {
			if !(math.Abs(c) <= 255*255) || c != p.Covariance[j][i] {
				return fmt.Errorf("covariance[%d][%d] is %v, want a finite symmetric matrix", i, j, c)
			}
		}
	}
	for i, v := range p.Eigenvectors {
		for j, row := range p.Covariance {
			if d := dot(row, v) - p.Eigenvalues[i]*v[j]; !(math.Abs(d) <= tolerance*max(p.Eigenvalues[0], 1)) {
				return fmt.Errorf("eigenvectors[%d] with eigenvalue %v is not an axis of the covariance", i, p.Eigenvalues[i])
			}
		}
	}
	return nil
}

func dot(a, b [3]float64) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

// ReadPCA reads and validates a pca.json. Its errors name the file, what is
// wrong, and what to do.
func ReadPCA(path string) (PCA, error) {
	p, err := readPCA(path)
	if err != nil {
		return PCA{}, setting.Errorf("%s: %w (make it with compute-pca %s %s)", path, err, setting.Suggest("shards", "DIR"), setting.Suggest("out", path))
	}
	return p, nil
}

// pcaLimit is the largest size of a pca.json in bytes; usual files have one or two
// thousand.
const pcaLimit = 1 << 20

func readPCA(path string) (PCA, error) {
	text, err := file.ReadAll(path, pcaLimit)
	if err != nil {
		var pathError *os.PathError
		if errors.As(err, &pathError) {
			err = pathError.Err // the caller names the file
		}
		return PCA{}, err
	}
	if text, err = plaintext.Bytes(text); err != nil {
		return PCA{}, err
	}
	// encoding/json accepts a JSON array of any length for a Go array, so lengths are
	// checked with slices.
	var stored struct {
		Units        string      `json:"units"`
		Pixels       uint64      `json:"pixels"`
		Mean         []float64   `json:"mean"`
		Covariance   [][]float64 `json:"covariance"`
		Eigenvalues  []float64   `json:"eigenvalues"`
		Eigenvectors [][]float64 `json:"eigenvectors"`
	}
	if err := jsontext.Unmarshal(text, &stored); err != nil {
		return PCA{}, fmt.Errorf("not a pca.json: %w", err)
	}
	p := PCA{Units: stored.Units, Pixels: stored.Pixels}
	for _, err := range []error{
		fill(&p.Mean, "mean", stored.Mean),
		fill(&p.Eigenvalues, "eigenvalues", stored.Eigenvalues),
		fill3(&p.Covariance, "covariance", stored.Covariance),
		fill3(&p.Eigenvectors, "eigenvectors", stored.Eigenvectors),
	} {
		if err != nil {
			return PCA{}, err
		}
	}
	return p, p.Validate()
}

func fill(dst *[3]float64, name string, src []float64) error {
	if len(src) != 3 {
		return fmt.Errorf("%s has %d numbers, want 3 (R, G, B)", name, len(src))
	}
	*dst = [3]float64(src)
	return nil
}

func fill3(dst *[3][3]float64, name string, src [][]float64) error {
	if len(src) != 3 {
		return fmt.Errorf("%s has %d rows, want 3", name, len(src))
	}
	for i := range src {
		if err := fill(&dst[i], fmt.Sprintf("%s[%d]", name, i), src[i]); err != nil {
			return err
		}
	}
	return nil
}
