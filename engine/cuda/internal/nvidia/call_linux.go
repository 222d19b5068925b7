//go:build linux && (amd64 || arm64) && !static

package nvidia

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// supported means that libraries can be loaded on this platform.
const supported = true

// dlopen loads a library and makes its symbols visible to later libraries: cuDNN finds
// cuBLASLt and NVRTC in this way.
func dlopen(name string) (uintptr, error) {
	return purego.Dlopen(name, purego.RTLD_LAZY|purego.RTLD_GLOBAL)
}

func dlclose(handle uintptr) { purego.Dlclose(handle) }

func dlsym(handle uintptr, name string) (uintptr, error) { return purego.Dlsym(handle, name) }

// call calls a C function of integers and pointers. The caller keeps memory of args on
// the heap and alive. call allocates nothing: SyscallN would move its list to the heap,
// so it gets a list that is there already.
func call(function uintptr, args ...uintptr) uintptr {
	list := argumentLists.Get().(*[maxArguments]uintptr)
	result, _, _ := purego.SyscallN(function, list[:copy(list[:], args)]...)
	argumentLists.Put(list)
	return result
}

// register makes f, a pointer to a function, call a C function whose arguments are
// not all integers and pointers.
func register(f any, function uintptr) { purego.RegisterFunc(f, function) }

// maxArguments is the number of arguments of cublasLtMatmul, the longest list.
const maxArguments = 16

var argumentLists = sync.Pool{New: func() any { return new([maxArguments]uintptr) }}

// pathOf returns the file of a function, from the process's mappings, or "" if it is
// unknown.
func pathOf(function uintptr) string {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(maps)) {
		fields := strings.Fields(line)
		if len(fields) < 6 {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		a, err1 := strconv.ParseUint(from, 16, 64)
		b, err2 := strconv.ParseUint(to, 16, 64)
		if err1 == nil && err2 == nil && uint64(function) >= a && uint64(function) < b {
			return strings.Join(fields[5:], " ")
		}
	}
	return ""
}

// cString copies a C string.
func cString(address uintptr) string {
	if address == 0 {
		return ""
	}
	start := pointer(address)
	n := 0
	for *(*byte)(unsafe.Add(start, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(start), n))
}
