package engine

import "fmt"

// Shape is the logical extent of a tensor: images, channels (maps), height, width.
// Vectors and dense activations have height and width 1: a dense layer's output is
// (N, units, 1, 1). Convolution weights are (out, in/groups, kernel, kernel), dense
// weights (out, channels, height, width) of the layer's input, biases (out, 1, 1, 1).
//
// The shape does not say how a device stores the tensor. Upload and Download exchange
// it with the host in C order of this shape.
type Shape [4]int

// Len is the number of elements.
func (s Shape) Len() int { return s[0] * s[1] * s[2] * s[3] }

// Row is the number of elements of one image: channels × height × width.
func (s Shape) Row() int { return s[1] * s[2] * s[3] }

// String returns the shape as "128×96×55×55".
func (s Shape) String() string { return fmt.Sprintf("%d×%d×%d×%d", s[0], s[1], s[2], s[3]) }

// ElemType says what a tensor's elements are.
type ElemType uint8

const (
	// Working is a float in the precision the context computes in: float32 on
	// the CPU, float32 or bfloat16 on a GPU. Activations and their gradients.
	// The host sees float32.
	Working ElemType = iota
	// Float32 is always float32: momentum, parameters' gradients, losses.
	Float32
	// Int32 holds class labels and ranks.
	Int32
	// Byte holds pixels (0–255), stored in the order the host sees.
	Byte
	// Argmax holds pooling positions: bytes to the host. A device may store them in
	// the order of its activations.
	Argmax
	// Master is a parameter, a layer's weights or biases: float32 to the host and to
	// Update. A context that computes in a narrower type keeps a working copy beside
	// it, and updates the copy on Upload and Update.
	Master
)

// String is the type's name in messages.
func (t ElemType) String() string {
	return [...]string{"working", "float32", "int32", "byte", "argmax", "master"}[t]
}

// HostSize is the size in bytes of one element as the host sees it.
func (t ElemType) HostSize() int {
	if t == Byte || t == Argmax {
		return 1
	}
	return 4
}

// Life says how long a tensor's contents last.
type Life uint8

const (
	// Scratch contents last from the first op that writes the tensor to the
	// last op that reads it, within one run of one program. Its memory is
	// shared with other scratch tensors.
	Scratch Life = iota
	// Shared is Scratch that another context reads. Its memory is not reused within
	// the program, since the reader is not ordered with later ops here.
	Shared
	// Persistent contents last until the context is closed: weights, momentum,
	// gradients, inputs, and results for the host.
	Persistent
)

// Tensor names a piece of one context's arena. The builder of the programs makes it,
// and PlanArena places it. It owns no memory itself.
type Tensor struct {
	Name    string // for messages and the plan: "conv2.output", "fc6.weight"
	Shape   Shape
	Type    ElemType
	Life    Life
	Context Context // where it lives
	Offset  int64   // bytes from the start of the arena; set by PlanArena
}

// String returns the tensor as "conv2.output 128×256×27×27".
func (t *Tensor) String() string {
	if t == nil {
		return "<nil tensor>"
	}
	return t.Name + " " + t.Shape.String()
}
