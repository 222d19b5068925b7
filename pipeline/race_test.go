//go:build race

package pipeline

// raceDetector is set under the race detector, where sync.Pool drops some objects and so
// allocates again.
const raceDetector = true
