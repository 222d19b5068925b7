package engine

// The nets of Krizhevsky's runs, as layers/layers-N.cfg and layer-params-N.cfg of
// github.com/computerhistory/AlexNet-Source-Code describe them. Biases learn at
// twice the rate (epsB 0.02, epsW 0.01). The implied zeros at the right and bottom
// of the image (cuda-convnet's convolutions round up) are a padding of 2 here.

// within is the second normalisation after conv2, cnorm2.
func within() Layer {
	return Layer{LRN: &Response{Size: 5, K: 1, Alpha: 1e-3, Beta: 0.75, Within: true}}
}

// run145 returns the input and the convolutions of layers-145.cfg: ReLU after the first
// and last pooling, larger initial weights for conv3–5, and a second normalisation.
func run145(conv2, conv3 Layer) []Layer {
	return []Layer{
		conv("conv1", 96, 11, 4, 2, ReadsAll, .01, 0), lrn(), maxPool(3, 2), relu(),
		conv2, relu(), lrn(), within(), maxPool(3, 2),
		conv3, relu(),
		conv("conv4", 384, 3, 1, 1, ReadsOwn, .03, 1), relu(),
		conv("conv5", 256, 3, 1, 1, ReadsOwn, .03, 1), maxPool(3, 2), relu(),
	}
}

// dense2012 returns the dense layers. They read both towers, or their own.
func dense2012(fc6, fc7 int, reads Reads) []Layer {
	layers := []Layer{
		dense("fc6", fc6, .01, 1), relu(), dropout(.5),
		dense("fc7", fc7, .01, 1), relu(), dropout(.5),
		dense("fc8", 0, .01, 0),
	}
	layers[0].Dense.Reads, layers[3].Dense.Reads = reads, reads
	return layers
}

func of2012(parts ...[]Layer) (InputSpec, []Layer) {
	var layers []Layer
	for _, p := range parts {
		layers = append(layers, p...)
	}
	twice(layers)
	return InputSpec{Size: 224, NoiseScale: 1 / 1.1}, layers
}

// twice doubles the rate of all biases.
func twice(layers []Layer) {
	for _, l := range layers {
		if w := l.learning(); w != nil {
			w.BiasRate = new(float64)
			*w.BiasRate = 2
		}
	}
}

// alexnet145 is layers-145.cfg.
func alexnet145() (InputSpec, []Layer) {
	return of2012(run145(conv("conv2", 256, 5, 1, 2, ReadsOwn, .01, 1), conv("conv3", 384, 3, 1, 1, ReadsAll, .03, 0)), dense2012(4096, 4096, ReadsAll))
}

// alexnet146 is layers-146-2009.cfg and related files, which differ only in their
// classes: a sixth convolution, over both towers, after the last pooling.
func alexnet146() (InputSpec, []Layer) {
	return of2012(run145(conv("conv2", 256, 5, 1, 2, ReadsOwn, .01, 1), conv("conv3", 384, 3, 1, 1, ReadsAll, .03, 0)),
		[]Layer{conv("conv6", 256, 3, 1, 1, ReadsAll, .03, 1), relu()}, dense2012(4096, 4096, ReadsAll))
}

// alexnet150 is layers-150.cfg: towers that meet in the last layer alone, with a wider
// conv2 and fc6 to compensate for the other tower's maps.
func alexnet150() (InputSpec, []Layer) {
	return of2012(run145(conv("conv2", 320, 5, 1, 2, ReadsOwn, .01, 1), conv("conv3", 384, 3, 1, 1, ReadsOwn, .03, 0)), dense2012(8192, 4096, ReadsOwn))
}
