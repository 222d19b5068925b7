package enginetest

import (
	"fmt"
	"reflect"
	"testing"

	"alexnet/engine"
)

// An Opener opens a fresh context. A case opens as many as it needs, all of
// one kind, and closes them.
type Opener func() (engine.Context, error)

// A Case is one property that a context must have.
type Case struct {
	// Name is the case's path: "conv forward/3×3 pad 1, 2 groups".
	Name string
	// Slow marks a case whose reference takes most of a second; Run leaves it
	// out of a -short test.
	Slow bool
	// Check runs the case. worst is the largest error, as a share of what the
	// tolerance allows (0 for a case without tolerance).
	Check func(open Opener, tol Tolerance) (worst float64, err error)
}

// Cases lists the suite: every op over its table, then the promises of Context.
func Cases() []Case {
	var all []Case
	for _, c := range OpCases() {
		all = append(all, Case{c.Name, c.products() > 1e6, c.check})
	}
	return append(all, contextCases()...)
}

// Thin lists the suite without repetitions: every op once in every geometry and
// setting (windows, groups, rates, functions), products once for each shape of their
// input, every special value, every promise of Context. It is for devices that are
// available only for minutes.
func Thin() []Case {
	var all []Case
	seen := map[string]bool{}
	for _, c := range OpCases() {
		key := setting(c.Op)
		if len(c.Data) == 0 && seen[key] {
			continue
		}
		seen[key] = true
		all = append(all, Case{c.Name, c.products() > 1e6, c.check})
	}
	return append(all, contextCases()...)
}

// setting returns an op without its tensors.
func setting(op engine.Op) string {
	key := op.Kind()
	switch op.(type) {
	case engine.DenseForward, engine.DenseBackward:
		key += op.Reads()[0].Shape.String()
	}
	v := reflect.ValueOf(op)
	for i := range v.NumField() {
		switch f := v.Field(i).Interface().(type) {
		case *engine.Tensor, []*engine.Tensor:
		default:
			key += fmt.Sprintf(" %v", f)
		}
	}
	return key
}

// Run runs every case as a subtest. open may skip the test if the context's hardware
// is missing; the suite closes the contexts.
func Run(t *testing.T, open func(t *testing.T) engine.Context, tol Tolerance) {
	RunCases(t, Cases(), open, tol)
}

// RunCases does the same as Run for some of the cases.
func RunCases(t *testing.T, cases []Case, open func(t *testing.T) engine.Context, tol Tolerance) {
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if c.Slow && testing.Short() {
				t.Skip("slow")
			}
			opener := func() (engine.Context, error) { return open(t), nil }
			if _, err := c.Check(opener, tol); err != nil {
				t.Error(err)
			}
		})
	}
}
