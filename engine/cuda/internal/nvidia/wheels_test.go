package nvidia

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"alexnet/engine/cuda/internal/gpu"
)

// wheels are cuBLASLt and cuDNN without a driver: the real libraries, of which
// much works on a machine without a GPU.
var wheels = sync.OnceValues(func() (*libraries, error) {
	s := places(Options{})
	where := s.folders
	l := &libraries{version: 13000, where: s}
	major, m := l.loadLt(where, 0)
	if m != nil {
		return nil, m
	}
	l.preload("NVRTC", where, fmt.Sprintf("libnvrtc.so.%d", major))
	if m := l.loadDNN(where, major); m != nil {
		return nil, m
	}
	return l, nil
})

// needWheels skips a test where the libraries aren't installed. With
// ALEXNET_NEED_CUDA_LIBS they must be.
func needWheels(t *testing.T) *libraries {
	t.Helper()
	l, err := wheels()
	if err == nil {
		return l
	}
	if os.Getenv("ALEXNET_NEED_CUDA_LIBS") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
	return nil
}

// needDescriptors skips a test where cuDNN's own libraries don't load: some
// versions want a libcuda.so.1 for that.
func needDescriptors(t *testing.T) *libraries {
	t.Helper()
	l := needWheels(t)
	b := &descriptors{lib: l}
	defer b.close()
	b.tensor(identityX, gpu.Float32, tensorShape{[4]int64{1, 1, 1, 1}, [4]int64{1, 1, 1, 1}}, 4, false)
	var e *gpu.CallError
	if errors.As(b.err, &e) && e.Code == dnnSublibraryLoadFailed {
		t.Skip(b.err)
	}
	ok(t, b.err)
	return l
}

// includes are the folders of the headers that belong to the libraries found.
func includes(t *testing.T, l *libraries) []string {
	t.Helper()
	var all []string
	l.loadNCCL() // its own test says so where it is missing
	for _, f := range append(slices.Clone(l.found), l.nccl.found) {
		for _, folder := range []string{"../include", "../../cuda_runtime/include"} {
			all = append(all, filepath.Join(filepath.Dir(f.Path), folder))
		}
	}
	return existing(all)
}
