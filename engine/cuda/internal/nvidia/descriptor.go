package nvidia

import (
	"fmt"
	"runtime"
)

// Kinds of descriptors (cudnnBackendDescriptorType_t).
const (
	kindPointwise          = 0
	kindConvolution        = 1
	kindEngine             = 2
	kindEngineConfig       = 3
	kindHeuristics         = 4
	kindPlan               = 5
	kindConvolveForward    = 10
	kindConvolveFilter     = 11
	kindConvolveData       = 12
	kindOperationPointwise = 13
	kindGraph              = 15
	kindVariantPack        = 16
	kindTensor             = 17
	kindDeviceProperties   = 38
)

// Types of attributes' values (cudnnBackendAttributeType_t).
const (
	typeHandle      = 0
	typeDataType    = 1
	typeBoolean     = 2
	typeInt64       = 3
	typeFloat       = 4
	typeDouble      = 5
	typeVoidPtr     = 6
	typeConvMode    = 7
	typeHeuristic   = 8
	typeNaN         = 10
	typeNumerical   = 11
	typePointwise   = 14
	typeDescriptor  = 15
	typeBehavior    = 19
	typeChar        = 24
	numericalCounts = 32 // more notes than any version has
)

// descriptors makes cuDNN's backend descriptors and owns them. After the first failure
// later calls do nothing, so a graph can be built without a check after every step.
type descriptors struct {
	lib  *libraries
	made []uintptr
	err  error
}

// create makes a descriptor.
func (b *descriptors) create(kind uintptr) uintptr {
	var d uintptr
	if b.err != nil {
		return 0
	}
	b.check(fmt.Sprintf("cudnnBackendCreateDescriptor(%d)", kind), call(b.lib.dnn.descCreate, kind, address(&d)))
	if d != 0 {
		b.made = append(b.made, d)
	}
	return d
}

func (b *descriptors) check(name string, result uintptr) {
	if b.err == nil && int32(result) != 0 {
		b.err = b.lib.checkDNN(name, result)
	}
}

// set sets an attribute to values.
func set[T any](b *descriptors, d, attribute, kind uintptr, values ...T) {
	if b.err == nil {
		result := call(b.lib.dnn.setAttr, d, attribute, kind, uintptr(len(values)), start(values))
		runtime.KeepAlive(values)
		if int32(result) != 0 {
			b.check(fmt.Sprintf("cudnnBackendSetAttribute(%d)", attribute), result)
		}
	}
}

// ints sets an attribute of whole numbers: shapes, strides, identifiers.
func (b *descriptors) ints(d, attribute uintptr, values ...int64) {
	set(b, d, attribute, typeInt64, values...)
}

// enum sets an attribute of an enumeration.
func (b *descriptors) enum(d, attribute, kind uintptr, value int32) {
	set(b, d, attribute, kind, value)
}

func (b *descriptors) float(d, attribute uintptr, value float32) {
	set(b, d, attribute, typeFloat, value)
}

func (b *descriptors) boolean(d, attribute uintptr, value bool) {
	set(b, d, attribute, typeBoolean, value)
}

// refer sets an attribute of descriptors.
func (b *descriptors) refer(d, attribute uintptr, values ...uintptr) {
	set(b, d, attribute, typeDescriptor, values...)
}

// pointers sets an attribute of addresses in device memory.
func (b *descriptors) pointers(d, attribute uintptr, values []uintptr) {
	set(b, d, attribute, typeVoidPtr, values...)
}

func (b *descriptors) handle(d, attribute, handle uintptr) {
	set(b, d, attribute, typeHandle, handle)
}

func (b *descriptors) finalize(d uintptr) uintptr {
	if b.err == nil {
		b.check("cudnnBackendFinalize", call(b.lib.dnn.finalize, d))
	}
	return d
}

// get reads up to room values of an attribute to values, and returns their number.
func (b *descriptors) get(d, attribute, kind uintptr, room int, values uintptr) int {
	if b.err != nil {
		return 0
	}
	var n int64
	b.check(fmt.Sprintf("cudnnBackendGetAttribute(%d)", attribute), call(b.lib.dnn.getAttr, d, attribute, kind, uintptr(room), address(&n), values))
	return int(n)
}

// getInt reads one whole number.
func (b *descriptors) getInt(d, attribute uintptr) int64 {
	var v int64
	b.get(d, attribute, typeInt64, 1, address(&v))
	return v
}

// close destroys the descriptors, the last first.
func (b *descriptors) close() error {
	var err error
	for i := len(b.made) - 1; i >= 0; i-- {
		if e := b.lib.checkDNN("cudnnBackendDestroyDescriptor", call(b.lib.dnn.descDestroy, b.made[i])); err == nil {
			err = e
		}
	}
	b.made = nil
	return err
}
