//go:build !nocuda

package devices

import (
	"fmt"
	"strings"

	"alexnet/engine"
	"alexnet/engine/cuda"
)

// cudaKind is the row of NVIDIA GPUs.
var cudaKind = []kind{{name: "cuda", usage: "cuda:0", open: openCUDA, precisions: Precisions, list: listCUDA}}

func openCUDA(names []string, o Options) ([]engine.Context, error) {
	options := cuda.Options{Deterministic: o.Deterministic, RankTimeout: o.RankTimeout, Note: o.Note}
	if o.Wire == "bf16" {
		options.Wire = cuda.BF16
	}
	if o.Precision != "" {
		var err error
		if options.Precision, err = cuda.ParsePrecision(o.Precision); err != nil {
			return nil, err
		}
	}
	return cuda.Open(names, options)
}

func listCUDA() Inventory {
	s := cuda.Examine()
	var i Inventory
	for _, g := range s.GPUs {
		about := fmt.Sprintf("%s, %.1f GiB, compute capability %s, %d multiprocessors", g.Model, float64(g.Memory)/(1<<30), g.Capability, g.Processors)
		if len(g.Peers) > 0 {
			about += ", reaches " + strings.Join(g.Peers, ", ") + " directly"
		}
		i.Devices = append(i.Devices, Device{Name: g.Name, About: about, Auto: true})
	}
	for _, l := range s.Libraries {
		i.Libraries = append(i.Libraries, Library(l))
	}
	for _, m := range s.Missing {
		i.Missing = append(i.Missing, Missing(m))
	}
	if s.Kernels != "" {
		i.Libraries = append(i.Libraries, Library{"kernels", s.Kernels, "built in"})
	}
	if s.Err != nil {
		i.Notes = append(i.Notes, "the driver lists no GPU: "+s.Err.Error())
	} else if len(s.Missing) == 0 && len(s.GPUs) == 0 {
		i.Notes = append(i.Notes, "the driver shows no GPU: is $CUDA_VISIBLE_DEVICES set, or the container started without --gpus all?")
	}
	return i
}
