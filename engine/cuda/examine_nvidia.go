//go:build !nocuda && !emulated

package cuda

import (
	"fmt"

	"alexnet/engine/cuda/internal/kernels"
	"alexnet/engine/cuda/internal/nvidia"
)

// Examine looks for GPUs and libraries. It never fails: the Survey lists what is
// missing.
func Examine() Survey {
	found := nvidia.Examine(nvidia.Options{})
	s := Survey{Kernels: kernels.Compiler(), Err: found.Err}
	for _, l := range found.Libraries {
		s.Libraries = append(s.Libraries, Library{l.Name, l.Version, l.Path})
	}
	for _, m := range found.Missing {
		s.Missing = append(s.Missing, Missing{m.Name, m.Why, m.Install})
	}
	for _, d := range found.Devices {
		g := GPU{Name: fmt.Sprintf("cuda:%d", d.Index), Model: d.Name, Memory: d.Memory,
			Capability: fmt.Sprintf("%d.%d", d.Major, d.Minor), Processors: d.Processors}
		for _, p := range d.PeerCapable {
			g.Peers = append(g.Peers, fmt.Sprintf("cuda:%d", p))
		}
		s.GPUs = append(s.GPUs, g)
	}
	return s
}
