package engine

// Ops by which the ranks of a job meet. R is the number of ranks, r this one's.

// AllReduce begins to replace T by its sum over the ranks of By; no op touches T
// before an AwaitAllReduce. T is Float32, or an Int32 flag of one element, which
// becomes 1 where any rank's is not 0. It may live in another context of the
// same kind.
type AllReduce struct {
	T  *Tensor
	By Communicator
}

// AwaitAllReduce holds the queue until the sums that this context's AllReduce ops
// have begun are there.
type AwaitAllReduce struct{}

// Axis is a dimension along which tensors are spread over the ranks.
type Axis uint8

const (
	// Images is a tensor's first dimension.
	Images Axis = iota
	// Maps is its second; the tensors have height and width 1.
	Maps
)

// String names the axis.
func (a Axis) String() string { return [...]string{"images", "maps"}[a] }

// AllGather joins the Xs of all ranks along the axis, in order of the ranks:
//
//	Images: X (N, C, H, W), Y (R·N, C, H, W)
//	Maps:   X (N, C, 1, 1), Y (N, R·C, 1, 1)
type AllGather struct {
	Axis Axis
	X, Y *Tensor // Working
	By   Communicator
}

// ReduceScatter adds up the Xs of all ranks, in order of the ranks where the
// device can choose, and keeps the r-th of R equal slices along the axis:
//
//	Images: X (R·N, C, H, W), Y (N, C, H, W)
//	Maps:   X (N, R·C, 1, 1), Y (N, C, 1, 1)
type ReduceScatter struct {
	Axis Axis
	X, Y *Tensor // Working
	By   Communicator
}

// AllToAll spreads anew what is spread over the ranks along one axis, so that
// every rank has all of the other axis. Axis is the one along which Y is whole:
//
//	Maps:   X (R·N, C, 1, 1), Y (N, R·C, 1, 1): Y[n, q·C + c] = X of rank q [r·N + n, c]
//	Images: X (N, R·C, 1, 1), Y (R·N, C, 1, 1): Y[q·N + n, c] = X of rank q [n, r·C + c]
type AllToAll struct {
	Axis Axis
	X, Y *Tensor // Working
	By   Communicator
}
