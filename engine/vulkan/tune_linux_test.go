package vulkan

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"alexnet/engine"
	"alexnet/engine/vulkan/internal/shaders"
	"alexnet/engine/vulkan/internal/vk"
)

// single opens a context on vulkan:0, or skips the test.
func single(t *testing.T, o Options) *Context {
	t.Helper()
	contexts, err := Open([]string{"vulkan:0"}, o)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := contexts[0].Close(); err != nil {
			t.Error(err)
		}
		for _, m := range Messages() {
			t.Errorf("validation: %s", m)
		}
	})
	return contexts[0].(*Context)
}

// products are ops that run every shader which includes product.glsl, of sizes that no
// tile divides, and the tensors that they write.
func products(c *Context) (ops []engine.Op, results []*engine.Tensor) {
	tensor := func(kind engine.ElemType, n, maps, h, w int) *engine.Tensor {
		return &engine.Tensor{Name: "t", Shape: engine.Shape{n, maps, h, w}, Type: kind, Life: engine.Persistent, Context: c}
	}
	like := func(t *engine.Tensor) *engine.Tensor {
		return &engine.Tensor{Name: "t", Shape: t.Shape, Type: t.Type, Life: engine.Persistent, Context: c}
	}
	gradient := func(t *engine.Tensor) *engine.Tensor {
		return &engine.Tensor{Name: "t", Shape: t.Shape, Type: engine.Float32, Life: engine.Persistent, Context: c}
	}
	const images, maps = 3, 74
	w := engine.Window{Size: 3, Stride: 2, Pad: 1}
	x, y := tensor(engine.Working, images, 10, 9, 9), tensor(engine.Working, images, maps, 5, 5)
	for _, local := range []bool{false, true} {
		k, b := tensor(engine.Master, maps, 5, 3, 3), tensor(engine.Master, maps, 1, 1, 1)
		if local {
			k, b = tensor(engine.Master, maps*25, 5, 3, 3), tensor(engine.Master, maps*25, 1, 1, 1)
		}
		out, dx, dk, db := like(y), like(x), gradient(k), gradient(b)
		if local {
			ops = append(ops, engine.LocalForward{Window: w, Groups: 2, X: x, W: k, B: b, Y: out},
				engine.LocalBackward{Window: w, Groups: 2, X: x, DY: y, W: k, DX: dx, DW: dk, DB: db})
		} else {
			ops = append(ops, engine.ConvForward{Window: w, Groups: 2, X: x, W: k, B: b, Y: out},
				engine.ConvBackward{Window: w, Groups: 2, X: x, DY: y, W: k, DX: dx, DW: dk, DB: db})
		}
		results = append(results, out, dx, dk)
	}
	u, v := tensor(engine.Working, images, 130, 1, 1), tensor(engine.Working, images, maps, 1, 1)
	k, b := tensor(engine.Master, maps, 130, 1, 1), tensor(engine.Master, maps, 1, 1, 1)
	out, du, dk, db := like(v), like(u), gradient(k), gradient(b)
	ops = append(ops, engine.DenseForward{X: u, W: k, B: b, Y: out}, engine.DenseBackward{X: u, DY: v, W: k, DX: du, DW: dk, DB: db})
	return ops, append(results, out, du, dk)
}

// TestTilesAgree: whatever the tile, every product has the same bits.
func TestTilesAgree(t *testing.T) {
	for name, o := range map[string]Options{
		"float32":              {Tiles: TilesByShape},
		"bfloat16":             {Tiles: TilesByShape, Precision: "bf16", Matrices: MatricesOff},
		"bfloat16 by matrices": {Tiles: TilesByShape, Precision: "bf16", Matrices: MatricesOn},
	} {
		t.Run(name, func(t *testing.T) {
			if o.Precision != "" && os.Getenv("ALEXNET_VULKAN") == "" {
				t.Skip("make check-vulkan runs it")
			}
			tilesAgree(t, o)
		})
	}
}

