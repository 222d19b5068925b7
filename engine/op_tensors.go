package engine

func (Input) Kind() string            { return "input" }
func (ConvForward) Kind() string      { return "conv forward" }
func (ConvBackward) Kind() string     { return "conv backward" }
func (DenseForward) Kind() string     { return "dense forward" }
func (DenseBackward) Kind() string    { return "dense backward" }
func (Activate) Kind() string         { return "activate" }
func (ActivateBackward) Kind() string { return "activate backward" }
func (LRNForward) Kind() string       { return "lrn forward" }
func (LRNBackward) Kind() string      { return "lrn backward" }
func (MaxPoolForward) Kind() string   { return "maxpool forward" }
func (MaxPoolBackward) Kind() string  { return "maxpool backward" }
func (Dropout) Kind() string          { return "dropout" }
func (SoftmaxLoss) Kind() string      { return "softmax loss" }
func (Accumulate) Kind() string       { return "accumulate" }
func (Update) Kind() string           { return "update" }
func (Concat) Kind() string           { return "concat" }
func (SumSlices) Kind() string        { return "sum slices" }
func (AllReduce) Kind() string        { return "all-reduce" }
func (AwaitAllReduce) Kind() string   { return "await all-reduce" }
func (AllGather) Kind() string        { return "all-gather" }
func (ReduceScatter) Kind() string    { return "reduce-scatter" }
func (AllToAll) Kind() string         { return "all-to-all" }
func (Signal) Kind() string           { return "signal" }
func (Await) Kind() string            { return "await" }

func (o Input) Reads() []*Tensor            { return some(o.Pixels, o.Colour, o.Mean) }
func (o Input) Writes() []*Tensor           { return some(o.Y) }
func (o ConvForward) Reads() []*Tensor      { return some(o.X, o.W, o.B) }
func (o ConvForward) Writes() []*Tensor     { return some(o.Y) }
func (o ConvBackward) Reads() []*Tensor     { return some(o.X, o.W, o.DY) }
func (o ConvBackward) Writes() []*Tensor    { return some(o.DW, o.DB, o.DX) }
func (o DenseForward) Reads() []*Tensor     { return some(o.X, o.W, o.B) }
func (o DenseForward) Writes() []*Tensor    { return some(o.Y) }
func (o DenseBackward) Reads() []*Tensor    { return some(o.X, o.W, o.DY) }
func (o DenseBackward) Writes() []*Tensor   { return some(o.DW, o.DB, o.DX) }
func (o Activate) Reads() []*Tensor         { return some(o.X) }
func (o Activate) Writes() []*Tensor        { return some(o.Y) }
func (o ActivateBackward) Reads() []*Tensor { return some(o.Y, o.DY) }
func (o ActivateBackward) Writes() []*Tensor {
	return some(o.DX)
}
func (o LRNForward) Reads() []*Tensor      { return some(o.X) }
func (o LRNForward) Writes() []*Tensor     { return some(o.Y) }
func (o LRNBackward) Reads() []*Tensor     { return some(o.X, o.DY) }
func (o LRNBackward) Writes() []*Tensor    { return some(o.DX) }
func (o MaxPoolForward) Reads() []*Tensor  { return some(o.X) }
func (o MaxPoolForward) Writes() []*Tensor { return some(o.Y, o.At) }
func (o MaxPoolBackward) Reads() []*Tensor { return some(o.At, o.DY) }
func (o MaxPoolBackward) Writes() []*Tensor {
	return some(o.DX)
}
func (o Dropout) Reads() []*Tensor      { return some(o.X) }
func (o Dropout) Writes() []*Tensor     { return some(o.Y) }
func (o SoftmaxLoss) Reads() []*Tensor  { return some(o.X, o.Labels, o.Halt) }
func (o SoftmaxLoss) Writes() []*Tensor { return some(o.Probs, o.Loss, o.Rank, o.DX, o.Halt) }
func (o Accumulate) Reads() []*Tensor {
	if o.First {
		return some(o.G)
	}
	return some(o.G, o.Sum)
}
func (o Accumulate) Writes() []*Tensor    { return some(o.Sum) }
func (o Update) Reads() []*Tensor         { return some(o.W, o.V, o.G, o.Halt) }
func (o Update) Writes() []*Tensor        { return some(o.W, o.V) }
func (o Concat) Reads() []*Tensor         { return some(o.Parts...) }
func (o Concat) Writes() []*Tensor        { return some(o.Y) }
func (o SumSlices) Reads() []*Tensor      { return some(o.Parts...) }
func (o SumSlices) Writes() []*Tensor     { return some(o.Y) }
func (o AllReduce) Reads() []*Tensor      { return some(o.T) }
func (o AllReduce) Writes() []*Tensor     { return some(o.T) }
func (AwaitAllReduce) Reads() []*Tensor   { return nil }
func (AwaitAllReduce) Writes() []*Tensor  { return nil }
func (o AllGather) Reads() []*Tensor      { return some(o.X) }
func (o AllGather) Writes() []*Tensor     { return some(o.Y) }
func (o ReduceScatter) Reads() []*Tensor  { return some(o.X) }
func (o ReduceScatter) Writes() []*Tensor { return some(o.Y) }
func (o AllToAll) Reads() []*Tensor       { return some(o.X) }
func (o AllToAll) Writes() []*Tensor      { return some(o.Y) }
func (Signal) Reads() []*Tensor           { return nil }
func (Signal) Writes() []*Tensor          { return nil }
func (Await) Reads() []*Tensor            { return nil }
func (Await) Writes() []*Tensor           { return nil }

// some drops the nils.
func some(ts ...*Tensor) []*Tensor {
	out := make([]*Tensor, 0, len(ts))
	for _, t := range ts {
		if t != nil {
			out = append(out, t)
		}
	}
	return out
}
