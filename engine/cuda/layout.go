package cuda

import (
	"fmt"
	"unsafe"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// elemSize returns the number of bytes of an element in device memory.
func (c *Context) elemSize(t engine.ElemType) int64 {
	switch t {
	case engine.Working:
		return c.working.Size()
	case engine.Byte, engine.Argmax:
		return 1
	}
	return 4
}

// Bytes returns the memory of t in the arena. On a context that works in bfloat16 a
// parameter has a working copy behind its float32 values.
func (c *Context) Bytes(t *engine.Tensor) int64 {
	n := int64(t.Shape.Len())
	if t.Type == engine.Master && c.working != gpu.Float32 {
		return c.copyOffset(t) + n*c.working.Size()
	}
	return n * c.elemSize(t.Type)
}

// copyOffset returns the distance of a parameter's working copy from its beginning.
func (c *Context) copyOffset(t *engine.Tensor) int64 {
	if c.working == gpu.Float32 {
		return 0
	}
	return align(4 * int64(t.Shape.Len()))
}

// operand returns the address of a tensor in the working type, for products.
func (c *Context) operand(t *engine.Tensor) gpu.Pointer {
	p := c.address(t)
	if t.Type == engine.Master {
		p = p.Add(c.copyOffset(t))
	}
	return p
}

// stored returns the type of a tensor's floats in device memory.
func (c *Context) stored(t *engine.Tensor) gpu.Type {
	if t.Type == engine.Working {
		return c.working
	}
	return gpu.Float32
}

// permuted reports whether the device has another order of elements than the host:
// channels last, except for pixels and integers.
func permuted(t *engine.Tensor) bool {
	s := t.Shape
	return t.Type != engine.Byte && t.Type != engine.Int32 && s[1] > 1 && s[2]*s[3] > 1
}

// plain reports whether the device has the same bytes as the host.
func (c *Context) plain(t *engine.Tensor) bool {
	return !permuted(t) && (t.Type != engine.Working || c.working == gpu.Float32)
}

// hostBytes returns the memory of a host slice, after comparing it with the tensor to
// copy.
func hostBytes(t *engine.Tensor, host any) ([]byte, error) {
	var n int
	var ok bool
	var bytes []byte
	switch host := host.(type) {
	case []float32:
		n, bytes = len(host), bytesOf(host)
		ok = t.Type == engine.Working || t.Type == engine.Float32 || t.Type == engine.Master
	case []int32:
		n, bytes, ok = len(host), bytesOf(host), t.Type == engine.Int32
	case []byte:
		n, bytes, ok = len(host), host, t.Type == engine.Byte || t.Type == engine.Argmax
	}
	switch {
	case !ok:
		return nil, fmt.Errorf("%v: a %T does not hold its %s elements", t, host, t.Type)
	case n != t.Shape.Len():
		return nil, fmt.Errorf("%v: the slice has %d elements, the tensor %d", t, n, t.Shape.Len())
	}
	return bytes, nil
}

func bytesOf[T float32 | int32 | uint32 | uint64](s []T) []byte {
	var one T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*int(unsafe.Sizeof(one)))
}
