package engine

// reduce begins the sums over ranks of a layer's gradients, on the first context
// for all of them: one goroutine of a rank, and one order.
func (b *builder) reduce(ops [][]Op, w, bias *parameter) {
	if b.cfg.Reducer == nil || b.frozen(w.layer) {
		return
	}
	for p := range w.slices {
		if w.slices[p] == nil {
			continue
		}
		if p > 0 {
			e := b.contexts[p].NewEvent()
			ops[p] = append(ops[p], Signal{e})
			ops[0] = append(ops[0], Await{e})
		}
		ops[0] = append(ops[0], Reduce{w.slices[p].sum, b.cfg.Reducer}, Reduce{bias.slices[p].sum, b.cfg.Reducer})
	}
}

// reduced waits for the sums, and for what halts the ranks.
func (b *builder) reduced(ops [][]Op) {
	if b.cfg.Reducer != nil {
		ops[0] = append(ops[0], Reduce{b.head.halt, b.cfg.Reducer}, AwaitReduce{})
	}
}

// reduction returns, per part, the sums over ranks of a batch that was cut.
func (b *builder) reduction() [][]Op {
	ops := make([][]Op, b.parts())
	for i := len(b.params) - 2; i >= 0; i -= 2 { // a weight and its bias each
		b.reduce(ops, b.params[i], b.params[i+1])
	}
	b.reduced(ops)
	return b.meet(ops)
}
