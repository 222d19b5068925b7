package nvidia

import (
	"testing"
	"unsafe"

	"alexnet/engine/cuda/internal/gpu"
	"alexnet/internal/dynlib"
)

// Fake opens devices of the fake libraries for tests outside this package, with
// launch as what runs kernels.
func Fake(t *testing.T, launch func(name string, grid, block [3]uint32, shared uint32, params []byte) error) (open func(index int) (gpu.Device, error)) {
	f := useFakes(t)
	f.start(13000, 90, 64<<30, true)
	run := dynlib.Callback(func(name uintptr, geometry *[7]uint32, params *byte, n uintptr) uintptr {
		g := *geometry
		err := launch(cString(name), [3]uint32(g[:3]), [3]uint32(g[3:6]), g[6], append([]byte(nil), unsafe.Slice(params, n)...))
		if err != nil {
			t.Error(err)
			return 1
		}
		return 0
	})
	handle, err := dlopen(f.folder + "/libcuda.so.1")
	if err != nil {
		t.Fatal(err)
	}
	set, err := dlsym(handle, "fake_launcher")
	if err != nil {
		t.Fatal(err)
	}
	call(set, run)
	t.Cleanup(func() { call(set, 0) })
	return func(index int) (gpu.Device, error) { return f.openDevice(index) }
}
