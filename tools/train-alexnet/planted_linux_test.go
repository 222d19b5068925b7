package main

import (
	"os"
	"path/filepath"
	"testing"

	"alexnet/internal/dynlib/dynlibtest"
)

// Commands that look for devices, and so for their libraries, run no code from
// the folder that they are started in.
func TestPlantedLibraries(t *testing.T) {
	trap := dynlibtest.New(t)
	downloads := t.TempDir()
	names := []string{"libcuda.so.1", "libcublasLt.so.13", "libcudnn.so.9", "libnccl.so.2", "libvulkan.so.1", "libturbojpeg.so.0", "libturbojpeg.so", "libmpi.so.40", "libmpi.so", "libmpich.so.12"}
	for _, folder := range []string{".", ".venv", "venv"} {
		for _, below := range []string{"", "lib", "lib/python3.12/site-packages/nvidia/cu13/lib", "lib/python3.12/site-packages/nvidia/cuda_runtime/lib"} {
			trap.Plant(t, filepath.Join(downloads, folder, below), names...)
		}
		if err := os.MkdirAll(filepath.Join(downloads, folder, "conda-meta"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"devices"}, {"plan"}, {"predict", "--checkpoint", "none.safetensors", "picture.jpg"}, {"serve", "--checkpoint", "none.safetensors"}} {
		c := process(args...)
		c.Dir = downloads
		c.Env = append(c.Env, trap.Variable, "LD_LIBRARY_PATH=:", "VIRTUAL_ENV=.venv", "CONDA_PREFIX=venv", "PATH=.:"+os.Getenv("PATH"))
		out, _ := c.CombinedOutput()
		if trap.Sprung() {
			t.Errorf("%v ran a planted library\n%s", args, out)
		}
	}
}
