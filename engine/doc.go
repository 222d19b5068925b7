// Package engine trains neural networks on device contexts. A network is data.
//
// A Net describes the layers. Its towers are equal slices of every hidden layer.
// NewModel cuts a net into programs, one list of ops for each context, and every
// context compiles and runs its own. The package knows no device: a device is
// anything that implements Context, and package enginetest checks that it computes
// every op as documented.
//
// Tensors are named by shape (N,C,H,W); gradients carry the prefix D, as in DX.
package engine
