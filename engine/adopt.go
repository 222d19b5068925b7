package engine

import (
	"fmt"
	"slices"
)

// Adoption says what becomes of the layers when a net begins with a checkpoint's weights.
// All are names of layers with weights.
type Adoption struct {
	Kept  []string          // layers that begin with the checkpoint's weights
	Fresh []string          // layers that begin anew
	Left  []string          // layers of the checkpoint that the net doesn't have
	Why   map[string]string // of Fresh: why, where the layer was wanted
}

// Adoption tells which layers of a net can begin with the checkpoint's weights: those
// of the same name whose weights and biases have the same dims, if wanted says so (nil
// wants all). The last layer always begins anew, because the classes differ.
func (c *CheckpointFile) Adoption(n *Net, wanted func(Layer) bool) (Adoption, error) {
	parameters, err := n.Parameters()
	if err != nil {
		return Adoption{}, err
	}
	a := Adoption{Why: map[string]string{}}
	layers := weightedLayers(n)
	for i, l := range layers {
		if wanted != nil && !wanted(l) {
			a.Fresh = append(a.Fresh, l.Name)
			continue
		}
		why := ""
		if i == len(layers)-1 {
			why = "the last layer"
		} else {
			why = c.differs(parameters[2*i : 2*i+2])
		}
		if why == "" {
			a.Kept = append(a.Kept, l.Name)
		} else {
			a.Fresh, a.Why[l.Name] = append(a.Fresh, l.Name), why
		}
	}
	for _, l := range weightedLayers(c.Net) {
		if !slices.ContainsFunc(layers, func(own Layer) bool { return own.Name == l.Name }) {
			a.Left = append(a.Left, l.Name)
		}
	}
	return a, nil
}

// differs returns why a layer's parameters can't be the file's, or "" if they can.
func (c *CheckpointFile) differs(parameters []Parameter) string {
	for _, p := range parameters {
		t, ok := c.tensors.Find(p.Name)
		switch {
		case !ok:
			return "new"
		case !slices.Equal(t.Shape, p.Dims):
			return fmt.Sprintf("%s is %v there and %v here", p.Name, t.Shape, p.Dims)
		}
	}
	return ""
}

// weightedLayers lists the layers with weights.
func weightedLayers(n *Net) (layers []Layer) {
	for _, l := range n.Layers {
		if l.Weighted() {
			layers = append(layers, l)
		}
	}
	return layers
}

// Adopt loads the weights and biases of the named layers into m, to fine-tune a net. All
// others and all velocities stay as they are. NaN and infinities are refused as by
// Restore.
func (c *CheckpointFile) Adopt(m *Model, layers []string) error {
	if err := c.verify(); err != nil {
		return fmt.Errorf("checkpoint %s: %w", c.Path, err)
	}
	for _, layer := range layers {
		for _, name := range []string{layer + ".weight", layer + ".bias"} {
			values, err := c.tensors.ReadFinite(name)
			if err != nil {
				return fmt.Errorf("checkpoint %s: %w", c.Path, err)
			}
			if err := m.Write(Weight, name, values); err != nil {
				return fmt.Errorf("checkpoint %s: %w", c.Path, err)
			}
		}
	}
	return nil
}
