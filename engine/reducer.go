package engine

// A Reducer adds up arrays over the ranks of a data-parallel job: processes that
// each hold the whole net, see their share of every batch, and take the same
// steps.
//
// Between the backward pass and the update a model hands over the gradients of
// every parameter that is trained, the last layer's first, each as soon as it is
// there, so that a sum travels while earlier layers are computed. The order, and
// all lengths, depend on the net alone.
type Reducer interface {
	// Rank is this process's number, from 0, and Size that of the ranks.
	Rank() int
	Size() int
	// Sum begins to replace values by their sum over all ranks, returns at once,
	// and leaves values to the caller when wait returns. Every rank makes the
	// same calls in the same order, from one goroutine, and gets the same bits.
	Sum(values []float32) (wait func() error)
}
