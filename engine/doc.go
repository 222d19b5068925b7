// Package engine trains networks given as data on device contexts.
//
// A Net describes the layers; its towers are equal slices of every hidden
// layer. NewModel cuts it into programs, lists of ops, one list a context, and
// lets each context compile and run its own. The package knows no device: a
// context is anything that implements Context, and package enginetest holds it
// to the meaning of every op.
//
// Tensors are named by shape (N,C,H,W); gradients carry the prefix D, as in DX.
package engine
