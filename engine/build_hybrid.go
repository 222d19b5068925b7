package engine

import (
	"errors"
	"fmt"
)

// Hybrid parallelism (Krizhevsky 2014, "One weird trick for parallelizing convolutional
// neural networks", scheme a): layers with few weights and much work (the convolutions)
// hold all maps and see the rank's own images; their gradients are added up over ranks.
// Layers with many weights and little work (the fully connected ones) hold the rank's own
// units and see the images of all ranks, so ranks send activations instead of gradients.
// The last layer is treated like a convolution: it is small, and the number of its units,
// the classes, need not be a multiple of the ranks. If a layer reads more activations
// than a rank has, the ranks exchange them.

// splits reports whether this rank holds only its own units of layer l. last says
// that l is the last layer.
func (b *builder) splits(l Layer, last bool) bool {
	return b.cfg.hybrid() && l.Dense != nil && l.Dense.Reads != ReadsOwn && !last
}

// hybrid reports whether there is something to split.
func (c ModelConfig) hybrid() bool { return c.Hybrid && !c.Inference && c.ranks() > 1 }

// checkHybrid reports settings that a hybrid model cannot have.
func (b *builder) checkHybrid() error {
	if !b.cfg.hybrid() {
		return nil
	}
	ranks := b.cfg.ranks()
	switch {
	case b.parts() > 1:
		return fmt.Errorf("hybrid parallelism splits the fully connected layers over the ranks: give every rank one device, not %d", b.parts())
	case b.cfg.pieces() > 1:
		return errors.New("hybrid parallelism computes whole batches: they can't be cut into pieces")
	}
	last := len(b.net.Layers) - 1
	for i, l := range b.net.Layers {
		if b.splits(l, i == last) && l.Dense.Units%ranks != 0 {
			return fmt.Errorf("%s has %d units: they don't divide over %d ranks", l.Name, l.Dense.Units, ranks)
		}
	}
	return nil
}

// split emits a fully connected layer with only this rank's units.
func (b *builder) split(ops [][]Op, k weighted, s site) (flow, backward) {
	w, bias := b.parameters(k, s)
	l, in, out, first := s.layer, s.in, s.out, s.first
	ranks := b.cfg.ranks()
	axis := Images
	if in.spread {
		axis = Maps
	}
	by := b.cfg.Group
	e := in.extent
	images := b.cfg.piece() * ranks
	whole := b.tensor(0, l.Name+".input", Working, Scratch, Shape{images, e.Maps, e.Height, e.Width})
	y := b.tensor(0, l.Name, Working, Scratch, Shape{images, out.Maps / ranks, 1, 1})
	ws, bs := w.slices[0], bias.slices[0]
	ops[0] = append(ops[0],
		AllGather{Axis: axis, X: in.x[0], Y: whole, By: by},
		DenseForward{X: whole, W: ws.w, B: bs.w, Y: y})
	return flow{x: []*Tensor{y}, extent: out, spread: true}, func(ops [][]Op, dy []*Tensor) []*Tensor {
		var dwhole, dx *Tensor
		if !first {
			dwhole = b.tensor(0, l.Name+".input.grad", Working, Scratch, whole.Shape)
		}
		ops[0] = append(ops[0], DenseBackward{X: whole, W: ws.w, DY: dy[0], DW: ws.g, DB: bs.g, DX: dwhole})
		if !first {
			dx = b.tensor(0, l.Name+".gathered.grad", Working, Scratch, in.x[0].Shape)
			ops[0] = append(ops[0], ReduceScatter{Axis: axis, X: dwhole, Y: dx, By: by})
		}
		return []*Tensor{dx}
	}
}

// regain collects all maps of this rank's own images, for a layer that reads all of them.
func (b *builder) regain(ops [][]Op, name string, in flow) (flow, backward) {
	e, by := in.extent, b.cfg.Group
	y := b.activation(0, name+".input", e.Maps, e)
	ops[0] = append(ops[0], AllToAll{Axis: Maps, X: in.x[0], Y: y, By: by})
	return flow{x: []*Tensor{y}, extent: e}, func(ops [][]Op, dy []*Tensor) []*Tensor {
		dx := b.tensor(0, name+".input.grad.spread", Working, Scratch, in.x[0].Shape)
		ops[0] = append(ops[0], AllToAll{Axis: Images, X: dy[0], Y: dx, By: by})
		return []*Tensor{dx}
	}
}

// firstSplit is the index of the first layer that is split; −1 if there is none.
func (b *builder) firstSplit() int {
	last := len(b.net.Layers) - 1
	for i, l := range b.net.Layers {
		if b.splits(l, i == last) {
			return i
		}
	}
	return -1
}

// behind is the backward pass of two layers; first is the earlier one.
func behind(first, second backward) backward {
	return func(ops [][]Op, dy []*Tensor) []*Tensor { return first(ops, second(ops, dy)) }
}
