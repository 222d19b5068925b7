package engine

import (
	"errors"
	"strings"
	"testing"
)

// An end that all ranks have come to is one, but where a rank has failed in a
// saving that takes all of them: they wait in it, and don't know.
func TestAfterSaving(t *testing.T) {
	stopped, full := &StoppedError{Step: 7, Err: errors.New("asked to")}, errors.New("the disk is full")
	for _, split := range []bool{false, true} {
		q := &parameter{}
		if split {
			q.whole = &Tensor{}
		}
		r := &run{Trainer: &Trainer{Model: &Model{params: []*parameter{q}}}}
		if err := r.afterSaving(stopped, nil); !errors.Is(err, stopped) {
			t.Errorf("split %v, saved: %v", split, err)
		}
		err := r.afterSaving(stopped, full)
		if !errors.Is(err, full) || !strings.Contains(err.Error(), "stopped after step 7") || errors.Is(err, stopped) == split {
			t.Errorf("split %v, not saved: %v", split, err)
		}
	}
}
