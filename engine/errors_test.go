package engine

import (
	"errors"
	"fmt"
	"testing"
)

// callError is a failed call whose kind isn't in its text.
type callError struct{ text string }

var errKind = errors.New("lost")

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return errKind }

func TestJoinNew(t *testing.T) {
	lost, other := &callError{"cuStreamSynchronize: launch failure (719)"}, &callError{"cuMemcpy: launch failure (719)"}
	first := fmt.Errorf("step 3: cuda:0: upload: %w", lost)
	again := fmt.Errorf("cuda:0: %w", lost)
	for _, c := range []struct {
		errs []error
		want string
	}{
		{[]error{nil, nil}, "<nil>"},
		{[]error{nil, first}, "step 3: cuda:0: upload: cuStreamSynchronize: launch failure (719)"},
		{[]error{first, again, errors.Join(again, nil, again)}, "step 3: cuda:0: upload: cuStreamSynchronize: launch failure (719)"},
		{[]error{first, fmt.Errorf("cuda:1: %w", other)}, first.Error() + "\ncuda:1: cuMemcpy: launch failure (719)"},
		{[]error{first, errors.Join(again, other)}, first.Error() + "\n" + again.Error() + "\n" + other.Error()},
		{[]error{errors.New("full"), errors.New("disk"), errors.New("full")}, "full\ndisk"},
	} {
		err := joinNew(c.errs...)
		if got := fmt.Sprint(err); got != c.want {
			t.Errorf("joined %q, want %q", got, c.want)
		}
		if errors.Is(errors.Join(c.errs...), errKind) != errors.Is(err, errKind) {
			t.Errorf("%v: the kind is lost", err)
		}
	}
}
