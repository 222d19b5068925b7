package torch

import (
	"encoding/json"
	"io"
	"strings"

	"alexnet/engine"
)

// Write writes m as a state dict, with the labels in its metadata. Besides the model it
// holds two parameters at a time in memory.
func Write(w io.Writer, m *engine.Model, labels engine.Labels) error {
	scale := m.Config.InputScale
	if scale == 0 {
		scale = m.Net.Input.Scale
	}
	net, factors, err := plain(m.Net, scale)
	if err != nil {
		return err
	}
	metadata := map[string]string{metaFormat: formatPT, metaNet: string(net.JSON())}
	for key, list := range map[string][]string{metaClasses: labels.IDs, metaNames: labels.Names} {
		if list == nil {
			continue
		}
		text, err := json.Marshal(list)
		if err != nil {
			return err
		}
		metadata[key] = string(text)
	}
	size := net.Input.Size
	tensors := []engine.StoredTensor{{Name: tensorMean, Shape: []int{3, size, size}}}
	origin := map[string]string{}
	stored := storedNames(net)
	for _, p := range m.Parameters() {
		dims := p.Dims
		if own := ownDense(m.Net, p.Name); own != nil {
			dims = own
		}
		tensors = append(tensors, engine.StoredTensor{Name: stored[p.Name], Shape: dims})
		origin[stored[p.Name]] = p.Name
	}
	return engine.WriteSafetensors(w, metadata, tensors, func(name string) ([]float32, error) {
		if name == tensorMean {
			if m.Config.Mean != nil {
				return m.Config.Mean, nil
			}
			return make([]float32, 3*size*size), nil
		}
		values, err := m.Read(engine.Weight, origin[name])
		if layer, ok := strings.CutSuffix(origin[name], ".weight"); ok && factors[layer] != 1 {
			for i := range values {
				values[i] *= factors[layer]
			}
		}
		return values, err
	})
}

// storedNames maps the engine's parameter names to PyTorch's.
func storedNames(net *engine.Net) map[string]string {
	names := map[string]string{}
	slot := slots(net)
	for i, l := range net.Layers {
		if l.Weighted() {
			names[l.Name+".weight"] = slot[i] + ".weight"
			names[l.Name+".bias"] = slot[i] + ".bias"
		}
	}
	return names
}

// ownDense returns the shape of the weights of a dense layer whose towers each read their
// own tower. In PyTorch it is a grouped convolution as large as its input. For every
// other parameter it returns nil.
func ownDense(net *engine.Net, parameter string) []int {
	extents, err := net.Shapes()
	if err != nil || net.Towers == 1 {
		return nil
	}
	in := engine.Extent{Maps: 3, Height: net.Input.Size, Width: net.Input.Size}
	for i, l := range net.Layers {
		if l.Dense != nil && l.Dense.Reads == engine.ReadsOwn && l.Name+".weight" == parameter {
			return []int{extents[i].Maps, in.Maps / net.Towers, in.Height, in.Width}
		}
		in = extents[i]
	}
	return nil
}
