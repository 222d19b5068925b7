package nvidia

import (
	"fmt"
	"sync"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
)

// minNCCL is the oldest supported NCCL, as ncclGetVersion counts: 2.18, whose
// ncclConfig_t is passed. It has all functions that are called.
const minNCCL = 21800

// ncclLibrary is NCCL, which only ranks need. It is loaded at its first use, or for a
// list of libraries.
type ncclLibrary struct {
	once    sync.Once
	api     ncclAPI
	found   gpu.Library
	missing *Missing
}

// ncclAPI holds the addresses of NCCL's functions.
type ncclAPI struct {
	getVersion, errorString, lastError, getUniqueID           uintptr
	commInit, commError, commFinalize                         uintptr
	commDestroy, commAbort                                    uintptr
	groupStart, groupEnd, allReduce, allGather, send, receive uintptr

	// initRank is commInit. Its array argument is passed by value, which call can't do.
	initRank func(comm *uintptr, ranks int32, id uniqueID, rank int32, c *ncclConfig) int32
}

func (a *ncclAPI) functions() []function {
	return []function{
		{"ncclGetVersion", &a.getVersion, false},
		{"ncclGetErrorString", &a.errorString, false},
		{"ncclGetLastError", &a.lastError, true},
		{"ncclGetUniqueId", &a.getUniqueID, false},
		{"ncclCommInitRankConfig", &a.commInit, false},
		{"ncclCommGetAsyncError", &a.commError, false},
		{"ncclCommFinalize", &a.commFinalize, false},
		{"ncclCommDestroy", &a.commDestroy, false},
		{"ncclCommAbort", &a.commAbort, false},
		{"ncclGroupStart", &a.groupStart, false},
		{"ncclGroupEnd", &a.groupEnd, false},
		{"ncclAllReduce", &a.allReduce, false},
		{"ncclAllGather", &a.allGather, false},
		{"ncclSend", &a.send, false},
		{"ncclRecv", &a.receive, false},
	}
}

// uniqueID is ncclUniqueId.
type uniqueID struct{ internal [uniqueIDBytes]byte }

// ncclConfig is 2.18's ncclConfig_t. Newer versions read its size and version, and accept
// it.
type ncclConfig struct {
	size                                        uint64
	magic, version                              uint32
	blocking, clusterSize, minBlocks, maxBlocks int32
	network                                     uintptr
	splitShare                                  int32
}

// nonBlocking is the configuration of a communicator whose calls return at once. NCCL
// requires it for communicators that may be aborted.
func nonBlocking() *ncclConfig {
	return &ncclConfig{
		size: uint64(unsafe.Sizeof(ncclConfig{})), magic: ncclMagic, version: minNCCL,
		clusterSize: ncclUndefined, minBlocks: ncclUndefined, maxBlocks: ncclUndefined, splitShare: ncclUndefined,
	}
}

const (
	uniqueIDBytes = 128
	ncclMagic     = 0xcafebeef
	ncclUndefined = -1 << 31
)

// Results of NCCL (ncclResult_t) that are handled.
const (
	ncclCUDAError   = 1
	ncclRemoteError = 6
	ncclInProgress  = 7
	ncclTimeout     = 8 // in newer versions
)

// Types and reductions (ncclDataType_t, ncclRedOp_t).
const (
	ncclUint32   = 3
	ncclFloat32  = 7
	ncclBFloat16 = 9
	ncclSum      = 0
	ncclMax      = 2
)

func ncclType(t gpu.Type) uintptr {
	return [...]uintptr{gpu.Float32: ncclFloat32, gpu.BFloat16: ncclBFloat16}[t]
}

// loadNCCL loads it, once, from the other libraries' folders. The CUDA version that it
// was built for can't be found out: on a driver that is too old for it, joining fails
// with CUDA's message.
func (l *libraries) loadNCCL() *Missing {
	n := &l.nccl
	n.once.Do(func() {
		refusals, ok := try(l.where.folders, []string{"libnccl.so.2"}, func(handle uintptr, path string) error {
			if err := bind(handle, path, n.api.functions()); err != nil {
				return err
			}
			var version int32
			call(n.api.getVersion, address(&version))
			if version < minNCCL {
				return fmt.Errorf("%s is NCCL %s, want %s or newer", path, ncclVersion(int(version)), ncclVersion(minNCCL))
			}
			register(&n.api.initRank, n.api.commInit)
			n.found = gpu.Library{Name: "NCCL", Path: pathOf(n.api.getVersion), Version: ncclVersion(int(version))}
			return nil
		})
		if !ok {
			n.missing = &Missing{Name: "NCCL 2", Why: l.notFound("libnccl.so.*", refusals),
				Install: []string{fmt.Sprintf("pip install nvidia-nccl-cu%d", l.wheelMajor()), "apt-get install libnccl2 (NVIDIA's repository)"}}
		}
	})
	return n.missing
}

// ncclVersion writes 22803 as 2.28.3. Versions before 2.9 count differently: 2708 is
// 2.7.8.
func ncclVersion(v int) string {
	if v < 10000 {
		return fmt.Sprintf("%d.%d.%d", v/1000, v/100%10, v%100)
	}
	return ltVersion(v)
}

// check makes an error of an ncclResult_t, with the library's text about its last
// failure.
func (a *ncclAPI) check(name string, code int32) error {
	if code == 0 {
		return nil
	}
	e := &gpu.CallError{Call: name, Code: int(code), Text: cString(call(a.errorString, uintptr(code)))}
	if a.lastError != 0 {
		if text := cString(call(a.lastError, 0)); text != "" {
			e.Text += fmt.Sprintf(" (%s)", text)
		}
	}
	if code == ncclRemoteError || code == ncclTimeout {
		e.Kind = gpu.ErrStalled
	}
	return e
}
