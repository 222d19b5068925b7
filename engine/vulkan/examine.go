package vulkan

import (
	"errors"
	"fmt"

	"alexnet/engine/vulkan/internal/vk"
)

// Survey lists what a machine has for this package.
type Survey struct {
	GPUs   []GPU
	Loader string // the path of Vulkan's loader; "" where there is none
	Err    error  // why devices couldn't be listed
}

// GPU is a device that Vulkan lists.
type GPU struct {
	Name       string // for Open: "vulkan:0"
	Model      string
	Kind       string // "discrete", "integrated", "in software"
	Driver     string
	Version    string // of Vulkan
	Memory     int64  // bytes of its largest heap
	Free       int64
	Precisions []string
	Matrices   string   // the sizes that it multiplies by itself: "16×16×16"
	Discrete   bool     // a card of its own
	Missing    []string // features that Open needs and the device lacks
	Without    []string // features that would make it faster and that the device lacks
}

// Examine lists the devices. It never fails: the Survey says why there are none.
func Examine() Survey {
	var s Survey
	machine.mu.Lock()
	defer machine.mu.Unlock()
	i := machine.instance
	if i == nil {
		var err error
		if i, err = vk.Open(false); err != nil {
			return Survey{Err: err}
		}
		defer i.Close()
	}
	s.Loader = i.Path()
	all, err := i.GPUs()
	s.Err = err
	for n, g := range all {
		d := GPU{Name: fmt.Sprint("vulkan:", n), Model: g.Name, Kind: g.Kind.String(), Driver: g.Driver, Version: g.Version,
			Precisions: Precisions[:1], Discrete: g.Kind == vk.Discrete, Missing: g.Missing}
		d.Free, d.Memory = g.Memory()
		if g.Narrow {
			d.Precisions = Precisions
		} else {
			d.Without = append(d.Without, "16-bit storage")
		}
		if d.Matrices = g.Matrices.String(); g.Matrices == (vk.Matrices{}) {
			d.Matrices, d.Without = "", append(d.Without, "cooperative matrices of float16")
		}
		s.GPUs = append(s.GPUs, d)
	}
	return s
}

// NoLoader reports whether an error of Open or Examine means that Vulkan is not
// installed.
func NoLoader(err error) bool { return errors.Is(err, vk.ErrNoVulkan) }
