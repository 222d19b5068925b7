package engine

import (
	"errors"
	"fmt"
	"strings"
)

// CheckOp reports faults of an op that any device would refuse: missing tensors, shapes
// and element types that do not fit, an invalid window, number of groups or rate. The
// error names the op and the tensors. The device itself checks where tensors lie and
// which context signals an event.
func CheckOp(op Op) error {
	if op == nil {
		return errors.New("the op is missing")
	}
	if err := op.Check(); err != nil {
		return fmt.Errorf("%s: %w", op.Kind(), err)
	}
	return nil
}

// want is a requirement on one tensor of an op.
type want struct {
	role  string
	t     *Tensor
	typ   ElemType
	shape Shape
}

// expect compares tensors with their requirements.
func expect(wants ...want) error {
	for _, w := range wants {
		switch {
		case w.t == nil:
			return fmt.Errorf("%s is missing, want %v", w.role, w.shape)
		case w.t.Shape != w.shape:
			return fmt.Errorf("%s wants %v, has %v (%s)", w.role, w.shape, w.t, list(wants))
		case w.t.Type != w.typ:
			return fmt.Errorf("%s wants %s, %v is %s", w.role, w.typ, w.t, w.t.Type)
		}
	}
	return nil
}

// list names the tensors of an op.
func list(wants []want) string {
	var s []string
	for _, w := range wants {
		s = append(s, fmt.Sprintf("%s is %v", w.role, w.t))
	}
	return strings.Join(s, ", ")
}

// role is a tensor with its name in the op.
type role struct {
	name string
	t    *Tensor
}

// present reports a tensor that is missing or has no elements.
func present(roles ...role) error {
	for _, r := range roles {
		if r.t == nil {
			return fmt.Errorf("%s is missing", r.name)
		}
		for _, d := range r.t.Shape {
			if d < 1 {
				return fmt.Errorf("%s is empty: %v", r.name, r.t)
			}
		}
	}
	return nil
}

// checkAlike wants activations of one shape.
func checkAlike(roles ...role) error {
	if err := present(roles[0]); err != nil {
		return err
	}
	var wants []want
	for _, r := range roles {
		wants = append(wants, want{r.name, r.t, Working, roles[0].t.Shape})
	}
	return expect(wants...)
}

func vector(n int) Shape { return Shape{n, 1, 1, 1} }

// checkGradients checks the results of a layer's backward pass.
func checkGradients(x, w, dw, db, dx *Tensor) error {
	wants := []want{{"DW", dw, Float32, w.Shape}, {"DB", db, Float32, vector(w.Shape[0])}}
	if dx != nil {
		wants = append(wants, want{"DX", dx, Working, x.Shape})
	}
	return expect(wants...)
}
