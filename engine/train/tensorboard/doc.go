// Package tensorboard writes event files that TensorBoard reads: scalars over
// the steps of a run.
package tensorboard
