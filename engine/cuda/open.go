package cuda

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"alexnet/engine"
	"alexnet/engine/cuda/internal/gpu"
)

// Open opens a context for each name. "cuda:1" is the second GPU. "cuda" is the GPU
// with the same number as its place in the list, so "cuda", "cuda" are two GPUs. A GPU
// named twice gets two contexts, each with its own queue and arena. The caller closes
// them.
func Open(names []string, o Options) ([]engine.Context, error) {
	names, indices := numbered(names), make([]int, len(names))
	for i, name := range names {
		var err error
		if indices[i], err = deviceIndex(name); err != nil {
			return nil, fmt.Errorf("device %q: %w", name, err)
		}
	}
	devices := make([]gpu.Device, len(names))
	opened := map[int]gpu.Device{}
	for i, index := range indices {
		if opened[index] == nil {
			d, err := openDevice(index)
			if err != nil {
				for _, d := range opened {
					err = errors.Join(err, d.Close())
				}
				return nil, fmt.Errorf("device %q: %w", names[i], err)
			}
			opened[index] = d
		}
		devices[i] = opened[index]
	}
	return On(devices, names, o)
}

// numbered adds numbers to the names without one.
func numbered(names []string) []string {
	names = slices.Clone(names)
	for i, name := range names {
		if name == "cuda" {
			names[i] = fmt.Sprint("cuda:", i)
		}
	}
	return names
}

// deviceIndex reads the number in "cuda:1".
func deviceIndex(name string) (int, error) {
	kind, number, _ := strings.Cut(name, ":")
	index, err := strconv.Atoi(number)
	if kind != "cuda" || err != nil || index < 0 {
		return 0, errors.New("want cuda, or cuda: and the number of a GPU, from 0")
	}
	return index, nil
}

// On makes a context called names[i] on each device; contexts on one Device share it.
// It owns the devices from now on: it closes them with their last context, or before
// it returns an error.
func On(devices []gpu.Device, names []string, o Options) ([]engine.Context, error) {
	cards := map[gpu.Device]*card{}
	f := &family{open: len(devices)}
	for _, d := range devices {
		if cards[d] == nil {
			cards[d] = &card{device: d, chosen: map[string]string{}}
		}
		cards[d].users++
	}
	var contexts []engine.Context
	var errs []error
	for i, d := range devices {
		c, err := newContext(names[i], cards[d], f, o)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", names[i], err))
			continue
		}
		contexts = append(contexts, c)
	}
	if errs != nil {
		for _, c := range contexts {
			errs = append(errs, c.Close())
		}
		return nil, errors.Join(errs...)
	}
	return contexts, nil
}

// card is a device with the state that its contexts share.
type card struct {
	device gpu.Device

	mu     sync.Mutex
	users  int
	ranked bool              // whether one of the contexts has joined ranks
	chosen map[string]string // name of the fastest plan for each computation
}

// release closes the device when its last context is closed.
func (c *card) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users--
	if c.users > 0 {
		return nil
	}
	return c.device.Close()
}
