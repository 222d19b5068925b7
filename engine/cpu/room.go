//go:build linux || windows || darwin

package cpu

import (
	"fmt"

	"alexnet/engine"
)

// hostMemory is what all contexts on processors take theirs from.
type hostMemory struct{}

// Room is the machine's memory, as far as this process may have it.
func (c *Context) Room() (engine.Room, error) {
	total, free, err := room()
	if err != nil {
		return engine.Room{}, fmt.Errorf("%s: room: %w", c.name, err)
	}
	return engine.Room{Of: hostMemory{}, Where: "this machine", Total: total, Free: free}, nil
}

// Estimate does nothing: plans of processors are never timed.
func (c *Context) Estimate() {}
