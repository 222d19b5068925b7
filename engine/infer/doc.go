// Package infer uses trained nets. It opens checkpoints as an ensemble, decodes
// pictures to the squares that the nets read, and returns the most probable classes,
// the errors on a data set, features, and nearest neighbours. Package serve below it
// answers requests over HTTP.
package infer
