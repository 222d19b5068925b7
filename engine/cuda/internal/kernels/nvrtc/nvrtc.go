// Package nvrtc compiles CUDA C to PTX with NVIDIA's runtime compiler, a shared
// library that needs no GPU. Only the generator of kernels.ptx and its test
// use it.
package nvrtc

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"alexnet/internal/dynlib"
)

// Variable names the environment variable with the library's path.
const Variable = "NVRTC"

// Wheel is the pinned release of the compiler. It is old enough that every driver
// since 550, the first of CUDA 12.4, reads its PTX, ISA 8.4.
const Wheel = "nvidia-cuda-nvrtc-cu12==12.4.127"

// Release is Wheel's version of CUDA.
const Release = "12.4"

// Options are the compiler's options for the kernels. Every virtual architecture from
// 8.0 on reads the result. Multiplications and additions may be fused (--fmad=true,
// the compiler's default), which leaves out a rounding and so keeps to any bound that
// holds without; divisions and square roots are IEEE's, and nothing is flushed to
// zero except where a kernel says so. Lambdas carry no __device__, hence
// --device-as-default-execution-space.
var Options = []string{
	"--gpu-architecture=compute_80",
	"--std=c++17",
	"--device-as-default-execution-space",
	"--fmad=true",
}

// Library is a loaded compiler.
type Library struct {
	version       func(major, minor *int32) int32
	errorString   func(int32) string
	createProgram func(program *uintptr, source, name string, headers int32, texts, names **byte) int32
	destroy       func(program *uintptr) int32
	compile       func(program uintptr, options int32, list **byte) int32
	logSize       func(program uintptr, size *uintptr) int32
	log           func(program uintptr, text *byte) int32
	ptxSize       func(program uintptr, size *uintptr) int32
	ptx           func(program uintptr, text *byte) int32
}

// Open loads the library.
func Open(path string) (*Library, error) {
	handle, err := dynlib.Open(path, false)
	if err != nil {
		return nil, err
	}
	l := new(Library)
	for name, f := range map[string]any{
		"nvrtcVersion": &l.version, "nvrtcGetErrorString": &l.errorString,
		"nvrtcCreateProgram": &l.createProgram, "nvrtcDestroyProgram": &l.destroy, "nvrtcCompileProgram": &l.compile,
		"nvrtcGetProgramLogSize": &l.logSize, "nvrtcGetProgramLog": &l.log,
		"nvrtcGetPTXSize": &l.ptxSize, "nvrtcGetPTX": &l.ptx,
	} {
		symbol, err := dynlib.Symbol(handle, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		dynlib.Register(f, symbol)
	}
	return l, nil
}

// Version returns the library's CUDA version, "12.4".
func (l *Library) Version() (string, error) {
	var major, minor int32
	if err := l.check("nvrtcVersion", l.version(&major, &minor)); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d.%d", major, minor), nil
}

// Compile compiles the file main of files, which may include the others, to PTX text.
// The error holds the compiler's messages; warnings are errors.
func (l *Library) Compile(files map[string]string, main string, options []string) ([]byte, error) {
	var names, texts []string
	for name := range files {
		if name != main {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		texts = append(texts, files[name])
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	var program uintptr
	if err := l.check("nvrtcCreateProgram", l.createProgram(&program, files[main], main, int32(len(names)),
		list(&pin, texts), list(&pin, names))); err != nil {
		return nil, err
	}
	defer l.destroy(&program)
	failed := l.check("nvrtcCompileProgram", l.compile(program, int32(len(options)), list(&pin, options)))
	messages, err := l.text(program, l.logSize, l.log)
	if err != nil {
		return nil, err
	}
	if text := strings.TrimSpace(string(messages)); failed == nil && text != "" {
		failed = errors.New("the compiler warns")
	}
	if failed != nil {
		return nil, fmt.Errorf("%w\n%s", failed, messages)
	}
	return l.text(program, l.ptxSize, l.ptx)
}

// text returns one of a program's texts, without its final zero.
func (l *Library) text(program uintptr, size func(uintptr, *uintptr) int32, get func(uintptr, *byte) int32) ([]byte, error) {
	var n uintptr
	if err := l.check("nvrtcGet…Size", size(program, &n)); err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, nil
	}
	b := make([]byte, n)
	if err := l.check("nvrtcGet…", get(program, &b[0])); err != nil {
		return nil, err
	}
	return b[:n-1], nil
}

func (l *Library) check(call string, code int32) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s (%d)", call, l.errorString(code), code)
}

// list returns a C array of strings that stay in place while pinned.
func list(pin *runtime.Pinner, texts []string) **byte {
	if len(texts) == 0 {
		return nil
	}
	pointers := make([]*byte, len(texts))
	for i, t := range texts {
		b := append([]byte(t), 0)
		pin.Pin(&b[0])
		pointers[i] = &b[0]
	}
	pin.Pin(&pointers[0])
	return &pointers[0]
}
