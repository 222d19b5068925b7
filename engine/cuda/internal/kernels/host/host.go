package host

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"alexnet/engine/cuda/internal/kernels/source"
	"alexnet/internal/dynlib"
	"alexnet/internal/file"
)

//go:embed shim
var shim embed.FS

var shims = []string{"shim.h", "machine.cpp", "selftest.cu"}

// ErrNoCompiler says that there is no g++.
var ErrNoCompiler = errors.New("g++ is not installed")

// Order is the order in which a launch's blocks, and the threads of a block, run. A
// kernel without races gives the same result in every order.
type Order uint32

const (
	Forward  Order = 0
	Backward Order = 1
	// Larger orders are seeds of shuffles.
)

// Library is the kernels in a shared object. Several goroutines may use it at once.
type Library struct {
	// Order of the launches.
	Order Order

	launch func(name string, grid, block *uint32, shared uint32, params unsafe.Pointer, size, order uint32) string
	names  []string
}

// arguments are always passed to g++. Vectors are read through pointers of other types,
// as on a GPU, and longjmp changes between stacks. Products and sums aren't contracted; a
// flag of Build can change that.
var arguments = []string{
	"-std=c++17", "-O2", "-g0", "-fPIC", "-shared", "-Wall", "-Wextra", "-Wno-unknown-pragmas",
	"-fno-strict-aliasing", "-U_FORTIFY_SOURCE", "-ffp-contract=off",
}

var (
	mu    sync.Mutex
	built = map[string]*Library{}
)

// Build compiles the kernels, with further flags for the compiler, or finds them in
// the user's cache, and loads them. A cache that others can write to is refused, as
// dynlib says, and a library whose contents have changed is compiled again. Without g++
// the error is ErrNoCompiler.
func Build(flags ...string) (*Library, error) {
	mu.Lock()
	defer mu.Unlock()
	key := strings.Join(flags, " ")
	if built[key] == nil {
		path, err := build(flags)
		if err != nil {
			return nil, err
		}
		if built[key], err = load(path); err != nil {
			return nil, err
		}
	}
	l := *built[key] // so that callers may set their Order
	return &l, nil
}

// build returns the path of the library for these flags.
func build(flags []string) (path string, err error) {
	compiler, err := exec.LookPath("g++")
	if err != nil {
		return "", ErrNoCompiler
	}
	version, err := exec.Command(compiler, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", compiler, err)
	}
	all := source.Files()
	for _, name := range shims {
		text, err := shim.ReadFile("shim/" + name)
		if err != nil {
			panic(err) // embedded
		}
		all[name] = string(text)
	}
	flags = append(slices.Clone(arguments), flags...)
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %s %s %s", source.Hash(), runtime.GOARCH, compiler, version, flags)
	for _, name := range shims {
		fmt.Fprintf(h, " %s", all[name])
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(cache, "alexnet-kernels")
	inputs := hex.EncodeToString(h.Sum(nil)[:16])
	if path := find(folder, inputs); path != "" {
		return path, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(folder, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	fresh := filepath.Join(work, "kernels.so")
	flags = append(flags, "-o", fresh, filepath.Join(work, "machine.cpp"))
	if out, err := exec.Command(compiler, flags...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("g++: %w\n%s", err, out)
	} else if len(out) > 0 {
		return "", fmt.Errorf("g++ warns:\n%s", out)
	}
	contents, err := hashOf(fresh)
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, inputs+"-"+contents+".so")
	return path, os.Rename(fresh, path)
}

// find returns the library of these inputs whose contents match the hash in its name, or
// "". Loading a damaged one could crash the process.
func find(folder, inputs string) string {
	names, _ := filepath.Glob(filepath.Join(folder, inputs+"-*.so")) // the pattern is valid
	for _, path := range names {
		if contents, err := hashOf(path); err == nil && path == filepath.Join(folder, inputs+"-"+contents+".so") {
			return path
		}
	}
	return ""
}

// libraryLimit is more than the size of any library, which is about 1 MB.
const libraryLimit = 64 << 20

func hashOf(path string) (string, error) {
	all, err := file.ReadAll(path, libraryLimit)
	sum := sha256.Sum256(all)
	return hex.EncodeToString(sum[:16]), err
}

func load(path string) (*Library, error) {
	handle, err := dynlib.Open(path, false)
	if err != nil {
		return nil, err
	}
	l := new(Library)
	var list func() string
	for name, f := range map[string]any{"host_launch": &l.launch, "host_kernels": &list} {
		symbol, err := dynlib.Symbol(handle, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		dynlib.Register(f, symbol)
	}
	l.names = strings.Fields(list())
	return l, nil
}

// Names lists the kernels, sorted.
func (l *Library) Names() []string { return slices.Clone(l.names) }

// Launch runs a kernel to its end on the calling thread. params is its struct;
// pointers in it are addresses of this process.
func (l *Library) Launch(name string, grid, block [3]uint32, shared uint32, params []byte) error {
	// A C call stays on its thread. The returned text is the thread's, so it must be copied
	// before the thread's next launch.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	text := l.launch(name, &grid[0], &block[0], shared, unsafe.Pointer(unsafe.SliceData(params)), uint32(len(params)), uint32(l.Order))
	runtime.KeepAlive(params)
	if text != "" {
		return fmt.Errorf("kernel %s: %s", name, text)
	}
	return nil
}
