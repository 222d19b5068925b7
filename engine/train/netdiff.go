package train

import (
	"encoding/json"
	"fmt"

	"alexnet/engine"
)

// netDifference describes the first difference between the net of a checkpoint and
// the net of the settings; "" if nothing that matters differs.
func netDifference(saved, asked *engine.Net) string {
	differ := func(what string, old, now any) string {
		return fmt.Sprintf("%s %v in net %q of the checkpoint, and %v in net %q", what, old, saved.Name, now, asked.Name)
	}
	switch {
	case saved.Input.Size != asked.Input.Size:
		return differ("the pixels a side that it reads are", saved.Input.Size, asked.Input.Size)
	case saved.Towers != asked.Towers:
		return differ("the towers are", saved.Towers, asked.Towers)
	case saved.Classes != asked.Classes:
		return differ("the classes are", saved.Classes, asked.Classes)
	}
	for i := range max(len(saved.Layers), len(asked.Layers)) {
		if i == len(saved.Layers) || i == len(asked.Layers) {
			return differ("the layers are", len(saved.Layers), len(asked.Layers))
		}
		old, now := layerText(saved.Layers[i]), layerText(asked.Layers[i])
		if old != now {
			return differ(fmt.Sprintf("layer %d is", i+1), old, now)
		}
	}
	if saved.Input != asked.Input {
		return differ("the input scale is", saved.Input.Scale, asked.Input.Scale)
	}
	return ""
}

// layerText returns a layer as in a net file.
func layerText(l engine.Layer) string {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err) // a layer is plain data
	}
	return string(text)
}
