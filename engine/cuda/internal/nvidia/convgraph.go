package nvidia

import "alexnet/engine/cuda/internal/gpu"

// Attributes (cudnnBackendAttributeName_t) and values of enumerations.
const (
	pointwiseMode      = 0
	pointwisePrecision = 1
	pointwiseNaN       = 2

	convolutionCompute     = 100
	convolutionMode        = 101
	convolutionDilations   = 102
	convolutionStrides     = 103
	convolutionPostPadding = 104
	convolutionPrePadding  = 105
	convolutionSpatialDims = 106

	// Operations of a convolution have six attributes, in this order.
	operationForward = 700 // ALPHA, BETA, CONV_DESC, W, X, Y
	operationData    = 706 // ALPHA, BETA, CONV_DESC, W, DX, DY
	operationFilter  = 712 // ALPHA, BETA, CONV_DESC, DW, X, DY

	operationPointwise  = 750
	operationPointwiseX = 751
	operationPointwiseB = 752
	operationPointwiseY = 753

	graphHandle     = 800
	graphOperations = 801

	tensorAlignment  = 900
	tensorType       = 901
	tensorDimensions = 902
	tensorStrides    = 903
	tensorIdentity   = 906
	tensorVirtual    = 907

	dnnFloat         = 0 // CUDNN_DATA_FLOAT
	dnnBFloat16      = 9 // CUDNN_DATA_BFLOAT16
	crossCorrelation = 1
	propagateNaN     = 1
	pointwiseAdd     = 0
	pointwiseReLU    = 100
)

// Identifiers of a convolution's tensors: of those in memory, and of those between fused
// operations.
const (
	identityX = 1 + iota
	identityW
	identityBias
	identityY
	identityConvolved
	identityBiased
)

func dnnType(t gpu.Type) int32 {
	if t == gpu.BFloat16 {
		return dnnBFloat16
	}
	return dnnFloat
}

// channelsLast are the strides of N, C, H, W in memory of N, H, W, C with
// pixels of the given number of channels.
func channelsLast(h, w, channels int) [4]int64 {
	return [4]int64{int64(h * w * channels), 1, int64(w * channels), int64(channels)}
}

// tensorShape is a tensor's dimensions and strides in cuDNN's order: logically N, C, H,
// W.
type tensorShape struct{ dimensions, strides [4]int64 }

// shapes returns the shapes of X, W, Y and the bias of c.
func shapes(c gpu.Convolution) (x, w, y, bias tensorShape) {
	xChannels, yChannels := c.XChannels, c.YChannels
	if xChannels == 0 {
		xChannels = c.C
	}
	if yChannels == 0 {
		yChannels = c.K
	}
	h, width := c.Out()
	each := c.C / c.Groups // cuDNN finds the groups from the filter's channels
	x = tensorShape{[4]int64{int64(c.N), int64(c.C), int64(c.H), int64(c.W)}, channelsLast(c.H, c.W, xChannels)}
	w = tensorShape{[4]int64{int64(c.K), int64(each), int64(c.Size), int64(c.Size)}, channelsLast(c.Size, c.Size, each)}
	y = tensorShape{[4]int64{int64(c.N), int64(c.K), int64(h), int64(width)}, channelsLast(h, width, yChannels)}
	bias = tensorShape{[4]int64{1, int64(c.K), 1, 1}, channelsLast(1, 1, c.K)}
	return x, w, y, bias
}

// alignment is the alignment in bytes of the first element of each group's slice of a
// tensor, 16 at most.
func alignment(channels int, t gpu.Type) int64 {
	bytes := int64(channels) * t.Size()
	return min(16, bytes&-bytes)
}

// tensor describes a tensor in memory, or one between operations.
func (b *descriptors) tensor(identity int64, t gpu.Type, s tensorShape, align int64, virtual bool) uintptr {
	d := b.create(kindTensor)
	b.enum(d, tensorType, typeDataType, dnnType(t))
	b.ints(d, tensorDimensions, s.dimensions[:]...)
	b.ints(d, tensorStrides, s.strides[:]...)
	b.ints(d, tensorIdentity, identity)
	b.ints(d, tensorAlignment, align)
	if virtual {
		b.boolean(d, tensorVirtual, true)
	}
	return b.finalize(d)
}

