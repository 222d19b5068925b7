package engine

import "fmt"

// builder turns a Net into one list of ops for each context. Part p of P contexts
// holds towers p·T/P … (p+1)·T/P−1 of the net's T towers: the p-th of P equal slices
// of every hidden layer's maps and units. Several towers on one context are groups of
// one op, so that a single context runs whole layers.
//
// Activations cross between contexts only where a layer reads all towers. The last
// layer is on part 0 alone.
type builder struct {
	net      *Net
	contexts []Context
	cfg      ModelConfig
	inputs   []*input // per part
	params   []*parameter
	next     int // index in params of the next layer with weights
	head     headTensors

	holds bool            // sums over ranks are held back
	held  [][2]*parameter // pairs of a weight and its bias
}

// input is the tensors of one part that the host uploads.
type input struct{ pixels, colour, mean *Tensor }

// headTensors are on part 0.
type headTensors struct{ labels, probs, loss, rank, halt *Tensor }

// flow is the activations of all parts between two layers.
type flow struct {
	x      []*Tensor // per part; nil beyond the head
	extent Extent
	whole  bool // every part holds all maps
	spread bool // of all ranks' images, this rank's maps (build_hybrid.go)
}

// backward appends the backward ops of a layer, for every part. It takes the
// gradients of the layer's outputs and returns the gradients of its inputs (nil where
// nothing needs them). The forward pass of every layer returns one.
type backward func(ops [][]Op, dy []*Tensor) []*Tensor

func newBuilder(net *Net, contexts []Context, cfg ModelConfig) *builder {
	b := &builder{net: net, contexts: contexts, cfg: cfg}
	size := net.Input.Size
	for p := range contexts {
		b.inputs = append(b.inputs, &input{
			pixels: b.tensor(p, "pixels", Byte, Persistent, Shape{cfg.piece(), size, size, 3}),
			colour: b.tensor(p, "colour", Float32, Persistent, Shape{cfg.piece(), 3, 1, 1}),
			mean:   b.tensor(p, "mean", Float32, Persistent, Shape{1, 3, size, size}),
		})
	}
	b.head = headTensors{
		labels: b.tensor(0, "labels", Int32, Persistent, Shape{cfg.piece(), 1, 1, 1}),
		probs:  b.tensor(0, "probabilities", Float32, Persistent, Shape{cfg.piece(), net.Classes, 1, 1}),
		loss:   b.tensor(0, "loss", Float32, Persistent, Shape{cfg.piece(), 1, 1, 1}),
		rank:   b.tensor(0, "rank", Int32, Persistent, Shape{cfg.piece(), 1, 1, 1}),
		halt:   b.tensor(0, "halt", Int32, Persistent, Shape{1, 1, 1, 1}),
	}
	return b
}

func (b *builder) tensor(part int, name string, t ElemType, life Life, s Shape) *Tensor {
	return &Tensor{Name: name, Shape: s, Type: t, Life: life, Context: b.contexts[part]}
}

// activation makes a scratch tensor of one part for a layer's output or its
// gradient: maps is the part's own number.
func (b *builder) activation(part int, name string, maps int, e Extent) *Tensor {
	return b.tensor(part, name, Working, Scratch, Shape{b.cfg.piece(), maps, e.Height, e.Width})
}

// parts is the number of contexts of the net.
func (b *builder) parts() int { return len(b.contexts) }

// groups is the number of towers of a part.
func (b *builder) groups() int { return b.net.Towers / b.parts() }

// forward emits the forward pass. Parameters are made on the first call and
// shared by later ones.
func (b *builder) forward(extents []Extent, train bool) ([][]Op, []backward, *Tensor) {
	ops := make([][]Op, b.parts())
	f := flow{extent: Extent{3, b.net.Input.Size, b.net.Input.Size}, whole: true}
	for p := range b.inputs {
		f.x = append(f.x, b.input(ops, p, train))
	}
	backs := make([]backward, len(b.net.Layers))
	b.next = 0
	kinds := map[string]int{}
	for i, l := range b.net.Layers {
		name := l.Name
		if name == "" {
			kinds[l.Kind()]++
			name = fmt.Sprintf("%s%d", l.Kind(), kinds[l.Kind()])
		}
		k, err := l.kind()
		if err != nil {
			panic(err) // Shapes has checked it
		}
		last := i == len(b.net.Layers)-1
		var regained backward
		if _, ok := k.(unitwise); f.spread && !ok && !(train && b.splits(l, last)) {
			f, regained = b.regain(ops, name, f)
		}
		f, backs[i] = k.emit(b, ops, site{layer: l, name: name, index: i, in: f, out: extents[i], first: i == 0, last: last, train: train})
		if regained != nil {
			backs[i] = behind(regained, backs[i])
		}
	}
	return ops, backs, f.x[0]
}

// input emits the ops that turn pixels into a part's input.
func (b *builder) input(ops [][]Op, p int, train bool) *Tensor {
	in, size := b.inputs[p], b.net.Input.Size
	y := b.activation(p, "input", 3, Extent{3, size, size})
	ops[p] = append(ops[p], Input{Pixels: in.pixels, Colour: in.colour, Mean: in.mean, Y: y, Scale: b.scale(train)})
	return y
}

func (b *builder) scale(train bool) float32 {
	scale := float32(1)
	switch {
	case b.cfg.InputScale != 0:
		scale = b.cfg.InputScale
	case b.net.Input.Scale != 0:
		scale = b.net.Input.Scale
	}
	if noise := b.net.Input.NoiseScale; train && b.cfg.ColourNoise && noise != 0 {
		scale *= noise
	}
	return scale
}

// weighted emits a layer with weights.
func (b *builder) weighted(ops [][]Op, k weighted, s site) (flow, backward) {
	w, bias := b.parameters(k, s)
	l, in := s.layer, s.in
	own := w.reads == ReadsOwn
	holders := b.parts()
	if s.last {
		holders = 1
	}
	x := in.x
	crossing := !own && !in.whole && b.parts() > 1
	if crossing {
		x = b.gather(ops, l.Name, in, holders)
	}
	groups := 1
	if own {
		groups = b.groups()
	}
	y := flow{x: make([]*Tensor, b.parts()), extent: s.out}
	for p := range holders {
		ws, bs := w.inference(p), bias.inference(p)
		if s.train {
			ws, bs = w.slices[p].w, bias.slices[p].w
		}
		y.x[p] = b.activation(p, l.Name, s.out.Maps/holders, s.out)
		ops[p] = append(ops[p], k.forward(in.extent, groups, x[p], ws, bs, y.x[p]))
	}
	return y, func(ops [][]Op, dy []*Tensor) []*Tensor {
		dx := make([]*Tensor, b.parts())
		for p := range holders {
			ws, bs := w.slices[p], bias.slices[p]
			if s.first && b.cfg.lean() {
				x[p] = b.input(ops, p, true)
			}
			if !s.first {
				dx[p] = b.tensor(p, l.Name+".input.grad", Working, Scratch, x[p].Shape)
			}
			ops[p] = append(ops[p], k.backward(in.extent, groups, gradients{x: x[p], w: ws.w, dy: dy[p], dw: ws.g, db: bs.g, dx: dx[p]}))
			for _, q := range []*parameter{w, bias} {
				if q.early && !q.frozen {
					ops[p] = append(ops[p], b.updateOf(q, p))
				}
			}
		}
		if b.cfg.pieces() == 1 {
			b.startSums(ops, w, bias)
		}
		if crossing {
			return b.scatter(ops, l.Name, in, dx, holders)
		}
		return dx
	}
}
