package mpi

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"alexnet/engine/collective/launcher"
	"alexnet/internal/dynlib"
)

// abi holds the differences between the two families of libraries: handles are
// addresses in Open MPI and integers in MPICH (mpi.h of either).
type abi struct {
	world, bytes, errorsReturn, requestNull uintptr

	inPlace, statusIgnore uintptr
	maxError              int
}

// library is a loaded MPI.
type library struct {
	abi
	handle        uintptr
	path, version string

	initThread, finalize, abort, errorString   uintptr
	commRank, commSize, commDup, setErrhandler uintptr
	ibcast, ibarrier, ialltoallv, iallgatherv  uintptr
	isend, irecv, test, cancel, requestFree    uintptr
}

// pathVariable names the library to use, a path or a soname.
const pathVariable = "ALEXNET_MPI"

// candidates returns the library names to try for the launcher that started this
// process.
func candidates(environment func(string) string) []string {
	if path := environment(pathVariable); path != "" {
		return []string{path}
	}
	open := []string{"libmpi.so.40", "libmpi.so.80", "libmpi.so.20"}
	mpich := []string{"libmpich.so.12", "libmpi.so.12"}
	if launcher.OpenMPI(environment) {
		return open
	}
	if launcher.MPICH(environment) {
		return append(append(mpich, open...), "libmpi.so")
	}
	return append(append(open, mpich...), "libmpi.so")
}

func open(names []string) (*library, error) {
	if err := supported(); err != nil {
		return nil, err
	}
	var tried []error
	for _, name := range names {
		// Open MPI's plugins look up its symbols among the global ones.
		handle, err := dynlib.Open(name, true)
		if err != nil {
			tried = append(tried, err)
			continue
		}
		return bind(handle, name)
	}
	return nil, fmt.Errorf("no MPI library found: install Open MPI (libopenmpi3) or MPICH (libmpich12), the one whose mpirun starts the job, or set %s to its path: %w", pathVariable, errors.Join(tried...))
}

// supported returns why MPI cannot be used on this platform.
func supported() error {
	if runtime.GOOS != "linux" {
		return errors.New("ranks under MPI run on Linux only for now, this is " + runtime.GOOS + "/" + runtime.GOARCH)
	}
	return dynlib.Supported()
}

func bind(handle uintptr, path string) (*library, error) {
	l := &library{handle: handle, path: path}
	var version uintptr
	for _, f := range []struct {
		name string
		to   *uintptr
	}{
		{"MPI_Get_library_version", &version}, {"MPI_Init_thread", &l.initThread}, {"MPI_Finalize", &l.finalize},
		{"MPI_Abort", &l.abort}, {"MPI_Error_string", &l.errorString}, {"MPI_Comm_rank", &l.commRank},
		{"MPI_Comm_size", &l.commSize}, {"MPI_Comm_dup", &l.commDup}, {"MPI_Comm_set_errhandler", &l.setErrhandler},
		{"MPI_Ibcast", &l.ibcast}, {"MPI_Ibarrier", &l.ibarrier}, {"MPI_Ialltoallv", &l.ialltoallv},
		{"MPI_Iallgatherv", &l.iallgatherv}, {"MPI_Isend", &l.isend}, {"MPI_Irecv", &l.irecv}, {"MPI_Test", &l.test},
		{"MPI_Cancel", &l.cancel}, {"MPI_Request_free", &l.requestFree},
	} {
		address, err := dynlib.Symbol(handle, f.name)
		if err != nil {
			return nil, fmt.Errorf("%s is no MPI library that can be used here: %w", path, err)
		}
		*f.to = address
	}
	text := make([]byte, 8192) // MPICH's MPI_MAX_LIBRARY_VERSION_STRING
	var length int32
	dynlib.Call(version, uintptr(unsafe.Pointer(&text[0])), uintptr(unsafe.Pointer(&length)))
	text, _, _ = bytes.Cut(text, []byte{0})
	l.version, _, _ = strings.Cut(string(text), "\n")
	if strings.Contains(l.version, "Open MPI") {
		return l, l.bindOpenMPI(handle)
	}
	// MPICH's numbers. Related libraries share them by the ABI agreement of 2013.
	l.abi = abi{
		world: 0x44000000, bytes: 0x4c00010d, errorsReturn: 0x54000001, requestNull: 0x2c000000,
		inPlace: ^uintptr(0), statusIgnore: 1, maxError: 1024,
	}
	return l, nil
}

func (l *library) bindOpenMPI(handle uintptr) error {
	l.abi = abi{inPlace: 1, statusIgnore: 0, maxError: 1024}
	for _, s := range []struct {
		name string
		to   *uintptr
	}{
		{"ompi_mpi_comm_world", &l.world}, {"ompi_mpi_byte", &l.bytes},
		{"ompi_mpi_errors_return", &l.errorsReturn}, {"ompi_request_null", &l.requestNull},
	} {
		address, err := dynlib.Symbol(handle, s.name)
		if err != nil {
			return fmt.Errorf("%s: %w", l.path, err)
		}
		*s.to = address
	}
	return nil
}

// call makes a call that returns an MPI error code.
//
//go:uintptrescapes
func (l *library) call(name string, function uintptr, args ...uintptr) error {
	code, _ := dynlib.Call(function, args...)
	if int32(code) == 0 {
		return nil
	}
	text := make([]byte, l.maxError)
	var length int32
	dynlib.Call(l.errorString, code, uintptr(unsafe.Pointer(&text[0])), uintptr(unsafe.Pointer(&length)))
	text, _, _ = bytes.Cut(text, []byte{0})
	return fmt.Errorf("%s: %s (%d)", name, text, int32(code))
}

// quietSignals stops plugins of MPI libraries from installing signal handlers that don't
// run on the signal stack: the Go runtime doesn't survive these.
func quietSignals() {
	for name, value := range map[string]string{"UCX_ERROR_SIGNALS": "", "IPATH_NO_BACKTRACE": "1", "HFI_NO_BACKTRACE": "1"} {
		if _, set := os.LookupEnv(name); !set {
			os.Setenv(name, value)
		}
	}
}
