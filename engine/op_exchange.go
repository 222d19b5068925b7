package engine

// Ops by which the contexts of a net meet.

// Concat joins the parts along the channels: Y[:, C₀+…, :, :] = Parts[i]. Parts
// may live in other contexts of the same kind; an Await comes before.
type Concat struct {
	Parts []*Tensor
	Y     *Tensor
}

// SumSlices adds the same channels of every part, in order of the parts:
// Y = Σ Parts[i][:, First:First+C(Y), :, :]. Parts may live in other contexts.
type SumSlices struct {
	Parts []*Tensor
	First int
	Y     *Tensor
}

// Reduce begins to replace T by its sum over the ranks of By; no op touches T
// before an AwaitReduce. T is Float32, or an Int32 flag of one element, which
// becomes 1 where any rank's is not 0. It may live in another context of the
// same kind. A context whose memory the host cannot see may want more of By.
type Reduce struct {
	T  *Tensor
	By Reducer
}

// AwaitReduce holds the queue until the sums that this context's Reduce ops have
// begun are there.
type AwaitReduce struct{}

// Signal marks the event when all earlier ops of the program have run.
type Signal struct{ Event Event }

// Await holds the queue until the event is signalled.
type Await struct{ Event Event }
