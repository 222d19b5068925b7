package engine

import (
	"fmt"
	"slices"
	"strings"
)

// Ablation is one part of the paper's net that can be left out.
type Ablation struct {
	Name  string // as Without takes it
	About string
	edit  func(*Net) int // returns the number of changed layers
}

// Ablations lists the parts that Without can leave out.
var Ablations = []Ablation{
	{"lrn", "response normalisation (§3.3)", withoutLRN},
	{"overlap", "overlapping pooling (§3.4): windows of 2, two apart, instead of 3", withoutOverlap},
	{"crosstalk", "connections between the towers, but for the last layer (figure 2), at the same size", withoutCrosstalk},
	{"towers", "the second tower (§3.5): one tower, whose convolutions but the last have half the maps", withoutTowers},
	{"middle", "middle convolution (§7), one that leaves as many maps as it reads", withoutMiddle},
	{"dropout", "dropout (§4.2)", withoutDropout},
	{"relu", "ReLU (§3.1): tanh instead", withoutReLU},
}

// Without returns a copy of the net without the named parts. A part that the net does
// not have is an error.
func (n *Net) Without(parts ...string) (*Net, error) {
	out := n.clone()
	for _, part := range parts {
		a, err := ablation(part)
		if err != nil {
			return nil, err
		}
		if a.edit(out) == 0 {
			return nil, fmt.Errorf("net %q has no %s to do without", n.Name, a.About)
		}
		out.Name += "-no-" + a.Name
	}
	_, err := out.Shapes()
	return out, err
}

func ablation(name string) (Ablation, error) {
	var names []string
	for _, a := range Ablations {
		if a.Name == name {
			return a, nil
		}
		names = append(names, a.Name)
	}
	return Ablation{}, fmt.Errorf("a net cannot do without %q: it can without %s", name, strings.Join(names, ", "))
}

// clone copies the net, layers and all.
func (n *Net) clone() *Net {
	out := *n
	out.Layers = make([]Layer, len(n.Layers))
	for i, l := range n.Layers {
		out.Layers[i] = l.clone()
	}
	return &out
}

// drop removes the layers for which unwanted returns true.
func (n *Net) drop(unwanted func(Layer) bool) int {
	var kept []Layer
	for _, l := range n.Layers {
		if !unwanted(l) {
			kept = append(kept, l)
		}
	}
	gone := len(n.Layers) - len(kept)
	n.Layers = kept
	return gone
}

func withoutLRN(n *Net) int { return n.drop(func(l Layer) bool { return l.LRN != nil }) }

func withoutDropout(n *Net) int { return n.drop(func(l Layer) bool { return l.Dropout != nil }) }

func withoutOverlap(n *Net) (changed int) {
	for _, l := range n.Layers {
		if w := l.pooling(); w != nil && w.Size > w.Stride {
			w.Size, w.Pad = w.Stride, 0
			changed++
		}
	}
	return changed
}

// withoutMiddle removes the first convolution after the first layer that makes as many
// maps of as many pixels as it reads, with its activation: conv4 of the paper's net.
func withoutMiddle(n *Net) int {
	extents, err := n.Shapes()
	if err != nil {
		return 0
	}
	for i := 1; i < len(n.Layers); i++ {
		if n.Layers[i].Conv == nil || extents[i] != extents[i-1] {
			continue
		}
		end := i + 1
		if n.Layers[end].Activate != "" {
			end++
		}
		n.Layers = slices.Delete(n.Layers, i, end)
		return 1
	}
	return 0
}

// WithoutDecay returns a copy of the net whose layers have no weight decay of their own.
func (n *Net) WithoutDecay() *Net {
	out := n.clone()
	for _, l := range out.Layers {
		if w := l.learning(); w != nil {
			w.Decay, w.BiasDecay = nil, nil
		}
	}
	return out
}

// pooling returns the window of a pooling layer; nil for other layers.
func (l Layer) pooling() *Window {
	switch {
	case l.MaxPool != nil:
		return &l.MaxPool.Window
	case l.AvgPool != nil:
		return &l.AvgPool.Window
	}
	return nil
}

func withoutReLU(n *Net) (changed int) {
	for i := range n.Layers {
		if n.Layers[i].Activate == "relu" {
			n.Layers[i].Activate = "tanh"
			changed++
		}
	}
	return changed
}

// withoutCrosstalk lets every layer read its own tower, except the first, which reads the
// image, and the last, which joins the towers. The lost weights are replaced as in run
// 150 (layers-150.cfg): a quarter more maps in the convolution before the first layer
// that now reads its own tower, and in the first dense layer as many times the units as
// there are towers.
func withoutCrosstalk(n *Net) (changed int) {
	if n.Towers == 1 {
		return 0
	}
	var before *ConvSpec // the previous convolution
	first, widened, dense := true, false, false
	for _, l := range n.Layers[:len(n.Layers)-1] {
		reads := (*Reads)(nil)
		switch {
		case l.Conv != nil:
			reads = &l.Conv.Reads
		case l.Local != nil:
			reads = &l.Local.Reads
		case l.Dense != nil:
			reads = &l.Dense.Reads
		default:
			continue
		}
		if !first && *reads != ReadsOwn {
			*reads = ReadsOwn
			changed++
			if l.Dense != nil && !dense {
				l.Dense.Units *= n.Towers
				dense = true
			}
			if wide := before; l.Conv != nil && wide != nil && !widened {
				widened = true
				wide.Maps += wide.Maps / 4 / n.Towers * n.Towers
			}
		}
		first, before = false, l.Conv
	}
	return changed
}

// withoutTowers makes the paper's net for one GPU. Its last convolution keeps
// all maps, so that the number of parameters stays about the same (footnote 2).
func withoutTowers(n *Net) (changed int) {
	if n.Towers == 1 {
		return 0
	}
	var last *ConvSpec
	for _, l := range n.Layers {
		if l.Conv == nil {
			if l.Dense != nil {
				l.Dense.Reads = ReadsAll
			}
			continue
		}
		if last != nil {
			last.Maps /= n.Towers
			changed++
		}
		last = l.Conv
		last.Reads = ReadsAll
	}
	n.Towers = 1
	return changed + 1
}
