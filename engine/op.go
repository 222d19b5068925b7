package engine

// An Op is one piece of work of a context, described by data: its tensors and
// its geometry. Devices switch on the concrete type. Unless a comment says
// otherwise an op overwrites what it writes, and its outputs may not alias its
// inputs. N is the batch; G in comments is Groups.
//
// Reads and Writes list the op's tensors (without nils); they drive the memory
// plan and the conformance suite.
type Op interface {
	Kind() string // "conv forward"; for messages and timings
	Reads() []*Tensor
	Writes() []*Tensor
}

// Input turns bytes into the net's input on the device:
//
//	Y[n,c,y,x] = (Pixels[n,y,x,c] + Colour[n,c] − Mean[c,y,x]) · Scale
//
// Pixels is Byte (N, H, W, 3); as a Shape its channels come last. Colour
// (Float32, (N, 3, 1, 1)) and Mean (Float32, (1, 3, H, W)) are in 0–255 units.
type Input struct {
	Pixels, Colour, Mean *Tensor
	Y                    *Tensor // Working (N, 3, H, W)
	Scale                float32
}

// ConvForward is a grouped cross-correlation plus bias:
//
//	Y[n,o,y,x] = B[o] + Σ W[o,i,ky,kx] · X[n, g·C/G + i, y·s−p+ky, x·s−p+kx]
//
// X (N, C, H, W), W (O, C/G, k, k), B (O,1,1,1), Y (N, O, H', W'). W and B are
// Master here and below, their gradients Float32.
// Output map o belongs to group g = o / (O/G).
type ConvForward struct {
	Window
	Groups  int
	X, W, B *Tensor
	Y       *Tensor
}

// ConvBackward computes the gradients of ConvForward from DY: DW and DB summed
// over the batch, and DX where it is not nil (the first layer needs none).
type ConvBackward struct {
	Window
	Groups   int
	X, W, DY *Tensor
	DW, DB   *Tensor
	DX       *Tensor // may be nil
}

// DenseForward is Y[n,o] = B[o] + Σ W[o,i]·X[n,i], where i runs over channel,
// row and column. X (N, C, H, W), W (O, C, H, W), so that a device which keeps
// channels last may keep both so, B (O, 1, 1, 1), Y (N, O, 1, 1).
type DenseForward struct {
	X, W, B *Tensor
	Y       *Tensor
}

// DenseBackward computes the gradients of DenseForward from DY: DW and DB
// summed over the batch, and DX where it is not nil.
type DenseBackward struct {
	X, W, DY *Tensor
	DW, DB   *Tensor
	DX       *Tensor // may be nil
}

// Function is an element-wise activation.
type Function uint8

const (
	// ReLU is max(x, 0); NaN stays NaN.
	ReLU Function = iota
	// Tanh is the hyperbolic tangent.
	Tanh
)

// Activate is Y = f(X). Y may be X.
type Activate struct {
	Function Function
	X, Y     *Tensor
}

// ActivateBackward is DX = DY · f′, with f′ computed from the output Y: for
// ReLU 1 where Y > 0, else 0; for Tanh 1 − Y². DX may be DY.
type ActivateBackward struct {
	Function Function
	Y, DY    *Tensor
	DX       *Tensor
}

// Response holds the constants of local response normalisation (paper §3.3):
//
//	b = a / (K + Alpha/m · S)^Beta
//
// where S is the sum of squares over the neighbourhood. Across maps (the
// default) the neighbourhood is Size maps of the same group centred on this
// one, clipped at the group's edges: Size/2 maps below, (Size−1)/2 above (they
// differ for an even Size only). Within a map it is the Size×Size square of
// pixels around this one, clipped likewise. The divisor m is Size across maps
// and Size² within a map, as in cuda-convnet, Caffe, cuDNN and PyTorch; with
// Literal it is 1, as the paper prints it.
type Response struct {
	Size    int     `json:"size"`
	K       float64 `json:"k"`
	Alpha   float64 `json:"alpha"`
	Beta    float64 `json:"beta"`
	Literal bool    `json:"literal,omitempty"`
	Within  bool    `json:"within,omitempty"`
}

// AlphaPerTerm is the factor on the sum of squares, Alpha/m.
func (r Response) AlphaPerTerm() float64 {
	switch {
	case r.Literal:
		return r.Alpha
	case r.Within:
		return r.Alpha / float64(r.Size*r.Size)
	}
	return r.Alpha / float64(r.Size)
}

// LRNForward normalises X (N, C, H, W) into Y; the C maps form Groups groups.
type LRNForward struct {
	Response
	Groups int
	X, Y   *Tensor
}

// LRNBackward computes DX from the forward op's X and from DY. It computes Y
// again, so that the net need not keep it: two of the largest activations. DX may
// be DY.
type LRNBackward struct {
	Response
	Groups int
	X, DY  *Tensor
	DX     *Tensor
}

// MaxPoolForward takes the maximum over each window of X (N, C, H, W). At holds
// for each output the position of its maximum inside the window, row·Size +
// column, the first one among equals; NaN wins over every number. Padding
// never wins. Size is at most 15, so that a position fits a byte.
type MaxPoolForward struct {
	Window
	X  *Tensor
	Y  *Tensor
	At *Tensor // Argmax, shaped as Y; nil when no backward pass follows
}

// MaxPoolBackward adds each DY to the input position that At names; the other
// positions of DX become 0.
type MaxPoolBackward struct {
	Window
	At, DY *Tensor
	DX     *Tensor
}

// Dropout multiplies activations by a random mask (paper §4.2). With Train,
//
//	Y[n,j] = X[n,j] if DropoutKeeps(key, (Image + n)·Width + First + j, Rate) else 0
//
// with key = DropoutKey(step, Layer) and the step's Image, or 0 with AllRanks (or,
// the same, key = Key(step) and Image 0), times 1/(1−Rate) when Inverted. Width is
// the layer's number of units over all contexts and First the index of this
// context's first one, so that the mask doesn't depend on placement. Without
// Train, Y = X·(1−Rate), or X when Inverted. The backward pass is the same op
// on gradients. Y may be X.
type Dropout struct {
	Rate         float32
	Layer        uint64
	Width, First int
	Train        bool
	Inverted     bool
	AllRanks     bool // X holds the images of all ranks, the step's whole batch
	X, Y         *Tensor
}
