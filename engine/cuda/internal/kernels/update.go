package kernels

import (
	"unsafe"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// SetStep writes Params to the address Step: what is launched is copied at once,
// so that no host memory has to wait for the stream.
type SetStep struct {
	Step   gpu.Pointer
	Params StepParams
}

// SetStep enqueues the kernel.
func (k *Set) SetStep(s gpu.Stream, p SetStep) error {
	return launch(k, s, "set_step", gpu.Launch{Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{1, 1, 1}}, &p)
}

// Accumulate is Sum ← Sum + G, or Sum ← G where First isn't 0, for Count
// float32 elements.
type Accumulate struct {
	G, Sum gpu.Pointer
	Count  int64
	First  int32
}

// Accumulate enqueues the kernel.
func (k *Set) Accumulate(s gpu.Stream, p Accumulate) error {
	return launch(k, s, "accumulate", flatGrid((p.Count+3)/4), &p)
}

func (k *Set) lowerAccumulate(op engine.Accumulate, m Memory) Lowered {
	return Lowered{Run: func(s gpu.Stream) error {
		return k.Accumulate(s, Accumulate{G: m.At(op.G), Sum: m.At(op.Sum), Count: int64(op.G.Shape.Len()), First: Flag(op.First)})
	}}
}

// Parameter is a parameter tensor of Update: weights W, velocity V, gradient G,
// float32, Count of each; Copy is the working copy of W that the kernel writes,
// bfloat16, or 0 for none.
type Parameter struct {
	W, V, G, Copy gpu.Pointer
	Count         int64
	Decay, Rate   float32
}

// chunk is the part of a parameter that one block updates.
type chunk struct {
	First     int64
	Parameter int32
	pad       int32
}

// chunkElements is the number of elements of a chunk.
const chunkElements = 16384

// UpdateTable is the contents of the table that Update reads: upload it to
// device memory once.
type UpdateTable struct {
	Bytes              []byte
	parameters, chunks int32
}

// NewUpdateTable lists the parameters of an update.
func NewUpdateTable(parameters []Parameter) UpdateTable {
	t := UpdateTable{parameters: int32(len(parameters))}
	for i := range parameters {
		t.Bytes = append(t.Bytes, bytesOf(&parameters[i])...)
	}
	for i, p := range parameters {
		for first := int64(0); first < p.Count; first += chunkElements {
			t.Bytes = append(t.Bytes, bytesOf(&chunk{First: first, Parameter: int32(i)})...)
			t.chunks++
		}
	}
	return t
}

// Update is the paper's rule (engine.Update) on every parameter of a table, in
// one launch:
//
//	V ← Momentum·V − Decay·ε·W − ε·G;  W ← W + V,  ε = LearningRate · Rate
//
// with LearningRate and Momentum from the StepParams at Step. It changes nothing
// when the int32 at Halt isn't 0; Halt may be 0.
type Update struct {
	Table, Step, Halt gpu.Pointer

	chunks gpu.Pointer // after the table's parameters; set by the method
}

// Update enqueues the kernel for the table whose bytes lie at p.Table.
func (k *Set) Update(s gpu.Stream, p Update, t UpdateTable) error {
	p.chunks = p.Table.Add(int64(t.parameters) * int64(unsafe.Sizeof(Parameter{})))
	return launch(k, s, "update", gpu.Launch{
		Grid:  [3]uint32{uint32(t.chunks), 1, 1},
		Block: [3]uint32{blockThreads, 1, 1},
	}, &p)
}
