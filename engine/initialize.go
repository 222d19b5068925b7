package engine

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"runtime/debug"
)

// Initialization names a way to draw the first weights.
type Initialization string

const (
	// InitPaper is §5 of the paper: N(0, Std²) and constant biases, as the net says
	// for each layer.
	InitPaper Initialization = "paper"
	// InitHe scales by fan-in (He et al. 2015): N(0, 2/fan-in), N(0, 1/fan-in)
	// in the last layer, which no ReLU follows, and biases 0. It lets small
	// data sets start to learn within hundreds of steps.
	InitHe Initialization = "he"
)

// Initialize draws all weights and clears the velocities. A parameter's values
// depend on seed, its name and its size alone, not on placement.
func (m *Model) Initialize(how Initialization, seed uint64) error {
	if how != InitPaper && how != InitHe {
		return fmt.Errorf("initialisation %q, want %q or %q", how, InitPaper, InitHe)
	}
	buffer := m.largest()
	for i, q := range m.params {
		values := buffer[:q.Len()]
		std, bias := q.start.Std, q.start.Bias
		if how == InitHe {
			gain := 2.0
			if i >= len(m.params)-2 {
				gain = 1
			}
			std, bias = math.Sqrt(gain/float64(q.fanIn)), 0
		}
		if q.bias {
			for j := range values {
				values[j] = float32(bias)
			}
		} else {
			h := fnv.New64a()
			h.Write([]byte(q.Name))
			r := rand.New(rand.NewPCG(seed, h.Sum64()))
			for j := range values {
				values[j] = float32(r.NormFloat64() * std)
			}
		}
		if err := m.Write(Weight, q.Name, values); err != nil {
			return err
		}
		if m.Config.Inference {
			continue
		}
		clear(values)
		if err := m.Write(Velocity, q.Name, values); err != nil {
			return err
		}
	}
	// The first step will use its scratch memory for the first time: free the host's copies
	// before, 151 MB for alexnet's fc6.
	debug.FreeOSMemory()
	return nil
}