// geometry describes the windows. Sums are in float32.
func (b *descriptors) geometry(c gpu.Convolution) uintptr {
	stride, pad := int64(c.Stride), int64(c.Pad)
	d := b.create(kindConvolution)
	b.enum(d, convolutionCompute, typeDataType, dnnFloat)
	b.enum(d, convolutionMode, typeConvMode, crossCorrelation)
	b.ints(d, convolutionSpatialDims, 2)
	b.ints(d, convolutionDilations, 1, 1)
	b.ints(d, convolutionStrides, stride, stride)
	b.ints(d, convolutionPrePadding, pad, pad)
	b.ints(d, convolutionPostPadding, pad, pad)
	return b.finalize(d)
}

// convolve makes the operation of c between tensors x, w and y.
func (b *descriptors) convolve(c gpu.Convolution, x, w, y uintptr) uintptr {
	kind, first := uintptr(kindConvolveForward), uintptr(operationForward)
	switch c.Direction {
	case gpu.BackwardData:
		kind, first = kindConvolveData, operationData
	case gpu.BackwardWeights:
		kind, first = kindConvolveFilter, operationFilter
	}
	geometry := b.geometry(c)
	d := b.create(kind)
	b.float(d, first, 1)
	b.float(d, first+1, 0)
	b.refer(d, first+2, geometry)
	b.refer(d, first+3, w)
	b.refer(d, first+4, x)
	b.refer(d, first+5, y)
	return b.finalize(d)
}

// pointwise makes y = mode(x, other), in float32; other is 0 if mode takes one operand. A
// NaN stays a NaN.
func (b *descriptors) pointwise(mode int32, x, other, y uintptr) uintptr {
	p := b.create(kindPointwise)
	b.enum(p, pointwiseMode, typePointwise, mode)
	b.enum(p, pointwisePrecision, typeDataType, dnnFloat)
	if mode == pointwiseReLU {
		b.enum(p, pointwiseNaN, typeNaN, propagateNaN)
	}
	b.finalize(p)
	d := b.create(kindOperationPointwise)
	b.refer(d, operationPointwise, p)
	b.refer(d, operationPointwiseX, x)
	if other != 0 {
		b.refer(d, operationPointwiseB, other)
	}
	b.refer(d, operationPointwiseY, y)
	return b.finalize(d)
}

// operations describes c with its bias and ReLU, in order, and returns the identifiers of
// the tensors in memory.
func (b *descriptors) operations(c gpu.Convolution) (operations []uintptr, identities []int64) {
	sx, sw, sy, sbias := shapes(c)
	weight := c.Type
	if c.Direction == gpu.BackwardWeights {
		weight = c.WeightGradient
	}
	ax, ay := alignment(c.C, c.Type), alignment(c.K, c.Type)
	x := b.tensor(identityX, c.Type, sx, ax, false)
	w := b.tensor(identityW, weight, sw, 16, false)
	y := b.tensor(identityY, c.Type, sy, ay, false)
	identities = []int64{identityX, identityW, identityY}
	if !c.Bias && !c.ReLU {
		return []uintptr{b.convolve(c, x, w, y)}, identities
	}
	packed := tensorShape{sy.dimensions, channelsLast(int(sy.dimensions[2]), int(sy.dimensions[3]), c.K)}
	last := b.tensor(identityConvolved, gpu.Float32, packed, 16, true)
	operations = append(operations, b.convolve(c, x, w, last))
	if c.Bias {
		bias := b.tensor(identityBias, c.BiasType, sbias, alignment(c.K, c.BiasType), false)
		identities = append(identities, identityBias)
		to := y
		if c.ReLU {
			to = b.tensor(identityBiased, gpu.Float32, packed, 16, true)
		}
		operations = append(operations, b.pointwise(pointwiseAdd, last, bias, to))
		last = to
	}
	if c.ReLU {
		operations = append(operations, b.pointwise(pointwiseReLU, last, 0, y))
	}
	return operations, identities
}

// graph joins operations; handle is a cudnnHandle_t.
func (b *descriptors) graph(handle uintptr, operations []uintptr) uintptr {
	d := b.create(kindGraph)
	if handle != 0 {
		b.handle(d, graphHandle, handle)
	}
	b.refer(d, graphOperations, operations...)
	return b.finalize(d)
}
