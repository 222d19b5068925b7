//go:build linux && amd64 && !noasm && !static

package trap

import (
	"debug/elf"
	"debug/gosym"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

var (
	//go:embed testdata/bochs.c
	preload []byte
	//go:embed testdata/bochs.py
	script []byte
)

// Main runs the tests of a package. If ALEXNET_BOCHS names a Python with
// bochscpu-python, every AVX-512 kernel runs on Bochs, whatever the processor has,
// and at least one must.
func Main(m *testing.M) {
	python := os.Getenv("ALEXNET_BOCHS")
	if python == "" {
		os.Exit(m.Run())
	}
	calls, end, err := emulate(python)
	if err != nil {
		fmt.Fprintln(os.Stderr, "AVX-512 can't be emulated:", err)
		os.Exit(1)
	}
	code := m.Run()
	n := calls()
	end()
	fmt.Printf("AVX-512: %d calls of kernels ran on Bochs\n", n)
	if n == 0 && code == 0 {
		code = 1
	}
	os.Exit(code)
}

// emulate starts Bochs and redirects the kernels to it.
func emulate(python string) (calls func() int, end func(), err error) {
	handle, err := install()
	if err != nil {
		return nil, nil, err
	}
	functions, err := divert()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "bochs")
	if err != nil {
		return nil, nil, err
	}
	library, err := compile(dir, "bochs", preload)
	if err != nil {
		return nil, nil, err
	}
	program := filepath.Join(dir, "bochs.py")
	if err := os.WriteFile(program, script, 0o600); err != nil {
		return nil, nil, err
	}
	command := exec.Command(python, program, fmt.Sprint(os.Getpid()), strings.Join(functions, ","))
	command.Env = append(os.Environ(), "LD_PRELOAD="+library)
	command.Stderr = os.Stderr
	theirs, to, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	from, answers, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	command.Stdin, command.Stdout = theirs, answers
	if err := command.Start(); err != nil {
		return nil, nil, err
	}
	theirs.Close()
	answers.Close()
	var pipes func(to, from int32)
	purego.RegisterLibFunc(&pipes, handle, "trap_elsewhere")
	purego.RegisterLibFunc(&calls, handle, "trap_calls")
	pipes(int32(to.Fd()), int32(from.Fd()))
	x := &cpu.X86
	x.HasAVX512F, x.HasAVX512BW, x.HasAVX512DQ, x.HasAVX512VL, x.HasAVX512BF16 = true, true, true, true, true
	return calls, func() {
		to.Close()
		command.Wait()
		from.Close()
		os.RemoveAll(dir)
	}, nil
}

// divert writes UD2 at the beginning of every AVX-512 kernel. It returns
// "address:bytes" with the overwritten bytes.
func divert() (functions []string, err error) {
	program, err := elf.Open("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	defer program.Close()
	text, lines := program.Section(".text"), program.Section(".gopclntab")
	if text == nil || lines == nil {
		return nil, fmt.Errorf("the test binary has no table of its functions")
	}
	data, err := lines.Data()
	if err != nil {
		return nil, err
	}
	table, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		return nil, err
	}
	// If a C linker has put code before Go's, Go's code begins after the start of .text.
	here := reflect.ValueOf(divert).Pointer()
	self := table.LookupFunc(runtime.FuncForPC(here).Name())
	if self == nil {
		return nil, fmt.Errorf("the test binary's table of functions can't be read")
	}
	moved := here - uintptr(self.Entry)
	size := uintptr(unix.Getpagesize())
	for _, f := range table.Funcs {
		file, _, _ := table.PCToLine(f.Entry)
		if !strings.HasPrefix(f.Name, "alexnet/engine/cpu/internal/") || !strings.HasSuffix(f.Name, "AVX512") || !strings.HasSuffix(file, ".s") {
			continue
		}
		entry := uintptr(f.Entry) + moved
		at := (*[2]byte)(unsafe.Add(unsafe.Pointer(nil), entry))
		functions = append(functions, fmt.Sprintf("%x:%s", entry, hex.EncodeToString(at[:])))
		page := entry &^ (size - 1)
		around := unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), page)), 2*size)
		if err := unix.Mprotect(around, unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC); err != nil {
			return nil, err
		}
		*at = [2]byte{0x0f, 0x0b}
		if err := unix.Mprotect(around, unix.PROT_READ|unix.PROT_EXEC); err != nil {
			return nil, err
		}
	}
	if len(functions) == 0 {
		return nil, fmt.Errorf("this binary has no kernels of AVX-512")
	}
	return functions, nil
}
