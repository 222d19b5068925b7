// Package stream hands a loader's batches to another process: pixels over shared
// memory, and messages as lines of JSON on two pipes. The package for PyTorch and JAX
// (tools/python) is its client; docs/stream.md has the protocol for others.
//
// The memory is a ring of slots, one a batch. A slot is the client's from the line
// that announces it to the client's line that releases it, so the client reads
// pixels where a worker of the loader has put them, and nothing is copied.
package stream
