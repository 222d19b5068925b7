package engine

// gather brings all maps to each of the first holders parts.
func (b *builder) gather(ops [][]Op, name string, in flow, holders int) []*Tensor {
	b.exchange(ops, in.x, holders)
	whole := make([]*Tensor, b.parts())
	for p := range holders {
		whole[p] = b.activation(p, name+".input", in.extent.Maps, in.extent)
		ops[p] = append(ops[p], Concat{Parts: in.x, Y: whole[p]})
	}
	return whole
}

// scatter sends the holders' gradients of all maps back to the parts that made
// the maps, and adds them there in order of the holders.
func (b *builder) scatter(ops [][]Op, name string, in flow, dwhole []*Tensor, holders int) []*Tensor {
	sources := dwhole[:holders]
	b.exchange(ops, sources, b.parts())
	maps := in.extent.Maps / b.parts()
	dx := make([]*Tensor, b.parts())
	for p := range dx {
		dx[p] = b.activation(p, name+".gathered.grad", maps, in.extent)
		ops[p] = append(ops[p], SumSlices{Parts: sources, First: p * maps, Y: dx[p]})
	}
	return dx
}

// own copies a part's own maps from its tensor of all maps.
func (b *builder) own(ops [][]Op, part int, name string, in flow, whole *Tensor) *Tensor {
	maps := in.extent.Maps / b.parts()
	y := b.activation(part, name, maps, in.extent)
	ops[part] = append(ops[part], SumSlices{Parts: []*Tensor{whole}, First: part * maps, Y: y})
	return y
}

// exchange marks the sources as shared and orders the first readers parts after the
// contexts that write them.
func (b *builder) exchange(ops [][]Op, sources []*Tensor, readers int) {
	events := make([]Event, len(sources))
	for p, t := range sources {
		if readers == 1 && p == 0 {
			continue // only its own context reads it
		}
		t.Life = Shared
		events[p] = b.contexts[p].NewEvent()
		ops[p] = append(ops[p], Signal{events[p]})
	}
	await(ops, events, readers)
}

// await makes the first readers parts wait for the others' events, if there are any.
func await(ops [][]Op, events []Event, readers int) {
	for p := range readers {
		for q, e := range events {
			if q != p && e != nil {
				ops[p] = append(ops[p], Await{e})
			}
		}
	}
}

// barrier ends programs with a barrier. No context begins its next program before all
// have ended this one, although the host enqueues programs without waiting. Otherwise a
// context could overwrite a tensor that another still reads.
func (b *builder) barrier(ops [][]Op) [][]Op {
	if b.parts() == 1 {
		return ops
	}
	events := make([]Event, b.parts())
	for p, c := range b.contexts {
		events[p] = c.NewEvent()
		ops[p] = append(ops[p], Signal{events[p]})
	}
	await(ops, events, b.parts())
	return ops
}
