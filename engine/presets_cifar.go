package engine

// The nets for CIFAR-10 of cuda-convnet, as example-layers/layers-X.cfg and
// layer-params-X.cfg of github.com/dnouri/cuda-convnet describe them. Their pools
// round up, their normalisations have k 1, and their biases learn at twice the rate
// (epsB 0.002, epsW 0.001); weight decays (wc) are those of the files.

func decays(decay float64, l Layer) Layer {
	l.learning().Decay = &decay
	return l
}

func local(name string, maps int, std float64) Layer {
	return Layer{Name: name, Local: &LocalSpec{Maps: maps, Window: Window{Size: 3, Stride: 1, Pad: 1}, Start: Start{Std: std}}}
}

func ceilMax() Layer {
	return Layer{MaxPool: &MaxPoolSpec{Window{Size: 3, Stride: 2, Ceil: true}}}
}

func ceilAvg() Layer {
	return Layer{AvgPool: &AvgPoolSpec{Window{Size: 3, Stride: 2, Ceil: true}}}
}

// cifar13 is layers-conv-local-13pct.cfg, on 24-pixel crops (multiview).
func cifar13() (InputSpec, []Layer) {
	layers := []Layer{
		decays(0, conv("conv1", 64, 5, 1, 2, ReadsAll, .0001, 0)), relu(), ceilMax(),
		decays(0, conv("conv2", 64, 5, 1, 2, ReadsAll, .01, 0)), relu(), ceilMax(),
		decays(.004, local("local3", 32, .04)), relu(),
		decays(.004, local("local4", 32, .04)), relu(),
		decays(.004, dense("fc10", 0, .01, 0)),
	}
	twice(layers)
	return InputSpec{Size: 24}, layers
}

// cifar11 is layers-conv-local-11pct.cfg.
func cifar11() (InputSpec, []Layer) {
	norm := func() Layer { return Layer{LRN: &Response{Size: 9, K: 1, Alpha: 1e-3, Beta: 0.75}} }
	layers := []Layer{
		decays(0, conv("conv1", 64, 5, 1, 2, ReadsAll, .0001, 0)), relu(), ceilMax(), norm(),
		decays(0, conv("conv2", 64, 5, 1, 2, ReadsAll, .01, 0)), relu(), norm(), ceilMax(),
		decays(.004, local("local3", 64, .04)), relu(),
		decays(.004, local("local4", 32, .04)), relu(),
		decays(.01, dense("fc10", 0, .01, 0)),
	}
	twice(layers)
	return InputSpec{Size: 24}, layers
}

// cifar18 is layers-18pct.cfg, on whole pictures of 32 pixels.
func cifar18() (InputSpec, []Layer) {
	norm := func() Layer { return Layer{LRN: &Response{Size: 3, K: 1, Alpha: 5e-5, Beta: 0.75, Within: true}} }
	layers := []Layer{
		decays(.004, conv("conv1", 32, 5, 1, 2, ReadsAll, .0001, 0)), ceilMax(), relu(), norm(),
		decays(.004, conv("conv2", 32, 5, 1, 2, ReadsAll, .01, 0)), relu(), ceilAvg(), norm(),
		decays(.004, conv("conv3", 64, 5, 1, 2, ReadsAll, .01, 0)), relu(), ceilAvg(),
		decays(1, dense("fc10", 0, .01, 0)),
	}
	twice(layers)
	return InputSpec{Size: 32}, layers
}
