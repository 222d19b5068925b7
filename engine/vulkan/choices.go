package vulkan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"alexnet/engine/vulkan/internal/shaders"
	"alexnet/engine/vulkan/internal/vk"
	"alexnet/internal/dynlib"
	"alexnet/internal/file"
	"alexnet/internal/printable"
)

// choices holds the fastest tiles of a device, by products. They are stored in the user's
// cache folder, one file for each device. A file that others can write is not read. Only
// names in the list of tiles are used, so the worst effect of a wrong file is a slower
// program.
type choices struct {
	mu     sync.Mutex
	loaded bool
	file   string // "" without such a folder
	gpu    *vk.GPU
	tiles  []tile // that there are
	note   func(line string)
	known  map[string]tile
	fresh  bool // some are not in the file yet
	timed  int  // number of products timed since it was loaded
}

// kept is the contents of the file.
type kept struct {
	Device  string            `json:"device"` // its and its driver's identity
	Name    string            `json:"name"`
	Shaders string            `json:"shaders"` // hash of their sources
	Tiles   map[string]string `json:"tiles"`   // names by products
}

// mostKept is the largest size of the file in bytes, enough for tens of thousands of
// products.
const mostKept = 4 << 20

// load reads a device's choices, once.
func (c *choices) load(d *device, note func(line string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.loaded {
		return
	}
	g := d.GPU
	c.loaded, c.gpu, c.note, c.known = true, g, note, map[string]tile{}
	c.tiles = slices.Concat(numberTiles, d.matrixTiles)
	folder, err := os.UserCacheDir()
	if err != nil {
		note(fmt.Sprintf("the fastest tiles for %s can't be kept: %v", g.Name, err))
		return
	}
	device, _, _ := strings.Cut(g.Identity, " ")
	c.file = filepath.Join(folder, "alexnet-vulkan", device+".json")
	switch all, err := c.read(); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		note(fmt.Sprintf("%s is ignored: %v; tiles are timed anew", printable.Name(c.file), err))
	default:
		c.known = all
	}
}

// read reads the file.
func (c *choices) read() (map[string]tile, error) {
	if refused := (*dynlib.RefusedError)(nil); errors.As(dynlib.Trusted(c.file), &refused) {
		return nil, errors.New(refused.Why)
	}
	f, err := file.OpenPlain(c.file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := file.ReadOpen(f, mostKept)
	if err != nil {
		return nil, err
	}
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	if k.Device != c.gpu.Identity {
		return nil, errors.New("it is of another device or driver")
	}
	if k.Shaders != shaders.Source(false) {
		return nil, errors.New("it is of other shaders")
	}
	all := make(map[string]tile, len(k.Tiles))
	for product, name := range k.Tiles {
		i := slices.IndexFunc(c.tiles, func(t tile) bool { return t.String() == name })
		if i < 0 {
			return nil, fmt.Errorf("it has a tile %s, of which there is none", printable.Name(name))
		}
		all[product] = c.tiles[i]
	}
	return all, nil
}

// of returns the choice for a product.
func (c *choices) of(product string) (tile, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t, ok := c.known[product]
	return t, ok
}

func (c *choices) add(product string, t tile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known[product], c.fresh = t, true
	c.timed++
}

// forget replaces the choices by given ones, for tests.
func (c *choices) forget(known map[string]tile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loaded, c.known, c.fresh, c.timed = known != nil, known, false, 0
}

// keep writes new choices, together with those that other processes have written
// meanwhile.
func (c *choices) keep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.fresh || c.file == "" {
		return
	}
	c.fresh = false
	k := kept{Device: c.gpu.Identity, Name: c.gpu.Name, Shaders: shaders.Source(false), Tiles: map[string]string{}}
	others, _ := c.read() // its faults have been reported
	for _, all := range []map[string]tile{others, c.known} {
		for product, t := range all {
			k.Tiles[product] = t.String()
		}
	}
	data, err := json.MarshalIndent(k, "", "\t")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(c.file), 0o755)
	}
	if err == nil {
		err = file.WriteAll(c.file, data)
	}
	if err != nil {
		c.note(fmt.Sprintf("the fastest tiles for %s can't be kept: %v", c.gpu.Name, err))
		c.file = "" // so that this is reported once
	}
}