func tilesAgree(t *testing.T, o Options) {
	keeper := single(t, o)
	tiles := keeper.tiles
	if o.Matrices == MatricesOn && !tiles[0].isMatrices() {
		t.Skip(keeper.device.GPU.Name, " multiplies no matrices of float16 by itself")
	}
	if whole := os.Getenv("ALEXNET_VULKAN") != ""; !tiles[0].isMatrices() && (!whole || o.Precision != "") {
		tiles = tiles[:3] // those by shape: large ones take a device in software long to compile
	}
	var want [][]float32
	for i := range tiles {
		if !tiles[i].fits(&keeper.device.GPU.Limits) {
			continue
		}
		if tiles[i].isMatrices() && keeper.device.GPU.Kind == vk.Software && tiles[i].tm*tiles[i].tn > 4 {
			continue // minutes of compiling
		}
		c := single(t, o)
		c.forced = &tiles[i]
		ops, results := products(c)
		p := compile(t, c, ops...)
		noise := rand.New(rand.NewPCG(1, 2))
		for _, op := range ops {
			for _, r := range op.Reads() {
				values := make([]float32, r.Shape.Len())
				for i := range values {
					values[i] = float32(noise.NormFloat64())
				}
				if err := c.Upload(r, values); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := p.Run(engine.Step{}); err != nil {
			t.Fatal(err)
		}
		for j, r := range results {
			got := make([]float32, r.Shape.Len())
			if err := c.Download(got, r); err != nil {
				t.Fatal(err)
			}
			if err := c.Sync(); err != nil {
				t.Fatal(err)
			}
			if len(want) == j {
				want = append(want, got)
			}
			for k := range got {
				if math.Float32bits(got[k]) != math.Float32bits(want[j][k]) {
					t.Errorf("tile %v, result %d: element %d is %v, in tile %v %v", tiles[i], j, k, got[k], tiles[0], want[j][k])
					break
				}
			}
		}
	}
}

// TestTilesTimed: a product is timed once on a device, which the user's cache folder
// remembers; what is wrong there is passed over with one note, and replaced.
func TestTilesTimed(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", folder)
	if dir, err := os.UserCacheDir(); dir != folder {
		t.Skipf("the cache folder is %s here, %v", dir, err)
	}
	keeper := single(t, Options{})
	before := keeper.device.choices.known
	defer func() { keeper.device.choices.forget(before) }()
	run := func() (notes []string, timed int) {
		keeper.device.choices.forget(nil)
		c := single(t, Options{Tiles: TilesTimed, Note: func(line string) { notes = append(notes, line) }})
		tensor := func(kind engine.ElemType, n, maps, h int) *engine.Tensor {
			return &engine.Tensor{Name: "t", Shape: engine.Shape{n, maps, h, h}, Type: kind, Life: engine.Persistent, Context: c}
		}
		compile(t, c, engine.ConvForward{Window: engine.Window{Size: 3, Stride: 1, Pad: 1}, Groups: 1,
			X: tensor(engine.Working, 2, 16, 16), W: tensor(engine.Master, 64, 16, 3), B: tensor(engine.Master, 64, 1, 1), Y: tensor(engine.Working, 2, 64, 16)})
		return notes, keeper.device.choices.timed
	}
	if notes, timed := run(); len(notes) > 0 || timed != 1 {
		t.Fatalf("first: %d products are timed, noted %q", timed, notes)
	}
	files, err := filepath.Glob(filepath.Join(folder, "alexnet-vulkan", "*.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	good, err := os.ReadFile(files[0])
	if err != nil || !strings.Contains(string(good), `"conv false 1×64×512 of 144`) {
		t.Fatalf("%s, %v", good, err)
	}
	if notes, timed := run(); len(notes) > 0 || timed != 0 {
		t.Errorf("again: %d products are timed, noted %q", timed, notes)
	}
	instead := func(old, new string) string { return strings.Replace(string(good), old, new, 1) }
	for name, c := range map[string]struct{ text, want string }{
		"cut off":            {string(good[:len(good)/2]), "it is damaged"},
		"empty":              {"", "it is damaged"},
		"binary":             {"\x00\xff", "it is damaged"},
		"another device's":   {instead(keeper.device.GPU.Identity, "6d657361 0 1"), "it is of another device or driver"},
		"of another release": {instead(shaders.Source(false), "0"), "it is of other shaders"},
		"a tile of no list":  {instead(" each", " each and more"), "of which there is none"},
		"huge":               {string(good) + strings.Repeat(" ", mostKept), "has"},
	} {
		if err := os.WriteFile(files[0], []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if notes, timed := run(); len(notes) != 1 || !strings.Contains(notes[0], c.want) || !strings.Contains(notes[0], "is ignored") || timed != 1 {
			t.Errorf("%s: %d products are timed, noted %q", name, timed, notes)
		}
		if notes, timed := run(); len(notes) > 0 || timed != 0 {
			t.Errorf("after %s: %d products are timed, noted %q", name, timed, notes)
		}
	}
	strangers := map[string]func() error{"can be written by everybody": func() error { return os.Chmod(files[0], 0o666) }}
	if os.Geteuid() == 0 {
		strangers["belongs to user 12345"] = func() error { return os.Chown(files[0], 12345, 12345) }
	}
	for want, give := range strangers {
		if err := give(); err != nil {
			t.Fatal(err)
		}
		if notes, timed := run(); len(notes) != 1 || !strings.Contains(notes[0], want) || !strings.Contains(notes[0], "is ignored") || timed != 1 {
			t.Errorf("a file that %s: %d products are timed, noted %q", want, timed, notes)
		}
		if notes, timed := run(); len(notes) > 0 || timed != 0 {
			t.Errorf("after a file that %s: %d products are timed, noted %q", want, timed, notes)
		}
	}
	// Only a regular file is read or replaced.
	victim := filepath.Join(folder, "victim")
	if err := os.WriteFile(victim, good, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func(string) error{
		"a link": func(at string) error { return os.Symlink(victim, at) },
		"a pipe": func(at string) error { return syscall.Mkfifo(at, 0o644) },
	} {
		if err := os.Remove(files[0]); err != nil {
			t.Fatal(err)
		}
		if err := make(files[0]); err != nil {
			t.Fatal(err)
		}
		if notes, timed := run(); len(notes) != 2 || !strings.Contains(notes[0], "is ignored") || !strings.Contains(notes[1], "can't be kept") || timed != 1 {
			t.Errorf("%s: %d products are timed, noted %q", name, timed, notes)
		}
	}
	if now, err := os.ReadFile(victim); err != nil || string(now) != string(good) {
		t.Errorf("what the link led to is %q now, %v", now, err)
	}
}
