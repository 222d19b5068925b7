//go:build race

package pipeline

// raceDetector says that these tests run under the race detector, where
// sync.Pool drops some of what it is given and so allocates anew.
const raceDetector = true
