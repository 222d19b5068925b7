package engine

// Exchanges of activations in host memory, for contexts that don't exchange tensors with
// other ranks themselves. A Group exchanges blocks, one for each rank. Slices along the
// images are blocks already; slices along the maps are packed into blocks, and unpacked,
// in memory of the caller. Tensors are in the host's order.

// block returns the r-th of n equal blocks.
func block(s []float32, r, n int) []float32 {
	length := len(s) / n
	return s[r*length : (r+1)*length]
}

// packMaps copies maps [r·C, (r+1)·C) of all rows of whole, (rows, ranks·C), to
// block r of packed, for every r; unpackMaps copies them back.
func packMaps(packed, whole []float32, rows, ranks int) {
	eachRow(packed, whole, rows, ranks, func(packed, whole []float32) { copy(packed, whole) })
}

func unpackMaps(whole, packed []float32, rows, ranks int) {
	eachRow(packed, whole, rows, ranks, func(packed, whole []float32) { copy(whole, packed) })
}

func eachRow(packed, whole []float32, rows, ranks int, do func(packed, whole []float32)) {
	for r := range ranks {
		b := block(packed, r, ranks)
		for n := range rows {
			do(block(b, n, rows), block(block(whole, n, rows), r, ranks))
		}
	}
}

// OnHost computes y from x; memory has as many elements as y.
func (o AllGather) OnHost(x, y, memory []float32) error {
	rank, ranks := o.By.Rank(), o.By.Size()
	if o.Axis == Images {
		copy(block(y, rank, ranks), x)
		return o.By.AllGather(y)()
	}
	packed := memory[:len(y)]
	copy(block(packed, rank, ranks), x)
	if err := o.By.AllGather(packed)(); err != nil {
		return err
	}
	unpackMaps(y, packed, o.Y.Shape[0], ranks)
	return nil
}

// OnHost computes y from x, with sums by add; memory has twice as many elements as x.
func (o ReduceScatter) OnHost(x, y, memory []float32, add func(dst, src []float32)) error {
	ranks, size := o.By.Size(), len(x)
	sent, received := x, memory[:size]
	if o.Axis == Maps {
		sent = memory[size : 2*size]
		packMaps(sent, x, o.X.Shape[0], ranks)
	}
	if err := o.By.AllToAll(received, sent)(); err != nil {
		return err
	}
	copy(y, block(received, 0, ranks))
	for r := 1; r < ranks; r++ {
		add(y, block(received, r, ranks))
	}
	return nil
}

// OnHost computes y from x; memory has as many elements as x.
func (o AllToAll) OnHost(x, y, memory []float32) error {
	ranks, packed := o.By.Size(), memory[:len(x)]
	if o.Axis == Maps { // rows of X are blocks already
		if err := o.By.AllToAll(packed, x)(); err != nil {
			return err
		}
		unpackMaps(y, packed, o.Y.Shape[0], ranks)
		return nil
	}
	packMaps(packed, x, o.X.Shape[0], ranks)
	return o.By.AllToAll(y, packed)()
}
