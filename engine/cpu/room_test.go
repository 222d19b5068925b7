//go:build linux || windows || darwin

package cpu

import (
	"errors"
	"strings"
	"testing"

	"alexnet/engine"
)

// TestPlanBeyondMemory: a batch that no machine has room for is refused with one
// that fits, before anything is allocated.
func TestPlanBeyondMemory(t *testing.T) {
	c, err := New("cpu", Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	net, err := engine.Preset("alexnet", 1000)
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.NewModel(net, []engine.Context{c}, engine.ModelConfig{Batch: 1 << 20})
	var large *engine.TooLargeError
	if !errors.As(err, &large) || large.Fits < 1 || large.Fits >= 1<<20 || !strings.Contains(err.Error(), "this machine") {
		t.Errorf("error %v", err)
	}
	c.Close()
}
