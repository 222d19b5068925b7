package vulkan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"alexnet/engine"
	"alexnet/engine/vulkan/internal/shaders"
	"alexnet/engine/vulkan/internal/vk"
)

// Options configure contexts. The zero value computes in float32.
type Options struct {
	// Precision is "fp32" or "" (the same), or "bf16": activations and their gradients
	// are stored in bfloat16, while products, sums, weights, momentum and losses stay
	// float32. With Matrices the factors of products are rounded to float16.
	Precision string
	// Matrices says whether products in bf16 are made of small matrices, which some
	// devices multiply by themselves: MatricesOn, MatricesOff, or "", which is
	// MatricesOff for devices in software and MatricesOn for others. A device without
	// them does without.
	Matrices string
	// Plain does not use a feature that a device may lack: sums that subgroups make
	// by themselves. It is for tests.
	Plain bool
	// Tiles says how products are cut into tiles: TilesTimed, TilesByShape, or "",
	// which is TilesByShape for devices in software and TilesTimed for others. The
	// results have the same bits.
	Tiles string
	// Note receives messages for the user that are not errors; nil drops them.
	Note func(line string)
	// Validate checks every call by Khronos' validation layer; see Messages. It holds
	// for the whole process: the first context that is opened decides.
	Validate bool
}

// Values of Options.Tiles.
const (
	// TilesTimed times every tile for some milliseconds when a product that is new to a
	// device is compiled. The fastest tile is stored in the user's cache folder.
	TilesTimed = "timed"
	// TilesByShape chooses tiles by the product's shape and the device's limits only.
	TilesByShape = "by shape"
)

// Values of Options.Matrices.
const (
	MatricesOn  = "on"
	MatricesOff = "off"
)

// Precisions are the values of Options.Precision.
var Precisions = []string{"fp32", "bf16"}

// Open opens a context for each name: "vulkan:1" is the second device that Vulkan
// lists. A device named twice, in one call or in several, gets two contexts that can
// read each other's memory. Contexts on two devices cannot. The caller closes them.
func Open(names []string, o Options) ([]engine.Context, error) {
	var contexts []engine.Context
	for _, name := range names {
		c, err := open(name, o)
		if err != nil {
			err = fmt.Errorf("device %q: %w", name, err)
			for _, c := range contexts {
				err = errors.Join(err, c.Close())
			}
			return nil, err
		}
		contexts = append(contexts, c)
	}
	return contexts, nil
}

func open(name string, o Options) (engine.Context, error) {
	index, err := Index(name)
	if err != nil {
		return nil, err
	}
	if o.Precision != "" && o.Precision != "fp32" && o.Precision != "bf16" {
		return nil, fmt.Errorf("precision %q: want %s", o.Precision, strings.Join(Precisions, " or "))
	}
	d, err := machine.device(index, o.Validate)
	if err != nil {
		return nil, err
	}
	if o.Precision == "bf16" && !d.Narrow {
		return nil, errors.Join(fmt.Errorf("%s doesn't store 16-bit numbers: compute in fp32", d.GPU.Name), d.release())
	}
	return newContext(name, d, o)
}

// Index returns the number in "vulkan:1"; "vulkan" is the first device.
func Index(name string) (int, error) {
	kind, number, numbered := strings.Cut(name, ":")
	if name == "vulkan" {
		return 0, nil
	}
	index, err := strconv.Atoi(number)
	if kind != "vulkan" || !numbered || err != nil || index < 0 {
		return 0, errors.New("want vulkan: and the number of a device, from 0")
	}
	return index, nil
}

// machine is the common state of the process's contexts: Vulkan and the open devices.
var machine shared

type shared struct {
	mu       sync.Mutex
	instance *vk.Instance
	validate bool
	devices  map[int]*device
}

// device is an open device with its queues and pipelines.
type device struct {
	*vk.Device
	index  int
	users  int // under machine.mu
	opened int // contexts so far, likewise
	layout vk.Layout
	queues []queue

	choices     choices
	matrixTiles []tile // of the matrices that it multiplies by itself

	mu        sync.Mutex
	shaders   map[shaderKey]vk.Shader
	pipelines map[string]vk.Pipeline
}

// queue is one of the device's queues. Contexts share it if there are too few.
type queue struct {
	mu sync.Mutex
	vk.Queue
}

type shaderKey struct {
	name string
	shaders.Variant
}

// pushBytes is the space for a shader's arguments that every device has.
const pushBytes = 128

// device opens a device, or shares an open one.
func (m *shared) device(index int, validate bool) (*device, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.instance == nil {
		i, err := vk.Open(validate)
		if err != nil {
			return nil, err
		}
		m.instance, m.validate, m.devices = i, validate, map[int]*device{}
	}
	d, err := m.find(index)
	if err != nil {
		m.leave()
		return nil, err
	}
	d.users++
	d.opened++
	return d, nil
}

func (m *shared) find(index int) (*device, error) {
	if d := m.devices[index]; d != nil {
		return d, nil
	}
	all, err := m.instance.GPUs()
	if err != nil {
		return nil, err
	}
	if index >= len(all) {
		return nil, fmt.Errorf("Vulkan lists %d devices, from vulkan:0", len(all))
	}
	g := all[index]
	if len(g.Missing) > 0 {
		return nil, fmt.Errorf("%s lacks %s", g.Name, strings.Join(g.Missing, ", "))
	}
	opened, err := g.Open()
	if err != nil {
		return nil, err
	}
	d := &device{Device: opened, index: index, shaders: map[shaderKey]vk.Shader{}, pipelines: map[string]vk.Pipeline{}}
	if d.layout, err = d.NewLayout(pushBytes); err != nil {
		d.Close()
		return nil, err
	}
	d.matrixTiles = matrixTiles(g.Matrices, g.Subgroup, &g.Limits)
	d.queues = make([]queue, d.Queues())
	for i := range d.queues {
		d.queues[i].Queue = d.Queue(uint32(i))
	}
	m.devices[index] = d
	return d, nil
}

// release closes the device after its last user.
func (d *device) release() error {
	machine.mu.Lock()
	defer machine.mu.Unlock()
	d.users--
	if d.users > 0 {
		return nil
	}
	err := d.WaitIdle()
	for _, p := range d.pipelines {
		d.FreePipeline(p)
	}
	for _, s := range d.shaders {
		d.FreeShader(s)
	}
	d.FreeLayout(d.layout)
	d.Close()
	delete(machine.devices, d.index)
	machine.leave()
	if errors.Is(err, vk.ErrLost) {
		return nil // its users have reported it
	}
	return err
}

// leave closes Vulkan if no device is open.
func (m *shared) leave() {
	if len(m.devices) == 0 {
		m.instance.Close()
		m.instance = nil
	}
}

// pipeline returns a shader with its constants. It is made once for each device.
func (d *device) pipeline(name string, v shaders.Variant, constants []uint32) (vk.Pipeline, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	key := fmt.Sprint(name, v, constants)
	if p, ok := d.pipelines[key]; ok {
		return p, nil
	}
	s, ok := d.shaders[shaderKey{name, v}]
	if !ok {
		var err error
		if s, err = d.NewShader(shaders.Code(name, v)); err != nil {
			return 0, fmt.Errorf("shader %s: %w", name, err)
		}
		d.shaders[shaderKey{name, v}] = s
	}
	p, err := d.NewPipeline(s, d.layout, constants, v.Matrices)
	if err != nil {
		return 0, fmt.Errorf("shader %s: %w", name, err)
	}
	d.pipelines[key] = p
	return p, nil
}

// Messages returns the validation layer's messages since the last call.
func Messages() []string { return vk.Messages() }
