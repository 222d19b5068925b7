package enginetest_test

import (
	"fmt"
	"testing"

	"alexnet/engine/cuda"
)

// TestGPUGolden compares the presets with PyTorch's numbers on a GPU in exact
// float32, as TestGolden does on the CPU. It skips without a GPU.
func TestGPUGolden(t *testing.T) {
	s := cuda.Examine()
	if len(s.Missing) > 0 {
		t.Skipf("no %s: %s", s.Missing[0].Name, s.Missing[0].Why)
	}
	if len(s.GPUs) == 0 {
		t.Skipf("the driver shows no GPU: %v", s.Err)
	}
	for _, net := range []string{"alexnet-mini", "alexnet", "alexnet-145"} {
		for _, names := range [][]string{{"cuda:0"}, {"cuda:0", "cuda:0"}} {
			t.Run(fmt.Sprintf("%s on %v", net, names), func(t *testing.T) {
				contexts, err := cuda.Open(names, cuda.Options{Deterministic: true})
				if err != nil {
					t.Fatal(err)
				}
				g := readGolden(t, net)
				m := newModel(t, g, 1, contexts)
				defer m.Close()
				g.check(t, m)
			})
		}
	}
}
