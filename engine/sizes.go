package engine

// Size is the cost of one layer.
type Size struct {
	Out        Extent
	Parameters int     // weights and biases
	FLOP       float64 // multiplications and additions of its products, forward, for one image
}

// Sizes validates the net and returns the cost of each layer.
func (n *Net) Sizes() ([]Size, error) {
	extents, err := n.Shapes()
	if err != nil {
		return nil, err
	}
	sizes := make([]Size, len(extents))
	in := Extent{3, n.Input.Size, n.Input.Size}
	for i, out := range extents {
		sizes[i].Out = out
		if k := n.Layers[i].weighted(); k != nil {
			d := k.weights(n, in, out)
			sizes[i].Parameters = d.shape.Len() + d.shape[0]
			sizes[i].FLOP = FLOP(k.forward(in, 1, nil, &Tensor{Shape: d.shape}, nil, &Tensor{Shape: Shape{1, out.Maps, out.Height, out.Width}}))
		}
		in = out
	}
	return sizes, nil
}
