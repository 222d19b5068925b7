package engine

import (
	"fmt"
	"math"
)

// flatLoss detects a net that gives all classes the same probability: a loss that stays
// at ln(classes).
type flatLoss struct {
	images int
	told   bool
}

// flatImages is the number of images in a row with such a loss before the hint.
const flatImages = 2000

// add counts images of mean loss and reports, once, when a hint is due.
func (f *flatLoss) add(loss float64, images, classes int) bool {
	chance := math.Log(float64(classes))
	if math.Abs(loss-chance) > 0.01*chance {
		f.images = 0
		return false
	}
	f.images += images
	if f.told || f.images < flatImages {
		return false
	}
	f.told = true
	return true
}

func (f *flatLoss) message(classes int) string {
	return fmt.Sprintf("the loss has stayed at ln(%d) = %.2f, chance, for %d images. The paper's start can take long to leave it (130 steps on ten classes here); "+
		"He initialisation, an input scale of 1/64 and a short warm-up make it shorter", classes, math.Log(float64(classes)), f.images)
}

// explodingLoss detects a loss that is a number but stays far above ln(classes), the loss
// of random guesses, for many steps. A step below the limit cancels one above it, so that
// a lucky batch doesn't reset the count.
type explodingLoss struct{ steps int }

const (
	explodingFactor = 10 // times ln(classes)
	explodingSteps  = 50 // the first steps of a good run may be high
)

// add counts a step of mean loss and reports whether the run should stop.
func (e *explodingLoss) add(loss float64, classes int) bool {
	if loss <= explodingFactor*math.Log(float64(classes)) {
		e.steps = max(0, e.steps-1)
		return false
	}
	e.steps++
	return e.steps >= explodingSteps
}

func (e *explodingLoss) error(step uint64, classes int) error {
	return fmt.Errorf("step %d: the loss has been above %d·ln(%d) = %.0f for %d steps: %w",
		step, explodingFactor, classes, explodingFactor*math.Log(float64(classes)), e.steps, ErrDiverged)
}
