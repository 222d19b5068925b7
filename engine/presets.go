package engine

import (
	"fmt"
	"strings"
)

// presets is the table of built-in nets; each takes the number of classes.
var presets = []struct {
	name, about string
	towers      int
	layers      func() (InputSpec, []Layer)
}{
	{"alexnet", "the net of the 2012 paper, figure 2", 2, alexnet},
	{"alexnet-145", "the net of the run behind the paper (run 145 of the published source)", 2, alexnet145},
	{"alexnet-146", "run 146: alexnet-145 with a sixth convolution, for pre-training and the ensembles of 5 and 7", 2, alexnet146},
	{"alexnet-150", "run 150: alexnet-145 without connections between its towers, widened to the same size", 2, alexnet150},
	{"alexnet-owt", "one tower without response normalisation, \"One weird trick\" (Krizhevsky 2014), as torchvision has it", 1, alexnetOWT},
	{"alexnet-mini", "the same plan on 64-pixel crops, for demos and tests", 2, alexnetMini},
	{"cifar-13pct", "four layers for CIFAR-10 (layers-conv-local-13pct.cfg): 13 % error, as in §3.3 without normalisation", 1, cifar13},
	{"cifar-11pct", "the same with normalisation (layers-conv-local-11pct.cfg): 11 % error", 1, cifar11},
	{"cifar-18pct", "three convolutions on whole pictures (layers-18pct.cfg): 18 % error without augmentation", 1, cifar18},
}

// PresetNames lists the built-in nets.
func PresetNames() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.name
	}
	return names
}

// AboutPreset describes a built-in net in a few words. It returns "" for other names.
func AboutPreset(name string) string {
	for _, p := range presets {
		if p.name == name {
			return p.about
		}
	}
	return ""
}

// Preset returns a fresh copy of a built-in net.
func Preset(name string, classes int) (*Net, error) {
	for _, p := range presets {
		if p.name == name {
			input, layers := p.layers()
			n := &Net{Name: name, Input: input, Towers: p.towers, Classes: classes, Layers: layers}
			_, err := n.Shapes()
			return n, err
		}
	}
	return nil, fmt.Errorf("no net called %q: there are %s, or give a JSON net file", name, strings.Join(PresetNames(), ", "))
}

func conv(name string, maps, size, stride, pad int, reads Reads, std, bias float64) Layer {
	return Layer{Name: name, Conv: &ConvSpec{Maps: maps, Window: Window{Size: size, Stride: stride, Pad: pad}, Reads: reads, Start: Start{std, bias}}}
}

func dense(name string, units int, std, bias float64) Layer {
	return Layer{Name: name, Dense: &DenseSpec{Units: units, Start: Start{std, bias}}}
}

func relu() Layer                { return Layer{Activate: "relu"} }
func dropout(rate float32) Layer { return Layer{Dropout: &DropoutSpec{Rate: rate}} }
func maxPool(size, stride int) Layer {
	return Layer{MaxPool: &MaxPoolSpec{Window{Size: size, Stride: stride}}}
}

// lrn is the paper's response normalisation, §3.3.
func lrn() Layer { return Layer{LRN: &Response{Size: 5, K: 2, Alpha: 1e-4, Beta: 0.75}} }

// alexnet is §3.5 and figure 2 of the paper; starts from §5.
func alexnet() (InputSpec, []Layer) {
	return InputSpec{Size: 224}, []Layer{
		conv("conv1", 96, 11, 4, 2, ReadsAll, .01, 0), relu(), lrn(), maxPool(3, 2),
		conv("conv2", 256, 5, 1, 2, ReadsOwn, .01, 1), relu(), lrn(), maxPool(3, 2),
		conv("conv3", 384, 3, 1, 1, ReadsAll, .01, 0), relu(),
		conv("conv4", 384, 3, 1, 1, ReadsOwn, .01, 1), relu(),
		conv("conv5", 256, 3, 1, 1, ReadsOwn, .01, 1), relu(), maxPool(3, 2),
		dense("fc6", 4096, .01, 1), relu(), dropout(.5),
		dense("fc7", 4096, .01, 1), relu(), dropout(.5),
		dense("fc8", 0, .01, 0),
	}
}

// alexnetOWT is the net of "One weird trick for parallelizing convolutional neural
// networks" (Krizhevsky 2014, §5), in torchvision's order of dropout and weights.
func alexnetOWT() (InputSpec, []Layer) {
	inverted := func() Layer { return Layer{Dropout: &DropoutSpec{Rate: .5, Inverted: true}} }
	return InputSpec{Size: 224}, []Layer{
		conv("conv1", 64, 11, 4, 2, ReadsAll, .01, 0), relu(), maxPool(3, 2),
		conv("conv2", 192, 5, 1, 2, ReadsAll, .01, 0), relu(), maxPool(3, 2),
		conv("conv3", 384, 3, 1, 1, ReadsAll, .01, 0), relu(),
		conv("conv4", 256, 3, 1, 1, ReadsAll, .01, 0), relu(),
		conv("conv5", 256, 3, 1, 1, ReadsAll, .01, 0), relu(), maxPool(3, 2),
		inverted(), dense("fc6", 4096, .01, 0), relu(),
		inverted(), dense("fc7", 4096, .01, 0), relu(),
		dense("fc8", 0, .01, 0),
	}
}

// alexnetMini keeps alexnet's plan (two towers that meet at conv3 and the dense layers,
// response normalisation, overlapping pooling, dropout) at a size that a laptop trains in
// two minutes. It has less dropout, because its dense layers have only 256 units.
func alexnetMini() (InputSpec, []Layer) {
	return InputSpec{Size: 64}, []Layer{
		conv("conv1", 32, 7, 2, 3, ReadsAll, .01, 0), relu(), lrn(), maxPool(3, 2),
		conv("conv2", 64, 5, 1, 2, ReadsOwn, .01, 1), relu(), lrn(), maxPool(3, 2),
		conv("conv3", 96, 3, 1, 1, ReadsAll, .01, 0), relu(),
		conv("conv4", 96, 3, 1, 1, ReadsOwn, .01, 1), relu(),
		conv("conv5", 64, 3, 1, 1, ReadsOwn, .01, 1), relu(), maxPool(3, 2),
		dense("fc6", 256, .01, 1), relu(), dropout(.2),
		dense("fc7", 256, .01, 1), relu(), dropout(.2),
		dense("fc8", 0, .01, 0),
	}
}
