package torch

import (
	"fmt"

	"alexnet/engine"
)

// tensorMean is the name of the picture that the module subtracts.
const tensorMean = "mean"

// TorchVisionNet is the preset that fits the weights of torchvision's AlexNet.
const TorchVisionNet = "alexnet-owt"

// Metadata keys.
const (
	metaFormat, formatPT = "format", "pt"
	metaNet              = "net"
	metaClasses          = "classes"
	metaNames            = "class_names"
)

// slots returns, for each layer of the net, its module's name: "features.0".
func slots(net *engine.Net) []string {
	names := make([]string, len(net.Layers))
	dense := -1
	for i, l := range net.Layers {
		if dense < 0 && (l.Dense != nil || l.Dropout != nil && i+1 < len(net.Layers) && net.Layers[i+1].Dense != nil) {
			dense = i
		}
		if dense < 0 {
			names[i] = fmt.Sprintf("features.%d", i)
		} else {
			names[i] = fmt.Sprintf("classifier.%d", i-dense)
		}
	}
	return names
}

// plain returns the net with the same output for folded weights, and the factor on each
// weighted layer's weights, by the layer's name.
func plain(net *engine.Net, scale float32) (*engine.Net, map[string]float32, error) {
	out := *net
	out.Layers = append([]engine.Layer(nil), net.Layers...)
	out.Input.Scale = 0
	factors := map[string]float32{}
	factor := scale
	if factor == 0 {
		factor = 1
	}
	for i, l := range out.Layers {
		switch {
		case l.Weighted():
			factors[l.Name] = factor
			factor = 1
		case l.Dropout != nil && !l.Dropout.Inverted:
			factor *= 1 - l.Dropout.Rate
			out.Layers[i].Dropout = &engine.DropoutSpec{Rate: l.Dropout.Rate, Inverted: true}
		case factor != 1 && (l.LRN != nil || l.Activate == "tanh"):
			return nil, nil, fmt.Errorf("net %q: layer %d (%s) lies between dropout, or a scaled input, and the next weights: the factor %g cannot be folded past it",
				net.Name, i+1, l.Kind(), factor)
		}
	}
	return &out, factors, nil
}
