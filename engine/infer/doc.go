// Package infer uses trained nets: it opens checkpoints as an ensemble, brings
// pictures to what the nets read, and gives the most probable classes, errors on a
// data set, features, and nearest neighbours. Package serve below it answers over
// HTTP.
package infer
