package cpu

import (
	"fmt"
	"strings"

	"alexnet/engine"
)

// want is a requirement on one tensor of an op.
type want struct {
	role  string
	t     *engine.Tensor
	typ   engine.ElemType
	shape engine.Shape
}

// check compares the tensors of an op with what it requires. Types must match
// even where they are stored alike here, so that what runs here runs elsewhere.
func check(kind string, wants ...want) error {
	for _, w := range wants {
		switch {
		case w.t == nil:
			return fmt.Errorf("%s: %s is missing, want %v", kind, w.role, w.shape)
		case w.t.Shape != w.shape:
			return fmt.Errorf("%s: %s wants %v, has %v (%s)", kind, w.role, w.shape, w.t, list(wants))
		case w.t.Type != w.typ:
			return fmt.Errorf("%s: %s wants %s, %v is %s", kind, w.role, w.typ, w.t, w.t.Type)
		}
	}
	return nil
}

// list names the tensors that an op was given.
func list(wants []want) string {
	var s []string
	for _, w := range wants {
		s = append(s, fmt.Sprintf("%s is %v", w.role, w.t))
	}
	return strings.Join(s, ", ")
}

// shapeOf is the shape of a tensor that must be there.
func shapeOf(kind, role string, t *engine.Tensor) (engine.Shape, error) {
	if t == nil {
		return engine.Shape{}, fmt.Errorf("%s: %s is missing", kind, role)
	}
	for _, d := range t.Shape {
		if d < 1 {
			return engine.Shape{}, fmt.Errorf("%s: %s is empty: %v", kind, role, t)
		}
	}
	return t.Shape, nil
}

func opError(kind string, err error) error { return fmt.Errorf("%s: %w", kind, err) }

func opErrorf(kind, format string, args ...any) error {
	return fmt.Errorf("%s: "+format, append([]any{kind}, args...)...)
}
