package engine

// training returns, per part, the ops of a forward and backward pass.
func (b *builder) training(extents []Extent) [][]Op {
	ops, backs, logits := b.forward(extents, true)
	dlogits := b.tensor(0, "logits.grad", Working, Scratch, logits.Shape)
	loss := b.loss(logits)
	loss.DX, loss.Halt, loss.Smoothing = dlogits, b.head.halt, b.cfg.Smoothing
	ops[0] = append(ops[0], loss)
	dy := make([]*Tensor, b.parts())
	dy[0] = dlogits
	first := b.firstSplit()
	b.holds = first >= 0
	for i := len(backs) - 1; i >= 0; i-- {
		dy = backs[i](ops, dy)
		if i == first {
			b.startHeldSums(ops)
		}
	}
	if b.cfg.pieces() == 1 {
		b.awaitSums(ops)
	}
	return b.barrier(ops)
}

// inference returns, per part, the ops of a forward pass with the test-time
// form of dropout.
func (b *builder) inference(extents []Extent) [][]Op {
	ops, _, logits := b.forward(extents, false)
	ops[0] = append(ops[0], b.loss(logits))
	return b.barrier(ops)
}

// accumulation returns, per part, the ops that add the gradients of a piece of the batch
// to the sums. With first they overwrite the sums.
func (b *builder) accumulation(first bool) [][]Op {
	ops := make([][]Op, b.parts())
	for _, q := range b.params {
		if q.frozen {
			continue
		}
		for p, s := range q.slices {
			if s != nil {
				ops[p] = append(ops[p], Accumulate{G: s.g, Sum: s.sum, First: first})
			}
		}
	}
	return b.barrier(ops)
}

// update returns, per part, the update of every parameter that is not frozen and has no
// early update.
func (b *builder) update() [][]Op {
	ops := make([][]Op, b.parts())
	for _, q := range b.params {
		if q.frozen || q.early {
			continue
		}
		for p, s := range q.slices {
			if s != nil {
				ops[p] = append(ops[p], b.updateOf(q, p))
			}
		}
	}
	return b.barrier(ops)
}

// updateOf is the update of a part's share of a parameter.
func (b *builder) updateOf(q *parameter, part int) Update {
	s := q.slices[part]
	return Update{W: s.w, V: s.v, G: s.sum, Halt: b.head.halt, Decay: q.decay, Rate: q.rate}
}

func (b *builder) loss(logits *Tensor) SoftmaxLoss {
	return SoftmaxLoss{
		X: logits, Labels: b.head.labels, Probs: b.head.probs, Loss: b.head.loss, LabelRank: b.head.rank,
		Scale: 1 / float32(b.cfg.Batch*b.cfg.ranks()),
	}
}

// startSums begins the sums over ranks of a layer's gradients. A context that joins
// the ranks by itself begins its own sums. Otherwise the first context begins all of
// them, so that one goroutine makes a rank's calls, in one order.
func (b *builder) startSums(ops [][]Op, w, bias *parameter) {
	if b.cfg.Group == nil || w.frozen && bias.frozen || w.whole != nil {
		return
	}
	if b.holds {
		b.held = append(b.held, [2]*parameter{w, bias})
		return
	}
	for p := range w.slices {
		if w.slices[p] == nil {
			continue
		}
		at := p
		if !b.joins() {
			at = 0
		}
		if p != at {
			e := b.contexts[p].NewEvent()
			ops[p] = append(ops[p], Signal{e})
			ops[at] = append(ops[at], Await{e})
		}
		for _, q := range []*parameter{w, bias} {
			if !q.frozen {
				ops[at] = append(ops[at], AllReduce{q.slices[p].sum, b.cfg.Group})
			}
		}
	}
}

// startHeldSums begins the sums that were held back. Layers that are split exchange
// activations in the backward pass, and sums that aren't urgent would delay these
// exchanges.
func (b *builder) startHeldSums(ops [][]Op) {
	b.holds = false
	for _, q := range b.held {
		b.startSums(ops, q[0], q[1])
	}
	b.held = nil
}

// joins reports whether every context exchanges its tensors with other ranks itself.
func (b *builder) joins() bool {
	_, ok := b.contexts[0].(Joiner)
	return ok
}

// awaitSums waits for the sums and for the flag that halts all ranks.
func (b *builder) awaitSums(ops [][]Op) {
	if b.cfg.Group == nil {
		return
	}
	ops[0] = append(ops[0], AllReduce{b.head.halt, b.cfg.Group}, AwaitAllReduce{})
	for p := 1; p < b.parts() && b.joins(); p++ {
		ops[p] = append(ops[p], AwaitAllReduce{})
	}
}

// sumsOfRanks returns, per part, the sums over ranks for a batch that is cut into pieces.
func (b *builder) sumsOfRanks() [][]Op {
	ops := make([][]Op, b.parts())
	for i := len(b.params) - 2; i >= 0; i -= 2 { // pairs of a weight and its bias
		b.startSums(ops, b.params[i], b.params[i+1])
	}
	b.awaitSums(ops)
	return b.barrier(ops)
}
