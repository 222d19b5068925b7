package augment

import (
	"fmt"
	"math"
)

// DefaultSigma is the standard deviation of the paper's colour noise (§4.1), as a
// factor on the standard deviation of the colours along an axis.
const DefaultSigma = 0.1

// NoiseForm is a formula for the colour noise along an axis of variance λ. The
// paper's text, α·λ, depends on the units of λ; these are the two readings in
// use. The zero value is SqrtLambda.
type NoiseForm uint8

const (
	// SqrtLambda is σ·N(0,1)·√λ, as in the original code: about 12 grey levels along
	// ImageNet's first axis. It has the same effect in any unit.
	SqrtLambda NoiseForm = iota
	// Lambda01 is σ·N(0,1)·λ with colours from 0 to 1, as in fb.resnet.torch: about 5.5
	// grey levels. The result is scaled back to 0–255.
	Lambda01
)

var noiseForms = [...]string{SqrtLambda: "sqrt-lambda", Lambda01: "lambda01"}

// String is the form's name on the command line and in files.
func (f NoiseForm) String() string {
	if int(f) < len(noiseForms) {
		return noiseForms[f]
	}
	return fmt.Sprintf("NoiseForm(%d)", f)
}

// ParseNoiseForm is the inverse of String.
func ParseNoiseForm(name string) (NoiseForm, error) {
	for f, s := range noiseForms {
		if s == name {
			return NoiseForm(f), nil
		}
	}
	return 0, fmt.Errorf("colour noise %q is unknown, want one of %q", name, noiseForms)
}

// Noise draws the colour that is added to every pixel of one picture: three
// normal numbers from the stream, the first for the first axis. The result is
// R, G, B in 0–255 units; sigma is the standard deviation of the normal numbers
// (DefaultSigma in the paper).
func (p *PCA) Noise(s *Stream, sigma float64, form NoiseForm) [3]float32 {
	var rgb [3]float64
	for i, axis := range p.Eigenvectors {
		a := sigma * s.Norm() * form.spread(p.Eigenvalues[i])
		for c := range rgb {
			rgb[c] += float64(a * axis[c]) // rounded before the addition: the same on every machine
		}
	}
	return [3]float32{float32(rgb[0]), float32(rgb[1]), float32(rgb[2])}
}

// spread is the factor of a form on an axis with variance lambda, both in 0–255
// units. With colours from 0 to 1 the variance is λ/255², and a factor of it is
// 255 times as large in 0–255 units.
func (f NoiseForm) spread(lambda float64) float64 {
	if f == Lambda01 {
		return lambda / 255
	}
	return math.Sqrt(lambda)
}
