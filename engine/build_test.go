package engine

import (
	"errors"
	"strings"
	"testing"
)

// meetContext implements as much of a context as building programs needs.
type meetContext struct {
	planContext
	name string
}

type meetEvent struct{ owner *meetContext }

func (c *meetContext) Merged([]Op, int) int { return 1 }
func (c *meetContext) Room() (Room, error)  { return Room{}, nil }
func (c *meetContext) NewEvent() Event      { return meetEvent{c} }
func (e meetEvent) Owner() Context          { return e.owner }

// alone is a job of one rank.
type alone struct{ Group }

func (alone) Rank() int                        { return 0 }
func (alone) Size() int                        { return 1 }
func (alone) AllReduce([]float32) func() error { return func() error { return nil } }
func (alone) AllGather([]float32) func() error { return func() error { return nil } }
func (alone) AllToAll(dst, src []float32) func() error {
	copy(dst, src)
	return func() error { return nil }
}

// pair is a rank of a job of two that sends nothing.
type pair struct{ alone }

func (pair) Size() int { return 2 }

// limitedContext has no free memory.
type limitedContext struct{ meetContext }

func (c *limitedContext) Room() (Room, error) { return Room{Of: c, Where: "nowhere", Total: 1}, nil }
func (c *limitedContext) Name() string        { return "limited" }
func (c *limitedContext) Estimate()           {}

// TestHybridDoesNotFit: a hybrid batch can't be cut, and so isn't told to be.
func TestHybridDoesNotFit(t *testing.T) {
	net, err := Preset("alexnet-mini", 10)
	if err != nil {
		t.Fatal(err)
	}
	_, err = PlanModel(net, []Context{&limitedContext{}}, ModelConfig{Batch: 4, Hybrid: true, Group: pair{}})
	large, ok := errors.AsType[*TooLargeError](err)
	if !ok || large.Pieces != 0 || strings.Contains(err.Error(), "pieces") {
		t.Errorf("error %v, want a TooLargeError by itself", err)
	}
}

// TestProgramsMeet: on two contexts every program ends by signalling its own end
// and awaiting the other's, each time by the same events.
func TestProgramsMeet(t *testing.T) {
	net, err := Preset("alexnet-mini", 10)
	if err != nil {
		t.Fatal(err)
	}
	a, b := &meetContext{name: "a"}, &meetContext{name: "b"}
	l, err := layOut(net, []Context{a, b}, ModelConfig{Batch: 4, Accumulate: 2, Group: alone{}})
	if err != nil {
		t.Fatal(err)
	}
	for phase, ops := range l.ops {
		if len(ops) != 2 {
			t.Fatalf("phase %d has programs for %d contexts", phase, len(ops))
		}
		var signals [2]Signal
		var awaits [2]Await
		for p := range ops {
			n := len(ops[p])
			var ok [2]bool
			signals[p], ok[0] = ops[p][n-2].(Signal)
			awaits[p], ok[1] = ops[p][n-1].(Await)
			if !ok[0] || !ok[1] {
				t.Fatalf("phase %d, context %d ends with %s and %s", phase, p, ops[p][n-2].Kind(), ops[p][n-1].Kind())
			}
		}
		if signals[0].Event != (meetEvent{a}) || signals[1].Event != (meetEvent{b}) ||
			awaits[0].Event != signals[1].Event || awaits[1].Event != signals[0].Event {
			t.Errorf("phase %d: contexts await other events than those signalled", phase)
		}
	}
}

// closing counts how often it is closed.
type closing struct {
	meetContext
	closed int
}

func (c *closing) Close() error { c.closed++; return errors.New("closed badly") }

// TestNewModelCloses: contexts of a model that isn't made are closed, once each.
func TestNewModelCloses(t *testing.T) {
	net, err := Preset("alexnet-mini", 3)
	if err != nil {
		t.Fatal(err)
	}
	a, b := new(closing), new(closing)
	if m, err := NewModel(net, []Context{a, b}, ModelConfig{Batch: 0}); m != nil || err == nil || a.closed != 1 || b.closed != 1 ||
		!strings.Contains(err.Error(), "batch of 0 images") || !strings.Contains(err.Error(), "closed badly") {
		t.Errorf("%v, %v; closed %d and %d times, want once", m, err, a.closed, b.closed)
	}
}
