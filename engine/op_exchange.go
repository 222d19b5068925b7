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

// Signal marks the event when all earlier ops of the program have run.
type Signal struct{ Event Event }

// Await holds the queue until the event is signalled.
type Await struct{ Event Event }
